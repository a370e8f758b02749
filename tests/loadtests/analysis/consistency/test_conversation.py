"""What one client asks in a check."""

from __future__ import annotations

import random

import pytest

from loadtests.analysis.consistency.conversation import Drawn, conversation_of, filled
from loadtests.model.tested.workload import RequestSpec, Workload


def test_requests_that_share_what_was_drawn_name_the_same_thing() -> None:
    drawn: Drawn = {}
    rng = random.Random(1)
    write = RequestSpec(method="POST", path="/profile", json={"id": "{1..9999}", "of": "{user}"})
    read = RequestSpec(path="/profile/{1..9999}?of={user}")
    users = {"user": [f"user-{number}" for number in range(1000)]}

    wrote, asked = (filled(each, users, rng, drawn) for each in (write, read))

    assert asked.path == f"/profile/{wrote.json['id']}?of={wrote.json['of']}"


@pytest.mark.parametrize(
    ("text", "values"),
    [("{-1..1}", {"-1", "0", "1"}), ("{-01..0}", {"-01", "00"})],
)
def test_a_range_below_nought_is_drawn_as_the_load_draws_it(text: str, values: set[str]) -> None:
    item = RequestSpec(path=f"/items/{text}", json={"n": text})

    drawn = [filled(item, {}, random.Random(seed), {}) for seed in range(50)]

    assert {one.path.removeprefix("/items/") for one in drawn} == values
    assert {one.json["n"] for one in drawn} == {int(value) for value in values}


def test_a_placeholder_that_comes_twice_has_two_values_and_so_it_has_in_the_next_request() -> None:
    drawn: Drawn = {}
    transfer = RequestSpec(path="/transfer/{1..9999}/{1..9999}")

    paths = [filled(transfer, {}, random.Random(seed), drawn).path for seed in (1, 2)]

    assert paths[0] == paths[1]
    assert len(set(paths[0].split("/"))) == 4


@pytest.mark.parametrize(
    ("path", "is_asked"),
    [
        ("/logout", False),
        ("/accounts/log-out/", False),
        ("/userSignOut", False),
        ("/log_off", False),
        ("/cart/clear", False),
        ("/index.php?action=logout", False),
        ("/catalog-offers", True),
        ("/blog_outline", True),
        ("/design-office", True),
        ("/clearance", True),
    ],
)
def test_what_ends_a_session_is_left_out_and_what_only_looks_like_it_is_asked(
    path: str, *, is_asked: bool
) -> None:
    talk = conversation_of(
        Workload(name="own", path="/", requests=(RequestSpec(path=path),)),
    )

    assert [read.path for read in talk.reads] == [path] * is_asked
    assert len(talk.left_out) == (not is_asked)
