"""What an operator sees: ids, headers, health, figures; and failures that show nothing of the inside."""

from __future__ import annotations

import base64
import logging
import re
from dataclasses import replace

import numpy as np
import pytest
from prometheus_client.parser import text_string_to_metric_families

from api.routes.info import name_text_encoder
from search.calibration import Calibration, Pairs
from search.catalogue import Catalogue
from search.embedding import Space
from search.errors import IntegrityError, StoreUnavailableError
from search.manifest import Manifest, TextRecord
from tests.api.conftest import draw_photo
from tests.api.problems import check_problem


def read_samples(client):
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


def test_a_request_keeps_a_plain_id_and_gets_one_otherwise(client):
    assert client.get("/livez", headers={"X-Request-ID": "abc-1.2_3"}).headers["x-request-id"] == "abc-1.2_3"
    for given in (None, "", "x" * 65, "a b", "a\tb", "<script>", b"\xc3\xbc"):
        headers = {} if given is None else {"X-Request-ID": given}
        assert re.fullmatch(r"[0-9a-f]{32}", client.get("/livez", headers=headers).headers["x-request-id"])
    problem = client.get("/v1/nothing", headers={"X-Request-ID": "mine"}).json()
    assert problem["request_id"] == "mine"


@pytest.mark.parametrize("path", ["/", "/v1/info", "/v1/nothing", "/livez", "/v1/items/item-0/photo", "/metrics"])
def test_every_answer_has_the_headers_that_keep_a_browser_safe(client, path):
    headers = client.get(path).headers
    assert headers["content-security-policy"] == (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; base-uri 'none'; "
        "frame-ancestors 'none'; form-action 'self'"
    )
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"]
    assert headers["cache-control"]
    assert "access-control-allow-origin" not in headers


def test_health(client):
    assert client.get("/livez").json() == client.get("/readyz").json() == {"status": "ok"}


def test_info(client):
    info = client.get("/v1/info").json()
    assert info["name"] == "vitrine"
    assert info["version"] == "1.2.3"
    assert info["items"] == 12
    assert [(e["name"], e["dimension"]) for e in info["encoders"]] == [("shape", 192), ("color", 3)]
    assert info["weights"] == {"shape": 0.5, "color": 0.5}
    assert info["classifier"] is None
    assert info["text_encoder"] is None
    assert info["calibrated"] == []
    assert info["attributes"]["color"] == "keyword"
    # Two attributes can be chosen from; a price or a title cannot.
    assert info["facets"] == ["product_type", "color", "year"]
    assert info["limits"]["body_bytes"] == 2 * 2**20
    assert info["limits"]["limit"] == 250


@pytest.mark.parametrize("kinds", [("photo",), ("photo", "text")])
def test_info_says_which_questions_have_a_relevance(client, monkeypatch, kinds):
    pairs = Pairs(
        columns=("shape", "color"),
        scores=np.zeros((2, 2), np.float16),
        questions=np.zeros(2, np.int32),
        stand_for=np.ones(2, np.float32),
        relevant=np.array([True, False]),
    )
    known = Calibration(dict.fromkeys(kinds, pairs), ("color",))
    monkeypatch.setattr(Catalogue, "find_calibration", lambda self: known)
    assert client.get("/v1/info").json()["calibrated"] == list(kinds)


def test_what_embeds_texts_is_named_as_the_catalogue_would_choose_it():
    spaces = tuple(
        Space(name=name, dimension=4, weights_sha256="a" * 64) for name in ("color", "clip_vit_b_32_laion2b_0123abcd")
    )
    manifest = Manifest(spaces=spaces, weights={"color": 1.0}, attributes={})
    assert name_text_encoder(manifest) == "clip_vit_b_32_laion2b_0123abcd"
    assert name_text_encoder(replace(manifest, spaces=spaces[:1])) is None
    assert name_text_encoder(replace(manifest, text=TextRecord(version="ab12cd34"))) == "ab12cd34"


def test_figures_count_requests_by_route_and_refusals_by_code(client):
    client.get("/v1/items/item-0")
    client.get("/v1/items/item-1")
    client.get("/v1/items/nobody")
    client.post("/v1/search", files={"photo": ("p.jpg", draw_photo())})
    client.post("/v1/search", json={"limit": 0})
    client.request("BREW", "/v1/nothing")
    samples = read_samples(client)
    count = "vitrine_http_request_duration_seconds_count"
    route = "/v1/items/{item_id}"
    assert samples[count, (("method", "GET"), ("route", route), ("status", "200"))] == 2
    assert samples[count, (("method", "GET"), ("route", route), ("status", "404"))] == 1
    assert samples[count, (("method", "other"), ("route", "unmatched"), ("status", "404"))] == 1
    assert samples["vitrine_inputs_rejected_total", (("code", "invalid_request"),)] == 1
    assert samples["vitrine_inputs_rejected_total", (("code", "item_not_found"),)] == 1
    for stage in ("decode", "embed", "search"):
        assert samples["vitrine_search_stage_duration_seconds_count", (("stage", stage),)] == 1
    assert samples["vitrine_items", ()] == 12
    assert samples["vitrine_store_up", ()] == 1
    assert samples["vitrine_build_info", (("version", "1.2.3"),)] == 1


def test_two_applications_do_not_share_their_figures(make_client):
    first, second = make_client(), make_client()
    first.get("/v1/items/nobody")
    assert ("vitrine_inputs_rejected_total", (("code", "item_not_found"),)) not in read_samples(second)


def test_labels_cannot_be_made_up_by_callers(client):
    before = len(read_samples(client))
    for number in range(30):
        client.get(f"/v1/items/nobody-{number}")
        client.get(f"/page-{number}.html")
        client.request(f"BREW{number}", "/livez")
    assert len(read_samples(client)) - before < 80


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (RuntimeError("/home/secret/path"), 500, "internal"),
        (IntegrityError("/home/secret/path is damaged"), 500, "damaged_file"),
        (StoreUnavailableError("http://secret:6333 does not answer"), 503, "store_unavailable"),
    ],
)
def test_a_failure_shows_nothing_of_the_inside_and_the_log_everything(
    client, catalogue, monkeypatch, caplog, error, status, code
):
    def fail(query):
        raise error

    monkeypatch.setattr(catalogue, "search", fail)
    with caplog.at_level(logging.INFO, "vitrine.api"):
        answer = client.post("/v1/search", json={})
    check_problem(answer, status, code)
    assert "secret" not in answer.text
    assert answer.headers["content-security-policy"]
    assert "secret" in caplog.text
    assert ("retry-after" in answer.headers) == (status == 503)


def test_a_store_that_is_gone_is_503_everywhere_and_alive(client, catalogue, monkeypatch):
    class Gone:
        def __getattr__(self, name):
            def fail(*arguments, **keywords):
                raise StoreUnavailableError("gone")

            return fail

    monkeypatch.setattr(catalogue, "store", Gone())
    for path in ("/readyz", "/v1/info", "/v1/items/x", "/v1/items/x/similar", "/v1/items/x/photo"):
        check_problem(client.get(path), 503, "store_unavailable")
    check_problem(client.get("/v1/facets?attribute=color"), 503, "store_unavailable")
    check_problem(client.put("/v1/items/x", json={}), 503, "store_unavailable")
    check_problem(client.delete("/v1/items/x"), 503, "store_unavailable")
    assert client.get("/livez").status_code == 200
    assert "vitrine_store_up 0.0" in client.get("/metrics").text


def test_the_log_has_one_line_a_request_without_what_was_asked(client, caplog):
    with caplog.at_level(logging.INFO, "vitrine.api"):
        client.post("/v1/search", json={"photo_base64": base64.b64encode(draw_photo()).decode()})
        client.get("/v1/items/private-id?color=Red")
    assert len(caplog.records) == 2
    assert "POST /v1/search 200" in caplog.records[0].getMessage()
    assert "private-id" not in caplog.text
