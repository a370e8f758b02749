"""What one client asks in a check."""

from __future__ import annotations

import random

import pytest

from loadtests.analysis.consistency.conversation import (
    Drawn,
    filled,
    reads_of_answer,
)
from loadtests.model.consistency import Seen
from loadtests.model.tested.workload import RequestSpec

NOTE = RequestSpec(path="/notes/{1..99}")
ANSWER = Seen(replica="gthread-1", status=201)


def test_an_id_in_the_range_of_a_read_is_read() -> None:
    (derived,) = reads_of_answer([NOTE], ANSWER, ["7"])

    assert derived.request.path == "/notes/7"


@pytest.mark.parametrize("number", ["\xb2", "9" * 5000, "100", "x"])
def test_an_id_that_is_no_number_of_the_range_is_not(number: str) -> None:
    assert reads_of_answer([NOTE], ANSWER, [number]) == ()


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


ID = "123e4567-e89b-42d3-a456-426614174000"
OTHER = "6f1c2f4e-3b1a-4c53-9a57-0a5f2a2b7c11"


@pytest.mark.parametrize(
    ("read", "write", "ids", "paths"),
    [
        ("/notes/1", "/notes", ["7"], ["/notes/7"]),
        ("/notes/1/?full=1", "/notes/", ["7"], ["/notes/7/?full=1"]),
        (f"/notes/{OTHER}", "/notes", [ID, "7"], [f"/notes/{ID}"]),
        ("/notes/1", "/notes", [ID], []),
        ("/notes/1", "/users", ["7"], []),
        ("/notes/last", "/notes", ["7"], []),
        ("/notes/1/text", "/notes", ["7"], []),
        ("/notes/1", "/notes", [str(number) for number in range(99)], 4),
        ("/profile/230", "/profile/17", [], ["/profile/17"]),
        ("/profile/17", "/profile/17", [], []),
        ("/cart?user=230", "/cart?user=17", [], ["/cart?user=17"]),
        (f"/users/{OTHER}/cart", f"/users/{ID}/cart", [], [f"/users/{ID}/cart"]),
        ("/profile", "/profile/17", [], []),
        ("/api/v2/profile", "/api/v1/profile", [], []),
        ("/api/v1/profile/230", "/api/v1/profile/17", [], ["/api/v1/profile/17"]),
        ("/api/v12/profile", "/api/v13/profile", [], []),
    ],
)
def test_a_recorded_read_has_what_the_write_named(
    read: str, write: str, ids: list[str], paths: list[str] | int
) -> None:
    request = RequestSpec(path=read, name="the read")

    derived = reads_of_answer([request], ANSWER, ids, write=(RequestSpec(path=write),) * 2)

    found = [entry.request.path for entry in derived]
    assert (len(found) if isinstance(paths, int) else found) == paths
    assert {entry.of for entry in derived} <= {"the read"}


@pytest.mark.parametrize("read", ["/items/{1..100}", "/items/55"])
def test_a_read_of_another_range_is_asked_where_the_write_was_sent(read: str) -> None:
    write = RequestSpec(method="PUT", path="/items/{1..9}")
    sent = RequestSpec(method="PUT", path="/items/7")

    derived = reads_of_answer([RequestSpec(path=read)], ANSWER, [], write=(write, sent))

    assert [entry.request.path for entry in derived] == ["/items/7"]
