"""`engine=cnn|snn` on `/v1/classify`: a network on pixels in the place of the catalogue's classifier."""

from __future__ import annotations

import base64
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from classifier.spiking.answering import PixelAnswer, SpikingWork
from search.errors import TryLaterError
from search.photo import decode_photo
from search.tagging import Prediction
from tests.api.conftest import draw_photo
from tests.api.problems import check_problem


class BrightestChannel:
    """Answers by the mean colour of the picture it is given; its spikes are counted from it too."""

    def __init__(self, names=("cnn", "snn")) -> None:
        self.names = names
        self.gate: threading.Event | None = None
        self.error: Exception | None = None
        self.asked: list[str] = []

    def list_names(self) -> tuple[str, ...]:
        return self.names

    def answer(self, name: str, photo: bytes) -> PixelAnswer:
        self.asked.append(name)
        if self.gate is not None:
            self.gate.wait(10)
        if self.error is not None:
            raise self.error
        red, green, blue = decode_photo(photo).picture.convert("RGB").resize((1, 1)).getpixel((0, 0))
        color = max((red, "Red"), (green, "Green"), (blue, "Blue"))[1]
        work = SpikingWork(steps=3, most_steps=8, spikes=red, operations=10 * red) if name == "snn" else None
        prediction = Prediction(values=((color, 0.75),), accepted=(color,))
        return PixelAnswer(predictions={"color": prediction}, model="pixels-1", took_ms=2.5, work=work)


@pytest.fixture
def engines():
    return BrightestChannel()


@pytest.fixture
def client(make_client, engines):
    """No classifier of the catalogue's own: the engines do not need one."""
    return make_client(engines=engines)


def ask(client, engine, photo):
    return client.post("/v1/classify", params={"engine": engine}, files={"photo": ("a.jpg", photo, "image/jpeg")})


def test_the_cnn_answers_about_an_upload(client, engines):
    body = ask(client, "cnn", draw_photo("Blue")).json()
    assert body["attributes"] == {
        "color": {"values": [{"value": "Blue", "confidence": 0.75}], "accepted": ["Blue"], "abstained": False}
    }
    assert (body["engine"], body["model"], body["spiking"]) == ("cnn", "pixels-1", None)
    assert (body["out_of_catalogue"], body["outside"]) == (None, None)
    assert body["took_ms"]["classify"] == 2.5
    assert body["took_ms"]["embed"] > 0
    assert engines.asked == ["cnn"]


def test_the_spiking_one_says_what_it_took(client):
    body = ask(client, "snn", draw_photo("Red")).json()
    assert body["engine"] == "snn"
    spiking = body["spiking"]
    assert (spiking["steps"], spiking["most_steps"]) == (3, 8)
    assert spiking["operations"] == 10 * spiking["spikes"] > 0


def test_upload_hash_base64_and_item_are_answered_alike(client, catalogue):
    photo = draw_photo("Red", "circle", seed=0)
    uploaded = ask(client, "snn", photo).json()
    by_hash = client.post("/v1/classify?engine=snn", json={"photo": uploaded["photo"]}).json()
    in_base64 = client.post("/v1/classify?engine=snn", json={"photo_base64": base64.b64encode(photo).decode()}).json()
    by_item = client.post("/v1/classify?engine=snn", json={"item_id": "item-0"}).json()
    assert by_item["item_id"] == "item-0"
    assert by_item["photo"] is None
    for other in (by_hash, in_base64, by_item):
        assert other["attributes"] == uploaded["attributes"]
        assert other["spiking"] == uploaded["spiking"]


def test_left_out_it_is_the_catalogues_own_classifier(classifying_client, client):
    body = classifying_client.post("/v1/classify", json={"item_id": "item-0"}).json()
    assert body["engine"] == "heads"
    assert body["spiking"] is None
    check_problem(client.post("/v1/classify", json={"item_id": "item-0"}), 404, "no_classifier")


def test_an_engine_nobody_knows_is_refused(client, engines):
    problem = check_problem(ask(client, "brain", draw_photo("Red")), 422, "invalid_request")
    assert problem["errors"][0]["pointer"] == "/engine"
    assert engines.asked == []


@pytest.mark.parametrize("names", [(), ("cnn",)])
def test_one_that_is_not_there_is_a_404_that_says_how_to_get_it(make_client, names):
    client = make_client(engines=BrightestChannel(names))
    problem = check_problem(ask(client, "snn", draw_photo("Red")), 404, "no_engine")
    assert "vitrine snn convert" in problem["detail"]
    assert client.get("/v1/info").json()["engines"] == list(names)


def test_without_any_it_is_the_same(make_client):
    client = make_client()
    check_problem(ask(client, "cnn", draw_photo("Red")), 404, "no_engine")
    assert client.get("/v1/info").json()["engines"] == []


def test_an_item_that_is_not_there(client):
    check_problem(client.post("/v1/classify?engine=cnn", json={"item_id": "nothing"}), 404, "item_not_found")


def test_one_that_takes_too_long_is_a_503_to_come_back_for(client, engines):
    engines.error = TryLaterError("the spiking classifier took too long", code="snn_timeout")
    answer = ask(client, "snn", draw_photo("Red"))
    problem = check_problem(answer, 503, "snn_timeout")
    assert int(answer.headers["Retry-After"]) >= 1
    assert problem["detail"] == "the spiking classifier took too long"


def test_a_slow_engine_holds_up_no_search_and_its_line_has_an_end(make_client, engines):
    client = make_client(engines=engines, max_waiting=1)
    known = client.post("/v1/search", files={"photo": ("a.jpg", draw_photo("Red"), "image/jpeg")}).json()
    photo = known["query"]["photo"]
    engines.gate = threading.Event()

    def classify():
        return client.post("/v1/classify?engine=snn", json={"photo": photo})

    with ThreadPoolExecutor(3) as pool:
        asked = [pool.submit(classify) for _ in range(3)]
        searched = client.post("/v1/search", json={"photo": photo, "limit": 1})
        assert searched.status_code == 200
        uploaded = client.post("/v1/search", files={"photo": ("b.jpg", draw_photo("Blue"), "image/jpeg")})
        assert uploaded.status_code == 200
        # One is inside and one waits, so the third is sent away before the gate opens.
        next(answer for answer in _as_they_come(asked) if answer.status_code == 429)
        engines.gate.set()
        statuses = sorted(each.result().status_code for each in asked)
    assert statuses == [200, 200, 429]


def _as_they_come(asked):
    from concurrent.futures import as_completed

    return (each.result() for each in as_completed(asked, timeout=10))
