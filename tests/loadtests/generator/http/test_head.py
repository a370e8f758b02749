from __future__ import annotations

import pytest

from loadtests.generator.http import head
from loadtests.generator.http.head import (
    cookie_lines,
    ends_by_closing,
    final_head,
    headers_of,
    known_answer,
    remember,
    replica_of,
)

INTERIM = b"HTTP/1.1 103 Early Hints\r\nX-Upstream-Addr: not this\r\n\r\n"


def test_a_head_is_none_until_its_empty_line_is_there() -> None:
    whole = b"HTTP/1.1 200 OK\r\nA: 1\r\n\r\n"

    assert [final_head(whole[:cut]) for cut in range(len(whole))] == [None] * len(whole)
    assert final_head(whole + b"body") == b"HTTP/1.1 200 OK\r\nA: 1"


def test_interim_answers_are_not_the_final_head() -> None:
    assert final_head(INTERIM) is None
    assert final_head(INTERIM + INTERIM + b"HTTP/1.1 204 No\r\n\r\n") == b"HTTP/1.1 204 No"


def test_field_names_are_lower_case_and_repeated_fields_joined() -> None:
    head = b"HTTP/1.1 200 OK\r\nVary: a\r\nX-B:  b \r\nVARY: c\r\nno colon"

    assert headers_of(head) == {"vary": "a, c", "x-b": "b", "no colon": ""}


def test_a_body_ends_by_closing_only_where_nothing_frames_it() -> None:
    assert ends_by_closing(b"HTTP/1.1 200 OK\r\nA: 1")
    assert not ends_by_closing(b"HTTP/1.1 200 OK\r\ncontent-LENGTH: 3")
    assert not ends_by_closing(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked")


def test_each_cookie_has_its_own_line_although_dates_hold_commas() -> None:
    raw = (
        b"HTTP/1.1 200 OK\r\nSet-Cookie: a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT\r\n"
        b"set-cookie: b=2\r\n\r\nSet-Cookie: c=3"
    )

    assert cookie_lines(raw) == ["a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT", "b=2"]


def test_the_replica_is_what_the_proxy_says_in_any_case_of_letters() -> None:
    for name in (b"X-Upstream-Addr", b"x-upstream-addr", b"X-UPSTREAM-ADDR"):
        raw = b"HTTP/1.1 200 OK\r\nA: 1\r\n" + name + b": 10.0.0.1:8000\r\nB: 2\r\n\r\n"
        assert replica_of(raw) == b"10.0.0.1:8000"


def test_the_replica_is_not_read_from_a_body_or_an_interim_answer() -> None:
    assert replica_of(b"HTTP/1.1 200 OK\r\n\r\nX-Upstream-Addr: body\r\n") is None
    assert replica_of(b"HTTP/1.1 200 OK\r\nX-Upstr") is None
    assert replica_of(INTERIM + b"HTTP/1.1 200 OK\r\nX-Upstream-Addr: this\r\n\r\n") == b"this"


def test_the_header_of_a_deployment_names_the_replica_in_any_case(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(head, "REPLICA_HEADER", b"X-Served-By: ")
    monkeypatch.setattr(head, "LOWER_NAME", "x-served-by")
    monkeypatch.setattr(head, "LOWER_HEADER", b"x-served-by")

    def named(line: str) -> bytes | None:
        return head.replica_of(f"HTTP/1.1 200 OK\r\n{line}\r\n\r\n".encode())

    assert named("X-Served-By: web-1") == b"web-1"
    assert named("x-served-by:web-2") == b"web-2"
    assert named("X-Upstream-Addr: web-3") is None


HEAD = b"HTTP/1.1 200 OK\r\nX-Test: known\r\nContent-Length: 2"
WHOLE = HEAD + b"\r\n\r\nok"


def test_a_known_head_needs_exactly_its_body_behind_it() -> None:
    assert known_answer(WHOLE) is None

    remember(WHOLE, 200, b"ok", kept=True)

    assert known_answer(HEAD + b"\r\n\r\nno") == (200, b"no", True)
    others = [HEAD, HEAD + b"\r", WHOLE[:-1], WHOLE + b"k", b"", b"\r\n\r\nok", WHOLE[1:]]
    assert [known_answer(data) for data in others] == [None] * len(others)


def test_what_was_sent_in_chunks_or_behind_an_interim_answer_is_not_known() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"
    late = INTERIM + HEAD + b"\r\nX: late\r\n\r\nok"
    for data in (chunked, late):
        remember(data, 200, b"ok", kept=True)

    assert known_answer(chunked) is None
    assert known_answer(late) is None


def test_few_and_short_heads_are_known() -> None:
    long = b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * head.KNOWN_BYTES + b"\r\n\r\n"
    remember(long, 200, b"", kept=True)
    assert known_answer(long) is None

    for number in range(3 * head.KNOWN_MAX):
        remember(b"HTTP/1.1 200 OK\r\nX-Id: %d\r\n\r\n" % number, 200, b"", kept=True)
    assert len(head._known) <= head.KNOWN_MAX


def test_a_deployment_without_a_header_has_no_replica_in_its_answers(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(head, "REPLICA_NAME", "")

    assert head.replica_of(b"HTTP/1.1 200 OK\r\nX-Upstream-Addr: 10.0.0.1\r\n\r\n") is None
