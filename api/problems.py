"""Which problems a route may answer with, as `openapi.json` says it.

Only documentation: what becomes of an error is decided in `api.errors`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from api.errors import PROBLEM_JSON
from api.schemas import ProblemAnswer

_REASONS: Mapping[int, str] = {
    400: "The body cannot be parsed.",
    401: "An API key is wanted.",
    404: "There is no such item or photo.",
    405: "The address does not take this method; Allow says which.",
    408: "The body did not arrive in time.",
    413: "The body or the photo is too large.",
    415: "The body or the photo is of a kind that is not read.",
    422: "The request is understood and makes no sense; `errors` points at why.",
    429: "Too many photos at once; Retry-After says when to come back.",
    500: "The server failed.",
    503: "The store does not answer.",
}
ALWAYS = (401, 500, 503)
PHOTO_BODY = (400, 408, 413, 415, 422, 429)


def document_problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route: these problems, and those every route may have."""
    schema = {"$ref": f"#/components/schemas/{ProblemAnswer.__name__}"}
    answers: dict[int | str, dict[str, Any]] = {}
    for status in sorted({*statuses, *ALWAYS}):
        answers[status] = {"description": _REASONS[status], "content": {PROBLEM_JSON: {"schema": schema}}}
        if status in (429, 503):
            answers[status]["headers"] = {
                "Retry-After": {"description": "Seconds.", "schema": {"type": "integer", "minimum": 1}}
            }
    return answers
