"""What is kept of a user's requests tells apart whatever is sent differently."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.generator.session.bodies import encode_like_requests
from loadtests.generator.session.client import key_of
from loadtests.generator.session.target import Target

ITEM = Target("GET", "http://shop.test/item", None, object())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"id": 1}, {"id": "2"}),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
        ({"id": "1"}, {"id": 1}),
    ],
)
def test_other_parameters_have_another_key(one: Any, other: Any) -> None:
    assert key_of(ITEM, one) is not None
    assert key_of(ITEM, one) != key_of(ITEM, other)


@pytest.mark.parametrize(
    "params",
    [{"id": True}, {"id": 1.0}, {"id": None}, {"id": [1, 2]}, [("id", 1)], "id=1", b"id=1"],
)
def test_what_may_be_equal_and_sent_differently_has_none(params: Any) -> None:
    assert key_of(ITEM, params) is None


def test_method_url_and_name_are_in_the_key() -> None:
    others = (
        Target("POST", "http://shop.test/item", None, None),
        Target("GET", "http://shop.test/items", None, None),
        Target("GET", "http://shop.test/item", "item", None),
    )

    assert len({key_of(target, {"id": 1}) for target in (ITEM, *others)}) == 4


def test_json_that_is_none_is_refused_as_requests_does() -> None:
    assert encode_like_requests(None, {"a": [1, "ü"]})[0] == b'{"a": [1, "\\u00fc"]}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        encode_like_requests(None, float("nan"))
