from __future__ import annotations

import math
from typing import Any

import pytest

from loadtests.generator.order import BadOrder, FetchRequest, Share, read_fetch, read_trial

TRIAL: dict[str, Any] = {
    "op": "trial",
    "id": "t",
    "base_url": "http://host",
    "users": 3,
    "settle_s": 0.5,
    "window_s": 2,
}


def test_a_trial_is_read_with_its_defaults() -> None:
    order = read_trial(TRIAL)

    assert (order.id, order.users, order.window_s, order.path) == ("t", 3, 2, "/")
    assert (order.mode, order.scenario, order.timeout_s) == ("closed", None, 30.0)


def test_null_is_as_good_as_absent_and_unknown_fields_are_left_alone() -> None:
    order = read_trial({**TRIAL, "rate_rps": None, "scenario": None, "later": 1})

    assert order == read_trial(TRIAL)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"id": None}, "id is missing."),
        ({"id": 7}, "id is 7; it must be of the kind str."),
        ({"users": 0}, "users is 0; it must be at least 1."),
        ({"users": 2.5}, "users is 2.5; it must be of the kind int."),
        ({"users": True}, "users is True; it must be of the kind int."),
        ({"window_s": 0}, "window_s is 0; it must be above 0."),
        ({"window_s": math.nan}, "window_s is nan; it must be of the kind float."),
        ({"settle_s": -1}, "settle_s is -1; it must be at least 0."),
        ({"mode": "ajar"}, "mode is 'ajar'; it must be one of closed, open."),
        ({"mode": "open"}, "rate_rps is 0.0; it must be above 0."),
        (
            {"mode": "open", "rate_rps": 5, "arrivals": "now"},
            "arrivals is 'now'; it must be poisson or constant.",
        ),
        (
            {"mode": "open", "rate_rps": 5, "max_in_flight": 0},
            "max_in_flight is 0; it must be at least 1.",
        ),
    ],
)
def test_what_cannot_be_followed_is_named_with_its_value(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadOrder) as caught:
        read_trial({**TRIAL, **changes})

    assert str(caught.value) == message


def test_the_urls_of_a_fetch_are_a_list_of_strings() -> None:
    assert read_fetch({"urls": ["http://a"]}).urls == ["http://a"]
    for urls in ("http://a", [1], None):  # absent too, where nothing else is asked
        with pytest.raises(BadOrder, match="urls"):
            read_fetch({"urls": urls})


@pytest.mark.parametrize("users", [1, 2, 7, 64])
def test_shares_add_up_to_all_users_and_differ_by_one_at_most(users: int) -> None:
    shares = [Share(number=number, of=3).users(users) for number in range(3)]

    assert sum(shares) == users
    assert max(shares) - min(shares) <= 1


def test_a_fetch_may_say_how_to_ask() -> None:
    post: dict[str, Any] = {
        "url": "http://a/x",
        "method": "POST",
        "headers": {"Cookie": "a=b"},
        "body": "{}",
    }

    order = read_fetch({"urls": ["http://a"], "requests": [post, {"url": "http://b"}]})

    assert order.all_requests == [
        FetchRequest(url="http://a"),
        FetchRequest(**post),
        FetchRequest(url="http://b"),
    ]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ("http://a", "each must be an object"),
        ({"method": "GET"}, "url is missing"),
        ({"url": "http://a", "method": "GET /x"}, "a word such as GET"),
        ({"url": "http://a", "headers": {"X": 1}}, "each one line"),
        ({"url": "http://a", "headers": {"X": "1\r\nY: 2"}}, "each one line"),
        ({"url": "http://a", "headers": ["X"]}, "headers is"),
        ({"url": "http://a", "body": 5}, "body is 5"),
    ],
)
def test_a_request_that_cannot_be_sent_is_refused(asked: object, message: str) -> None:
    with pytest.raises(BadOrder, match=message):
        read_fetch({"requests": [asked]})
