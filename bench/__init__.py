"""Measurements against peers and limits: scripts that print figures, run as `python -m bench.NAME`.

No figure decides anything here: a script ends with 0 whatever it measured. What was measured when, and how it was
run, is kept in `docs/measurements.md`. Works with every part of Vitrine; no part of Vitrine works with it.
"""
