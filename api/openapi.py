"""`openapi.json`: what FastAPI derives, with what it cannot know added.

FastAPI does not see bodies that a route reads itself, keys that a layer asks for, or problems as such.
"""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api.auth import is_guarded
from api.errors import PROBLEM_JSON
from api.explain_schemas import ExplainRequest
from api.questions import ClassifyRequest, SearchRequest, WireModel
from api.region_schemas import RegionsRequest
from api.schemas import ProblemAnswer

TEMPLATE = "#/components/schemas/{model}"
_OWN_MODELS: tuple[type[WireModel], ...] = (
    ClassifyRequest,
    ExplainRequest,
    ProblemAnswer,
    RegionsRequest,
    SearchRequest,
)
_TAGS = [
    {"name": "search", "description": "Ask the catalogue."},
    {"name": "items", "description": "Write it, one item at a time."},
    {"name": "photos", "description": "Thumbnails."},
    {"name": "operation", "description": "Run it."},
]


def build_openapi(app: FastAPI) -> dict[str, Any]:
    """The document, built once an application."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            summary=app.summary,
            description="Photos, items and filters in; items out. Errors are problem details (RFC 9457).",
            routes=app.routes,
            tags=_TAGS,
            servers=[{"url": "/"}],
        )
        _add_schemas(document)
        for path, operations in document["paths"].items():
            for operation in operations.values():
                operation["security"] = [{}, {"apiKey": []}, {"bearer": []}] if is_guarded(path) else []
                _mend_responses(operation)
        app.openapi_schema = document
    return app.openapi_schema


def _add_schemas(document: dict[str, Any]) -> None:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for model in _OWN_MODELS:
        schema = model.model_json_schema(ref_template=TEMPLATE)
        schemas.update(schema.pop("$defs", {}))
        schemas[model.__name__] = schema
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    components["schemas"] = dict(sorted(schemas.items()))
    components["securitySchemes"] = {
        "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "bearer": {"type": "http", "scheme": "bearer"},
    }


def _mend_responses(operation: dict[str, Any]) -> None:
    """Problems have one media type; FastAPI adds the route's own beside it."""
    for answer in operation["responses"].values():
        content = answer.get("content", {})
        if PROBLEM_JSON in content:
            answer["content"] = {PROBLEM_JSON: content[PROBLEM_JSON]}
    operation["responses"] = dict(sorted(operation["responses"].items()))
