"""`api/openapi.json` is what the application does: compared with it, and tried against it."""

from __future__ import annotations

import json

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.app import create_app
from api.openapi_file import FILE, write_openapi
from tests.api.conftest import TAGGER, build_catalogue, draw_photo

CASES = 8
"""Of each of the thirteen operations, fitting the document and not fitting it."""

CHECKS = (
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
)


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    catalogue = build_catalogue(tmp_path_factory.mktemp("openapi"), TAGGER)
    yield create_app(catalogue, version="1")
    catalogue.close()


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_nothing_undocumented_is_answered(app, mode):
    described = schemathesis.openapi.from_asgi("/openapi.json", app, config=SchemathesisConfig())
    operations = [result.ok() for result in described.get_all_operations()]
    assert len(operations) == 18
    for operation in operations:
        takes_something = operation.body or operation.query or operation.path_parameters
        # What takes nothing cannot be given anything that does not fit.
        if takes_something or mode is GenerationMode.POSITIVE:
            try_operation(operation.as_strategy(generation_mode=mode))


def try_operation(cases):
    @settings(
        max_examples=CASES,
        deadline=None,
        derandomize=True,
        database=None,
        phases=(Phase.generate,),
        suppress_health_check=list(HealthCheck),
    )
    @given(case=cases)
    def try_case(case):
        case.call_and_validate(checks=CHECKS)

    try_case()


def test_the_committed_file_is_what_the_application_says():
    assert FILE.read_text("utf-8") == write_openapi(), "run: python -m api.openapi_file"


def test_every_operation_is_named_tagged_and_says_its_problems():
    document = json.loads(FILE.read_text("utf-8"))
    operations = {
        (method, path): operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }
    names = [operation["operationId"] for operation in operations.values()]
    assert len(names) == len(set(names)) == 18
    for (_, path), operation in operations.items():
        assert operation["tags"]
        assert operation["summary"]
        if path.startswith("/v1"):
            assert {"401", "500", "503"} <= operation["responses"].keys()
            assert operation["security"] == [{}, {"apiKey": []}, {"bearer": []}]
        for status, answer in operation["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"]
    assert json.dumps(document).count("#/components/schemas/ProblemAnswer") > 30
    assert "HTTPValidationError" not in document["components"]["schemas"]


def test_every_reference_leads_somewhere():
    text = FILE.read_text("utf-8")
    known = json.loads(text)["components"]["schemas"]
    for part in text.split('"#/components/schemas/')[1:]:
        assert part.partition('"')[0] in known


def test_answers_have_no_field_that_is_not_described(app):
    from starlette.testclient import TestClient

    document = json.loads(FILE.read_text("utf-8"))["components"]["schemas"]
    with TestClient(app) as client:
        answer = client.post("/v1/search", files={"photo": ("p", draw_photo())}).json()
        assert answer.keys() == document["SearchAnswer"]["properties"].keys()
        assert answer["hits"][0].keys() == document["HitModel"]["properties"].keys()
        seen = client.post("/v1/classify", files={"photo": ("p", draw_photo())}).json()
        assert seen.keys() == document["ClassifyAnswer"]["properties"].keys()
        assert seen["attributes"]["color"].keys() == document["PredictionModel"]["properties"].keys()
        problem = client.post("/v1/search", json={"limit": 0}).json()
        assert problem.keys() == document["ProblemAnswer"]["properties"].keys()
