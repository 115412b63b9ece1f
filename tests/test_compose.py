"""The container files are sound: no engine runs here, so their shape and their promises are checked instead."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import jsonschema
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent

DURATION = {"type": "string", "pattern": r"^(\d+(ms|s|m|h))+$"}
TEXTS = {"type": "array", "items": {"type": "string"}, "uniqueItems": True}
SERVICE = {
    "type": "object",
    "required": ["image", "healthcheck", "restart", "ports", "volumes"],
    "additionalProperties": False,
    "properties": {
        "image": {"type": "string"},
        "build": {"type": "string"},
        "restart": {"enum": ["no", "always", "on-failure", "unless-stopped"]},
        "ports": {**TEXTS, "minItems": 1},
        "volumes": {**TEXTS, "minItems": 1},
        "environment": {"type": "object", "additionalProperties": {"type": ["string", "number"]}},
        "security_opt": TEXTS,
        "cap_drop": TEXTS,
        "depends_on": {
            "type": "object",
            "additionalProperties": {
                "type": "object",
                "required": ["condition"],
                "properties": {
                    "condition": {"enum": ["service_started", "service_healthy", "service_completed_successfully"]}
                },
            },
        },
        "healthcheck": {
            "type": "object",
            "required": ["test", "interval", "timeout", "retries", "start_period"],
            "additionalProperties": False,
            "properties": {
                "test": {
                    "type": "array",
                    "items": {"type": "string"},
                    "minItems": 2,
                    "prefixItems": [{"const": "CMD"}],
                },
                "interval": DURATION,
                "timeout": DURATION,
                "start_period": DURATION,
                "retries": {"type": "integer", "minimum": 1},
            },
        },
    },
}
# The part of the Compose specification (compose-spec, schema/compose-spec.json) that the file uses; the rest, such as
# `privileged` or `network_mode: host`, is refused with it.
COMPOSE = {
    "type": "object",
    "required": ["name", "services", "volumes"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
        "services": {"type": "object", "minProperties": 1, "additionalProperties": SERVICE},
        "volumes": {"type": "object", "additionalProperties": {"type": ["object", "null"]}},
    },
}


@pytest.fixture(scope="module")
def compose():
    return yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))


@pytest.fixture(scope="module")
def dockerfile() -> list[list[str]]:
    """Its instructions, continued lines joined, each split into words."""
    text = (ROOT / "Dockerfile").read_text("utf-8").replace("\\\n", " ")
    return [line.split() for line in text.splitlines() if line and not line.startswith("#")]


def list_settings() -> set[str]:
    from vitrine.settings import Settings

    return {"VITRINE_" + name.upper() for name in Settings.model_fields}


def test_compose_file_is_of_the_shape_the_specification_asks_for(compose):
    jsonschema.validate(compose, COMPOSE)


@pytest.mark.parametrize("extra", [{"privileged": True}, {"network_mode": "host"}, {"healthchek": {}}])
def test_the_shape_refuses_what_it_should(compose, extra):
    services = {name: {**service, **extra} for name, service in compose["services"].items()}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**compose, "services": services}, COMPOSE)


def test_images_are_pinned_to_a_version(compose, dockerfile):
    images = [service["image"] for service in compose["services"].values()]
    images += [words[1] for words in dockerfile if words[0] == "FROM"]
    assert len(images) == 3
    unpinned = [image for image in images if not re.search(r":v?\d+\.\d+\.\d+(-[\w.-]+)?$", image)]
    assert not unpinned


def test_qdrant_is_the_official_image_and_one_minor_version_from_the_client(compose):
    image, _, tag = compose["services"]["qdrant"]["image"].partition(":v")
    assert image == "qdrant/qdrant"
    lines = (ROOT / "constraints" / "py311.txt").read_text("utf-8").splitlines()
    client = next(line.partition("==")[2] for line in lines if line.startswith("qdrant-client=="))
    major, minor = (int(part) for part in client.split(".")[:2])
    # The client warns of a server that is further away than that.
    assert int(tag.split(".")[0]) == major
    assert abs(int(tag.split(".")[1]) - minor) <= 1


def test_ports_are_open_to_this_machine_only(compose):
    ports = [port for service in compose["services"].values() for port in service["ports"]]
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_named_volumes_are_declared_and_used(compose):
    sources = {volume.split(":")[0] for service in compose["services"].values() for volume in service["volumes"]}
    assert {source for source in sources if not source.startswith((".", "/"))} == set(compose["volumes"])


def test_the_api_waits_for_a_healthy_qdrant_and_asks_it(compose):
    api = compose["services"]["api"]
    assert api["depends_on"]["qdrant"]["condition"] == "service_healthy"
    assert api["environment"]["VITRINE_QDRANT_URL"] == "http://qdrant:6333"


def test_every_setting_named_is_one(compose, dockerfile):
    named = set(compose["services"]["api"]["environment"])
    named |= {word.split("=")[0] for words in dockerfile if words[0] == "ENV" for word in words[1:]}
    named = {name for name in named if name.startswith("VITRINE_")}
    assert {"VITRINE_DATA", "VITRINE_HOST", "VITRINE_QDRANT_URL"} <= named
    assert named <= list_settings()


def test_what_the_dockerfile_copies_is_there_and_sent_to_the_builder(dockerfile):
    sources = [word for words in dockerfile if words[0] == "COPY" for word in words[1:-1]]
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")}
    assert {"pyproject.toml", "constraints/", "ui/", "vitrine/"} <= set(sources)
    assert [source for source in sources if not (ROOT / source).exists()] == []
    assert set(sources) == sent


def test_the_image_runs_as_somebody_who_may_write_its_volume(dockerfile):
    instructions = [words[0] for words in dockerfile]
    assert instructions.count("USER") == 1
    assert [words[1] for words in dockerfile if words[0] == "USER"] != ["root"]
    assert ["VOLUME", "/data"] in dockerfile
    assert instructions.index("RUN") < instructions.index("USER") < instructions.index("ENTRYPOINT")
    making = [" ".join(words) for words in dockerfile if words[0] == "RUN"]
    assert any("install --directory --owner vitrine /data" in command for command in making)


@pytest.fixture
def ready_server() -> Iterator[HTTPServer]:
    """Answers /readyz and /livez with the status in its attribute `status`."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(self.server.status if self.path in ("/readyz", "/livez") else 404)
            self.end_headers()
            self.wfile.write(b"some text with 200 in it")

        def log_message(self, *_):
            pass

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        server.status = 200
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("service", "port"), [("qdrant", "6333"), ("api", "8000")])
def test_health_checks_tell_ready_from_not_ready_and_from_gone(compose, ready_server, service, port):
    command = compose["services"][service]["healthcheck"]["test"][1:]
    assert port in command[-1]
    command = [word.replace(port, str(ready_server.server_port)) for word in command]
    command[0] = {"python": sys.executable}.get(command[0], command[0])

    def passes() -> bool:
        return subprocess.run(command, capture_output=True, timeout=20).returncode == 0

    assert passes()
    ready_server.status = 503
    assert not passes()
    gone = [word.replace(str(ready_server.server_port), "9") for word in command]
    assert subprocess.run(gone, capture_output=True, timeout=20).returncode != 0


def test_the_image_has_the_same_health_check(compose, dockerfile):
    words = next(words for words in dockerfile if words[0] == "HEALTHCHECK")
    in_image = shlex.split(" ".join(words).partition("CMD ")[2].strip("[]").replace('",', '"'))
    assert in_image == compose["services"]["api"]["healthcheck"]["test"][1:]
