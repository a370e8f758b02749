"""Pages that only count or log requests show their addresses."""

from __future__ import annotations

import time

import pytest

from loadtests.analysis.consistency.paths import addresses
from loadtests.analysis.consistency.written import returned_elsewhere, sent_values
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec

BUY = RequestSpec(method="POST", path="/items/4711/buy")
ROUTE = RequestSpec(method="POST", path="/items/{1000..9999}/buy")
READ = RequestSpec(path="/metrics")


def page(body: str) -> Seen:
    return Seen(replica="gthread-1", status=200, body=body)


def test_a_fixed_piece_of_a_path_is_nothing_that_was_written() -> None:
    checkout = RequestSpec(method="POST", path="/checkout")

    assert sent_values(checkout, checkout) == ()
    assert sent_values(BUY, ROUTE) == ("4711",)
    assert sent_values(BUY, BUY) == ()


def test_the_texts_of_a_query_may_be_what_was_written() -> None:
    vote = RequestSpec(method="POST", path="/vote?option=a+cat&page=main")

    assert sent_values(vote, vote) == ("a cat", "main")


@pytest.mark.parametrize(
    "body",
    [
        'path="/items/4711/buy"',
        '{"path": "\\/items\\/4711\\/buy"}',
        "POST /items/4711/buy?",
        "http.items.4711.buy 1",
        "next=%2Fitems%2F4711%2Fbuy",
        "<td>/items/4711/buy</td><td>/items/4711</td>",
    ],
)
def test_an_address_is_no_sign_of_what_was_written(body: str) -> None:
    asked = (RequestSpec(path="/items"), BUY, RequestSpec(path="/items/4711"))

    assert returned_elsewhere(["4711"], READ, (), [page(body)], asked) == ()


@pytest.mark.parametrize("body", ["/items?user=4711&x=1", "user=4711&amp;x=1", "?user%3D4711"])
def test_nor_is_a_query(body: str) -> None:
    cart = RequestSpec(path="/cart?user=4711")
    other = RequestSpec(path="/cart", query={"user": "4711"})

    assert returned_elsewhere(["4711"], READ, (), [page(body)], [cart]) == ()
    assert returned_elsewhere(["4711"], READ, (), [page(body)], [other]) == ()


@pytest.mark.parametrize(
    "body", ['req{method="POST",n="4711"} 1.0', 'req{n="4711",of="4711"} 1', 'req{n="4711"} 1']
)
def test_nor_is_a_label_of_a_metric(body: str) -> None:
    other = RequestSpec(method="POST", path="/items", json={"id": 4711})

    assert returned_elsewhere(["4711"], READ, (), [page(body)], [BUY]) == ()
    assert returned_elsewhere(["4711"], READ, (), [page(body)], [other]) == ("4711",)


@pytest.mark.parametrize(
    "body", ["bought: 4711", '{"items": [4711]}', "/items/4711/buy 4711", '<a n="4711">']
)
def test_beside_its_address_it_is_one(body: str) -> None:
    assert returned_elsewhere(["4711"], READ, (), [page(body)], [BUY]) == ("4711",)


@pytest.mark.parametrize("body", ["/tags/note 4711", "/tags/note%204711", "/tags/note+4711"])
def test_a_piece_is_found_as_a_url_has_it(body: str) -> None:
    tag = RequestSpec(method="PUT", path="/tags/note 4711")

    assert returned_elsewhere(["4711"], READ, (), [page(body)], [tag]) == ()


def test_a_text_that_has_an_address_in_it_is_one() -> None:
    text = "https://shop.example/checkout"
    checkout = RequestSpec(method="POST", path="/checkout")

    assert returned_elsewhere([text], READ, (), [page(text)], [checkout]) == (text,)


def test_the_longest_address_is_taken_out() -> None:
    items, item = RequestSpec(path="/items"), RequestSpec(path="/items/4711")

    (seen,) = addresses.without([page("GET /items/4711, GET /items")], [items, item])

    assert "4711" not in seen.body


@pytest.mark.parametrize("sign", ["-", ".", "_", "=", "/", "?", ":", "\\/", "%2F", "&amp;", "&"])
def test_a_page_of_nothing_but_signs_is_read_in_time(sign: str) -> None:
    asked = [BUY, RequestSpec(path="/-/-/-/-/-/-/-/-/x"), RequestSpec(path="/notes?page=2")]
    began_s = time.process_time()

    addresses.without([page(sign * 50_000)], asked)

    assert time.process_time() - began_s < 2.0


def test_a_piece_of_signs_alone_stands_between_the_others() -> None:
    line = RequestSpec(method="PUT", path="/items/-/_4711")

    assert returned_elsewhere(["_4711"], READ, (), [page("GET /items/-/_4711")], [line]) == ()


@pytest.mark.parametrize(
    "body",
    ['{"n":9274}', '"{\\"n\\":9274}"', "{&quot;n&quot;:9274}", "{&#34;n&#34;:9274}", "{'n':9274}"],
)
def test_a_value_of_compact_json_is_no_address(body: str) -> None:
    put = RequestSpec(method="PUT", path="/9274")

    assert returned_elsewhere(["9274"], READ, (), [page(body)], [put]) == ("9274",)
    for address in ('"/9274"', '{"n":"/9274"}', '"http://h:80/9274"'):
        assert returned_elsewhere(["9274"], READ, (), [page(address)], [put]) == ()
