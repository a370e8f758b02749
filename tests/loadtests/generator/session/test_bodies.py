"""A response gives its body as that of ``requests`` does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from loadtests.generator.http.outcome import Outcome
from loadtests.generator.session.response import UserResponse

URL = "http://shop.test/"
EVENTS = "data: größe\n\ndata: 日本\r\nend"

Read = Callable[[Any], Any]


def both(content_type: str, body: bytes, status: int = 200) -> tuple[UserResponse, Any]:
    """Return the generator's response and the one of ``requests`` to the same answer."""
    raw = f"HTTP/1.1 {status} OK\r\nContent-Type: {content_type}\r\nLocation: /\r\n\r\n".encode()
    stock: Any = requests.Response()
    stock.status_code, stock.url, stock._content, stock._content_consumed = status, URL, body, True
    stock.headers.update({"Content-Type": content_type, "Location": "/"})
    stock.encoding = requests.utils.get_encoding_from_headers(stock.headers)
    return UserResponse(URL, Outcome.OK, status, raw, body), stock


@pytest.mark.parametrize("kind", ["text/event-stream; charset=utf-8", "application/json", "x/y"])
@pytest.mark.parametrize(
    "read",
    [
        lambda answer: list(answer.iter_lines()),
        lambda answer: list(answer.iter_lines(decode_unicode=True)),
        lambda answer: list(answer.iter_lines(512, True)),
        lambda answer: b"".join(answer.iter_content(7)),
        lambda answer: list(answer.iter_content(10_000, decode_unicode=True)),
        b"".join,
        lambda answer: answer.apparent_encoding,
    ],
)
def test_a_body_is_read_in_pieces_as_in_requests(kind: str, read: Read) -> None:
    own, stock = both(kind, EVENTS.encode())

    assert read(own) == read(stock)


def test_what_is_between_a_delimiter_is_a_line() -> None:
    own, _ = both("text/plain; charset=utf-8", b"a\x1eb")

    assert list(own.iter_lines(delimiter=b"\x1e")) == [b"a", b"b"]
    assert list(own.iter_lines(decode_unicode=True, delimiter="\x1e")) == ["a", "b"]


@pytest.mark.parametrize("status", [200, 301, 302, 308])
def test_a_redirect_for_good_is_told_from_others(status: int) -> None:
    own, stock = both("text/plain", b"", status)

    assert own.is_permanent_redirect == stock.is_permanent_redirect
