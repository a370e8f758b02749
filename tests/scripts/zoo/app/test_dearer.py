from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.settings import SettingError
from loadtests.analysis.rules.budget import MOST_OF_SHARED_CORES_RATIO
from scripts.zoo.app import create_app, dearer
from scripts.zoo.app.shared_counts import SharedCounts
from scripts.zoo.app.switches import Switches

SLOTS = 4
OVERHEAD_ROUNDS = 7000
"""What Flask and gunicorn cost a request: 0.5 ms, where 20,000 rounds take 1.5 ms."""


@dataclass
class Work:
    """Counts rounds of hashing, and does none."""

    rounds: int = 0
    now_s: float = 0.0
    calls: list[int] = field(default_factory=list)

    def spin(self, rounds: int) -> None:
        self.rounds += rounds
        self.calls.append(rounds)

    def clock_s(self) -> float:
        return self.now_s


def counts(folder: Path, replicas: int) -> list[SharedCounts]:
    return [SharedCounts(folder / f"counts-{replicas}", number + 1) for number in range(replicas)]


def taking_turns(ways: Sequence[dearer.Way], *, burst: int, requests: int) -> None:
    """Ask each replica for a burst of requests in turn, as CPU quotas on one core have it."""
    for _ in range(requests // burst):
        for way in ways:
            for _ in range(burst):
                way.serve()


def cost_of_peers(folder: Path, replicas: int, *, burst: int) -> float:
    work = Work()
    shared = counts(folder, replicas)
    ways = [dearer.Peers(each, spin=work.spin, clock_s=work.clock_s) for each in shared]
    taking_turns(ways, burst=burst, requests=400)
    return work.rounds / 400 / replicas


def cost_of_cache(folder: Path, replicas: int, *, burst: int) -> float:
    work = Work()
    ways = [
        dearer.Cache(each, random.Random(number), spin=work.spin)
        for number, each in enumerate(counts(folder, replicas))
    ]
    taking_turns(ways, burst=burst, requests=400)
    work.rounds = 0  # the caches are warm now
    taking_turns(ways, burst=burst, requests=4000)
    return work.rounds / (4000 // burst * burst) / replicas


def cost_of_retries(folder: Path, replicas: int) -> float:
    """Return the rounds of a request where each attempt of the others ends once during each."""
    work, draw, saved = Work(), random.Random(1), 0
    shared = counts(folder, replicas)
    slots = [
        dearer.Retries(shared[number % replicas], draw, spin=work.spin)
        for number in range(SLOTS * replicas)
    ]
    attempts = [slot.begin(draw.randrange(dearer.DOCUMENTS)) for slot in slots]
    for _ in range(1000):
        for number, slot in enumerate(slots):
            document = attempts[number].document
            if slot.end(attempts[number]):
                saved += 1
                document = draw.randrange(dearer.DOCUMENTS)
            attempts[number] = slot.begin(document)
    return work.rounds / saved


@pytest.mark.parametrize("burst", [1, 3, 7])
def test_every_other_replica_works_at_each_request(tmp_path: Path, burst: int) -> None:
    costs = [cost_of_peers(tmp_path, replicas, burst=burst) for replicas in (1, 2, 4)]

    assert costs == pytest.approx([20_000, 32_000, 56_000], rel=0.02)
    assert costs == pytest.approx([dearer.peer_rounds(n) for n in (1, 2, 4)], rel=0.02)


@pytest.mark.parametrize("burst", [1, 3, 7])
def test_more_replicas_make_more_reads_miss_the_cache(tmp_path: Path, burst: int) -> None:
    """However many requests a replica serves before the next has its turn."""
    costs = [cost_of_cache(tmp_path, replicas, burst=burst) for replicas in (1, 2, 4)]

    misses = [cost / dearer.FILL_ROUNDS for cost in costs]
    assert misses == pytest.approx([0.226, 0.401, 0.642], rel=0.04)
    assert misses == pytest.approx([dearer.miss_ratio(n) for n in (1, 2, 4)], rel=0.04)


def test_more_replicas_compute_more_in_vain(tmp_path: Path) -> None:
    costs = [cost_of_retries(tmp_path, replicas) for replicas in (1, 2, 4)]

    assert [cost / dearer.ROUNDS for cost in costs] == pytest.approx([1.8, 2.7, 4.7], rel=0.05)


@pytest.mark.parametrize(
    "cost_of",
    [
        lambda folder, replicas: cost_of_peers(folder, replicas, burst=3),
        lambda folder, replicas: cost_of_cache(folder, replicas, burst=3),
        cost_of_retries,
    ],
    ids=["peers", "cache", "retries"],
)
def test_each_grows_by_far_more_than_shared_cores_ever_added(
    tmp_path: Path, cost_of: Callable[[Path, int], float]
) -> None:
    costs = [OVERHEAD_ROUNDS + cost_of(tmp_path, replicas) for replicas in (1, 2, 4)]

    growths = [after / before - 1 for before, after in itertools.pairwise(costs)]
    assert min(growths) > 2 * MOST_OF_SHARED_CORES_RATIO


def test_an_attempt_that_nobody_was_faster_than_is_saved(tmp_path: Path) -> None:
    (shared,) = counts(tmp_path, 1)
    retries = dearer.Retries(shared, random.Random(1), spin=Work().spin)
    first, second, elsewhere = (retries.begin(document) for document in (0, 0, 1))

    assert [retries.end(first), retries.end(second), retries.end(elsewhere)] == [True, False, True]
    assert retries.end(retries.begin(0))


def test_a_replica_that_was_not_asked_does_not_make_up_for_it(tmp_path: Path) -> None:
    one, two = counts(tmp_path, 2)
    work = Work()
    peers = dearer.Peers(one, spin=work.spin, clock_s=work.clock_s)
    for _ in range(100):
        two.add(0)
    work.now_s = dearer.PAUSE_S

    peers.serve()
    two.add(0)
    peers.serve()

    assert work.calls == [dearer.ROUNDS, dearer.ROUNDS + dearer.PEER_ROUNDS]


def test_the_control_costs_the_same_each_time() -> None:
    work = Work()
    way = dearer.Apart(spin=work.spin)

    way.serve()
    way.serve()

    assert work.calls == [dearer.ROUNDS, dearer.ROUNDS]


@pytest.mark.parametrize("way", dearer.WAYS)
def test_a_request_is_served_in_the_way_that_the_switches_name(tmp_path: Path, way: str) -> None:
    switches = Switches(dearer=way, dearer_counts=tmp_path / "counts")
    client = create_app({"SWITCHES": switches, "REPLICA": "gthread-2"}).test_client()

    assert client.get("/dearer").get_json() == {"done": True}


def test_without_a_way_nothing_is_done() -> None:
    assert create_app().test_client().get("/dearer").get_json() == {"done": False}


def test_a_replica_without_a_number_is_refused(tmp_path: Path) -> None:
    switches = Switches(dearer="peers", dearer_counts=tmp_path / "counts")

    with pytest.raises(SettingError, match="REPLICA=web does not end with a number"):
        create_app({"SWITCHES": switches, "REPLICA": "web"})
