"""Servers that count for themselves are told by the numbers in their answers."""

from __future__ import annotations

from loadtests.analysis.consistency import counting
from loadtests.analysis.consistency.reading import Reading
from loadtests.model.consistency import Seen


def read(home: tuple[str, ...], there: tuple[str, ...]) -> Reading:
    """Give the answers of two servers, asked in turns."""
    answers = {
        server: tuple(Seen(replica=server, status=200, body=body) for body in bodies)
        for server, bodies in (("gthread-1", home), ("gthread-2", there))
    }
    return Reading(name="GET /", check="GET /", home="gthread-1", answers=answers)


def test_servers_whose_number_grows_by_one_with_each_own_answer_count_alone() -> None:
    assert counting.alone(read(("hit 4", "hit 5"), ("hit 1", "hit 2"))) == "gthread-2"


def test_a_number_that_all_share_is_nobodys_own() -> None:
    assert counting.alone(read(("hit 1", "hit 3"), ("hit 2", "hit 4"))) is None


def test_bodies_that_differ_in_a_sign_against_a_number_are_not_counted() -> None:
    assert counting.alone(read(("item #", "item 2"), ("item 1", "item 2"))) is None
    assert counting.alone(read(("#1", "2#"), ("1#", "#2"))) is None
