"""Requests of a list as the bytes that are sent, and which answers are right."""

from __future__ import annotations

import json
import random
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from loadtests.generator.http.outcome import Outcome
from loadtests.generator.request_list.placeholders import Draw
from loadtests.generator.request_list.prepared import Prepared, prepare_request
from loadtests.generator.request_list.users import ShuffledCycles, in_cycle, kept_lengths
from loadtests.generator.user_load.orders import RequestOrder

VALUES = {"who": ("ä b", "c&d"), "word": ("x", "y", "z")}
HOST = "shop.test:8080"


def prepared(*, of_all: dict[str, str] | None = None, **fields: Any) -> Prepared:
    order = RequestOrder(**{"name": "it"} | fields)
    return prepare_request(order, HOST, VALUES, of_all or {})


def wire(request: Prepared, cookies: bytes = b"", seed: int = 1) -> tuple[list[str], bytes]:
    """Give the lines of the head, and the body."""
    sent = request.wire(Draw(random.Random(seed), {}), cookies)
    head, _, body = sent.partition(b"\r\n\r\n")
    return head.decode("latin-1").split("\r\n"), body


def test_a_get_has_a_host_and_no_length() -> None:
    head, body = wire(prepared(path="/a?b=c"))

    assert head == ["GET /a?b=c HTTP/1.1", f"Host: {HOST}", "User-Agent: twofold", "Accept: */*"]
    assert body == b""


def test_a_request_without_placeholders_is_made_once() -> None:
    for fields in ({"path": "/a"}, {"method": "POST", "path": "/a", "form": {"b": "c"}}):
        request = prepared(**fields)
        assert request.fixed == request.wire(Draw(random.Random(1), {}), b"")

    assert prepared(path="/{1..9}").fixed is None
    assert prepared(method="POST", body="{who}").fixed is None


def test_cookies_come_last_in_the_head() -> None:
    head, _ = wire(prepared(), b"Cookie: a=1\r\n")

    assert head[-1] == "Cookie: a=1"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
def test_a_method_that_changes_something_says_its_length_even_without_a_body(method: str) -> None:
    head, body = wire(prepared(method=method))

    assert head[-1] == "Content-Length: 0"
    assert body == b""


def test_values_are_quoted_where_they_stand() -> None:
    request = prepared(path="/ü/{who}?q={who}&r=1", query={"s t": "{who}"})

    assert {wire(request, seed=seed)[0][0] for seed in range(9)} == {
        "GET /%C3%BC/%C3%A4%20b?q=%C3%A4+b&r=1&s+t=%C3%A4+b HTTP/1.1",
        "GET /%C3%BC/c&d?q=c%26d&r=1&s+t=c%26d HTTP/1.1",
    }


def test_a_form_is_encoded_with_its_type_and_length() -> None:
    head, body = wire(prepared(method="POST", form={"user": "{who|who}", "n": "a&b"}))

    assert body == b"user=who&n=a%26b"
    assert "Content-Type: application/x-www-form-urlencoded" in head
    assert f"Content-Length: {len(body)}" in head


def test_json_keeps_its_types_and_a_range_becomes_a_number() -> None:
    value = {"id": "{5..5}", "text": "n {5..5}", "who": 'a "{who}"', "list": [1, None, True, 1.5]}
    head, body = wire(prepared(method="POST", json=value))

    sent = json.loads(body)
    assert (sent["id"], sent["text"], sent["list"]) == (5, "n 5", [1, None, True, 1.5])
    assert sent["who"] in {'a "ä b"', 'a "c&d"'}
    assert "Content-Type: application/json" in head


def test_a_text_is_sent_as_it_is() -> None:
    head, body = wire(prepared(method="POST", body="<x>ü {9..9}</x>"))

    assert body == "<x>ü 9</x>".encode()
    assert not any(line.startswith("Content-Type") for line in head)


def test_a_file_is_uploaded_with_the_fields_beside_it(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"\x89PNG\r\n")
    request = prepared(method="POST", form={"title": "t"}, files={"f": str(tmp_path / "a.png")})
    head, body = wire(request)

    assert any(line.startswith("Content-Type: multipart/form-data; boundary=") for line in head)
    assert b'name="f"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n\x89PNG\r\n' in body
    assert b'name="title"\r\n\r\nt' in body


def test_a_requests_own_headers_win_over_the_loads_and_these_over_ours() -> None:
    head, _ = wire(
        prepared(
            of_all={"user-agent": "load", "X-A": "load"},
            headers={"x-a": "own", "content-length": "7"},
        )
    )

    assert head[1:] == [f"Host: {HOST}", "user-agent: load", "Accept: */*", "x-a: own"]


def test_a_value_cannot_add_a_header() -> None:
    order = RequestOrder(name="it", headers={"X-A": "{bad}"})
    request = prepare_request(order, HOST, {"bad": ("1\r\nX-B: 2",)}, {})

    assert wire(request)[0][-1] == "X-A: 1  X-B: 2"


@pytest.mark.parametrize(
    ("expected", "status", "body", "outcome"),
    [
        ({}, 200, b"", Outcome.OK),
        ({"status": 404}, 404, b"", Outcome.OK),
        ({"status": 201}, 200, b"", Outcome.REJECTED),
        ({"contains": "ada"}, 200, b"hello ada", Outcome.OK),
        ({"contains": "ada"}, 200, b"hello bob", Outcome.REJECTED),
        ({"contains": "ü"}, 200, "ü".encode(), Outcome.OK),
        ({"status": 404, "contains": "gone"}, 404, b"never", Outcome.REJECTED),
    ],
)
def test_an_answer_is_right_by_what_is_expected(
    expected: dict[str, Any], status: int, body: bytes, outcome: Outcome
) -> None:
    before = Outcome.OK if status < 400 else Outcome.STATUS

    assert prepared(**expected).judge(before, status, body) is outcome


def test_without_an_answer_nothing_is_expected() -> None:
    assert prepared(status=200).judge(Outcome.TIMEOUT, 0, b"") is Outcome.TIMEOUT
    assert prepared(contains="x").judge(Outcome.STATUS, 500, b"x") is Outcome.STATUS


def test_why_an_answer_is_wrong_is_said() -> None:
    request = prepared(status=201, contains="ada")

    assert request.why_not(200) == "the status 200 is not 201"
    assert request.why_not(201) == "the answer does not contain 'ada'"


@pytest.mark.parametrize("weights", [[1], [3, 1], [2, 4, 6], [1, 1, 1, 7]])
def test_one_cycle_has_the_exact_mix(weights: list[int]) -> None:
    cycle = in_cycle(weights)
    counts = [cycle.count(index) for index in range(len(weights))]

    assert [count * weights[0] for count in counts] == [count * counts[0] for count in weights]


def test_cycles_come_whole_each_in_another_order_and_the_same_by_the_seed() -> None:
    entries: list[Any] = ["a", "a", "a", "b"]

    def first(seed: str) -> list[Any]:
        order = ShuffledCycles(entries)
        next(order)
        order.seed(seed)
        return list(islice(order, 400))

    blocks = [first("1")[at : at + 4] for at in range(0, 400, 4)]
    assert all(sorted(block) == entries for block in blocks)
    assert first("1") == first("1") != first("2")


@pytest.mark.parametrize(("kinds", "replicas"), [(2, 2), (4, 2), (4, 4), (2, 4)])
def test_a_round_robin_gives_each_replica_its_part_of_every_request(
    kinds: int, replicas: int
) -> None:
    entries: list[Any] = list(range(kinds))
    order = ShuffledCycles(entries)
    order.seed("7")
    sent: list[Any] = list(islice(order, 4000))

    dear_ones = [sent[replica::replicas].count(0) for replica in range(replicas)]
    equal = 4000 / kinds / replicas
    assert all(abs(count - equal) < 0.2 * equal for count in dear_ones)


def test_a_cycle_of_huge_weights_stays_short_and_forgets_nobody() -> None:
    cycle = in_cycle([1, 99_999])

    assert len(cycle) <= 10_001
    assert cycle.count(0) == 1


def test_users_keep_a_row_of_the_lists_that_the_start_uses() -> None:
    start = (RequestOrder(method="POST", path="/login", form={"user": "{who}"}),)

    assert kept_lengths(start, VALUES) == {2}
    assert kept_lengths((), VALUES) == frozenset()
