"""What every refusal has in common."""

from __future__ import annotations


def check_problem(answer, status: int, code: str, pointer: str | None = None) -> dict:
    """The problem document of an answer, after seeing that it is one, of this status and code."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == status
    assert problem["code"] == code, problem
    assert problem["type"] == f"urn:vitrine:problem:{code}"
    assert problem["title"]
    assert problem["detail"]
    assert problem["instance"].startswith("/")
    assert problem["request_id"] == answer.headers["x-request-id"]
    assert "Traceback" not in answer.text
    if pointer is not None:
        assert pointer in [fault["pointer"] for fault in problem["errors"]], problem
    return problem
