"""`python -m api.openapi_file` writes `api/openapi.json` anew; a test sees that it is what the application says.

The document depends on the routes alone, so there is no catalogue behind this application, and no version of a release.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from api.app import create_app
from search.catalogue import Catalogue

FILE = Path(__file__).with_name("openapi.json")


def write_openapi() -> str:
    """The text of `api/openapi.json` as the code has it now."""
    app = create_app(cast(Catalogue, None), version="1")
    return json.dumps(app.openapi(), ensure_ascii=False, indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(write_openapi(), "utf-8")
