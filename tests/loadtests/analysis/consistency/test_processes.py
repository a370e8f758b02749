"""Which answers of one server show that its processes do not share what was written."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from loadtests.analysis.consistency.processes import processes_disagree
from loadtests.analysis.consistency.reading import Reading
from loadtests.model.consistency import Seen

LETTERS = "bcdfghjklmnpqrstvwxz"
BURSTS = 10


@dataclass(frozen=True)
class Words:
    bursts: tuple[tuple[str, ...], ...]
    latest: tuple[str, ...]

    @property
    def written(self) -> list[str]:
        return [*(word for burst in self.bursts for word in burst), *self.latest]


def words_of(rng: random.Random, processes: int) -> Words:
    def word() -> str:
        return "".join(rng.choice(LETTERS) for _ in range(8))

    return Words(
        bursts=tuple(tuple(word() for _ in range(processes + 1)) for _ in range(BURSTS)),
        latest=tuple(word() for _ in range(processes)),
    )


def reading_of(words: Words, pages: Sequence[Sequence[str]], rng: random.Random) -> Reading:
    """Give the answers of a server that shows one of these pages at random."""
    answers = tuple(
        Seen(replica="gthread-1", status=200, body=" ".join(rng.choice(pages))) for _ in range(80)
    )
    return Reading(
        name="GET /notes",
        check="GET /notes",
        home="gthread-1",
        answers={"gthread-1": answers},
        values=(pages[0][0],),
        sent=True,
        words=tuple(words.written),
        latest=words.latest,
        bursts=words.bursts,
        processes=len(pages),
    )


def disagree(processes: int, newest: int, seed: int) -> bool:
    """Tell whether processes that each show the newest of their own words are found."""
    rng = random.Random(seed)
    words = words_of(rng, processes)
    own: list[list[str]] = [[] for _ in range(processes)]
    for word in words.written:
        rng.choice(own).append(word)
    return processes_disagree(reading_of(words, [each[-newest:] for each in own], rng))


@pytest.mark.parametrize(("processes", "newest"), [(2, 10), (2, 1000), (4, 3), (4, 10), (4, 1000)])
def test_processes_with_lists_of_their_own_disagree(processes: int, newest: int) -> None:
    assert sum(disagree(processes, newest, seed) for seed in range(20)) >= 18


def test_the_newest_few_of_two_processes_are_found_in_most_tries() -> None:
    """Three tries are made."""
    assert sum(disagree(2, 5, seed) for seed in range(20)) >= 15
    assert sum(disagree(2, 3, seed) for seed in range(20)) >= 5


@pytest.mark.parametrize("order", ["written", "alphabetical"])
@pytest.mark.parametrize(("pages", "size"), [(2, 25), (4, 20)])
def test_pages_of_a_shared_list_are_no_processes(pages: int, size: int, order: str) -> None:
    found = []
    for seed in range(20):
        rng = random.Random(seed)
        words = words_of(rng, pages)
        listed = words.written if order == "written" else sorted(words.written)
        cut = [listed[at : at + size] for at in range(0, len(listed), size)][:pages]
        found.append(processes_disagree(reading_of(words, cut, rng)))

    assert not any(found)


NAMED = [
    "/notes/7",
    "/notes?id=7",
    "/notes/kQxWzPbR",
    "/posts/buy-some-milk",
    "/notes/7?next=/home",
]


@pytest.mark.parametrize(
    ("path", "one_thing"),
    [
        *((path, True) for path in NAMED),
        *((path, False) for path in ("/", "/notes", "/index.php", "/api/v2", "/?page=2")),
    ],
)
def test_another_content_denies_a_thing_only_where_the_address_names_it(
    path: str, one_thing: bool
) -> None:
    right, wrong = (
        Seen(replica="gthread-1", status=200, body=body) for body in ("buy some milk", "nothing")
    )
    reading = Reading(
        name=f"GET {path}",
        check="GET /",
        home="gthread-1",
        answers={"gthread-1": (right, wrong) * 20},
        values=("buy some milk",),
        sent=True,
        derived=True,
        processes=4,
    )

    assert processes_disagree(reading) is one_thing
