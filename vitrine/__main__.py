"""`python -m vitrine`, and the console script `vitrine`."""

from __future__ import annotations

from vitrine.cli import app


def main() -> None:
    """Run the command line."""
    app(prog_name="vitrine")


if __name__ == "__main__":
    main()
