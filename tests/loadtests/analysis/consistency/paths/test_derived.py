"""The reads that writes and their answers lead to."""

from __future__ import annotations

import pytest

from loadtests.analysis.consistency.conversation import line_of
from loadtests.analysis.consistency.paths.derived import (
    guessed_reads,
    guessed_writes,
    idle_reads,
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


@pytest.mark.parametrize(
    ("read", "ids", "paths"),
    [
        (f"/status/{OTHER}", [ID], [f"/status/{ID}"]),
        (f"/jobs/{OTHER}/result?full=1", [ID], [f"/jobs/{ID}/result?full=1"]),
        (f"/status?task={OTHER}", ["7", ID], [f"/status?task={ID}"]),
        ("/status/41", ["7", ID], ["/status/7"]),
        ("/aB3_xY", ["qwErty", "queued", "aB3"], ["/qwErty", "/queued"]),
        ("/aB3_xY", ["a b c.", "a/b/cd"], []),
        ("/api/v1/notes", ["7", "note"], []),
        ("/status/41", [str(number) for number in range(99)], 4),
        ("/aB3_xY", ["logout", "qwErty"], ["/qwErty"]),
    ],
)
def test_an_id_may_stand_where_one_that_looks_alike_stands(
    read: str, ids: list[str], paths: list[str] | int
) -> None:
    guesses = guessed_reads([RequestSpec(path=read, name="the read")], ids)

    found = [entry.request.path for entry in guesses]
    assert (len(found) if isinstance(paths, int) else found) == paths
    assert all(entry.is_guess and entry.of == "the read" for entry in guesses)


def test_of_a_read_and_the_guesses_what_is_there_is_told_or_else_the_read() -> None:
    own = RequestSpec(path="/status/41", name="the read")
    guesses = guessed_reads([own], ["7", "8"])
    reads = [own, *(entry.request for entry in guesses)]
    lines = [line_of(read) for read in reads]

    assert idle_reads(reads, guesses, {lines[1]}) == {lines[0], lines[2]}
    assert idle_reads(reads, guesses, set()) == {lines[1], lines[2]}
    assert idle_reads(reads, guesses, {lines[0]}) == {lines[1], lines[2]}


@pytest.mark.parametrize(
    ("write", "ids", "guesses"),
    [
        (RequestSpec(path=f"/games/{OTHER}/moves"), [ID], [{"path": f"/games/{ID}/moves"}]),
        (RequestSpec(body=f'{{"cart": "{OTHER}"}}'), [ID], [{"body": f'{{"cart": "{ID}"}}'}]),
        (RequestSpec(json={"cart_id": 41, "amount": 3}), ["7"], [{"json.cart_id": 7}]),
        (RequestSpec(form={"id": "41"}), ["7", ID], [{"form.id": "7"}]),
        (RequestSpec(form={"amount": "41", "text": "a note"}), ["7", "a page"], []),
        (RequestSpec(form={"user_id": "41", "password": "secret"}), ["7"], []),
        (RequestSpec(path="/login", form={"id": "41"}), ["7"], []),
    ],
)
def test_a_write_may_be_of_what_an_earlier_one_made(
    write: RequestSpec, ids: list[str], guesses: list[dict[str, object]]
) -> None:
    found = guessed_writes(write, ids)

    assert len(found) == len(guesses)
    for guess, fields in zip(found, guesses, strict=True):
        for name, value in fields.items():
            field, _, key = name.partition(".")
            there = getattr(guess, field)
            assert (there[key] if key else there) == value
