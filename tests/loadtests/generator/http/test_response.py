from __future__ import annotations

import pytest

from loadtests.generator.http.outcome import Outcome, RequestFailed
from loadtests.generator.http.response import JudgedResponse, Response


def response(raw: bytes = b"", content: bytes = b"") -> Response:
    return Response("http://host/", Outcome.OK, 200, raw, content)


def test_header_fields_are_found_in_any_case() -> None:
    headers = response(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n").headers

    assert headers["content-type"] == headers["CONTENT-TYPE"] == "text/html"
    assert "Content-type" in headers
    assert headers.get("X-None", "default") == "default"


@pytest.mark.parametrize(
    ("kind", "content", "text"),
    [
        (b"text/plain", "ä".encode(), "ä"),
        (b'text/plain; charset="latin-1"', "ä".encode("latin-1"), "ä"),
        (b"text/plain; charset=UTF-16", "ä".encode("utf-16"), "ä"),
        (b"text/plain; charset=no-such", b"a", "a"),
        (b"text/plain", b"\xff", "�"),
    ],
)
def test_text_is_decoded_as_the_header_says(kind: bytes, content: bytes, text: str) -> None:
    raw = b"HTTP/1.1 200 OK\r\nContent-Type: " + kind + b"\r\n\r\n"

    assert response(raw, content).text == text


def test_json_is_read_from_the_body() -> None:
    assert response(content=b'{"a": [1]}').json() == {"a": [1]}
    with pytest.raises(ValueError, match="Expecting value"):
        response(content=b"<html>").json()


def test_a_failure_says_of_which_kind_it_is() -> None:
    failed = Response("http://host/", Outcome.TIMEOUT)

    assert not failed.ok
    assert failed.status_code == 0
    with pytest.raises(RequestFailed, match="timeout"):
        failed.raise_for_status()
    response().raise_for_status()


def test_a_verdict_counts_once_and_at_the_end_of_the_block() -> None:
    ends = []
    judged = JudgedResponse(response())
    judged.at_exit = lambda: ends.append(judged.outcome)

    with judged:
        judged.failure("first thought")
        judged.success()
        assert ends == []

    assert ends == [Outcome.OK]


def test_a_rejection_gives_its_reason() -> None:
    judged = JudgedResponse(response())
    judged.at_exit = lambda: None

    with judged:
        judged.failure("too short")

    assert str(judged.error) == "rejected: too short"
