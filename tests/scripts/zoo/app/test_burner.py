from __future__ import annotations

import pytest

from app import work
from scripts.zoo.app.burner import COUNTED, LOOK_EVERY, MEMORY_LOOKS, Burner

ROUND_S = 7e-8
FIRST_REQUESTS = 2 * LOOK_EVERY
"""Until the second look, nothing is known of what a request costs."""


class Clocks:
    """CPU clocks of a process whose one thread does nothing but burn and, when told, work."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.burnt_s = self.worked_s = 0.0
        self.slowness = 1.0
        monkeypatch.setattr(work, "spin", self._spin)
        self.burner = Burner(lambda: self.burnt_s + self.worked_s, lambda: self.burnt_s)

    def _spin(self, rounds: int) -> str:
        self.burnt_s += rounds * ROUND_S * self.slowness
        return ""

    def ask(self, times: int, *, costing_s: float, percent: float = 5) -> float:
        """Answer requests of a given cost; give the CPU-seconds that counters show for burning."""
        before_s = self.burnt_s
        for _ in range(times):
            self.burner.burn(percent)
            self.worked_s += costing_s * self.slowness
        return (self.burnt_s - before_s) * COUNTED


@pytest.fixture
def clocks(monkeypatch: pytest.MonkeyPatch) -> Clocks:
    return Clocks(monkeypatch)


@pytest.mark.parametrize("percent", [2, 5, 10, 400])
@pytest.mark.parametrize("costing_s", [0.0005, 0.004])
def test_so_many_percent_of_the_whole_request_are_burnt(
    clocks: Clocks, costing_s: float, percent: float
) -> None:
    clocks.ask(FIRST_REQUESTS + MEMORY_LOOKS * LOOK_EVERY, costing_s=costing_s, percent=percent)

    burnt_s = clocks.ask(500, costing_s=costing_s, percent=percent)

    assert burnt_s / (500 * costing_s) == pytest.approx(percent / 100, rel=0.003)


def test_what_the_first_requests_load_is_not_the_cost_of_a_request(clocks: Clocks) -> None:
    assert clocks.ask(LOOK_EVERY - 1, costing_s=0.5) == 0
    clocks.ask(LOOK_EVERY, costing_s=0.002)

    assert clocks.ask(LOOK_EVERY, costing_s=0.002) < 2 * LOOK_EVERY * 0.002 * 0.05


def test_it_follows_requests_that_become_dearer(clocks: Clocks) -> None:
    clocks.ask(200, costing_s=0.002)
    clocks.ask(4 * MEMORY_LOOKS * LOOK_EVERY, costing_s=0.004)

    assert clocks.ask(100, costing_s=0.004) / 0.4 == pytest.approx(0.05, rel=0.02)


def test_a_core_that_becomes_slower_changes_nothing(clocks: Clocks) -> None:
    clocks.ask(1000, costing_s=0.002)
    clocks.slowness = 1.5

    assert clocks.ask(300, costing_s=0.002) / (300 * 0.003) == pytest.approx(0.05, rel=0.01)


def test_nothing_is_burnt_for_nought_percent(clocks: Clocks) -> None:
    clocks.ask(50, costing_s=0.002)

    assert clocks.ask(50, costing_s=0.002, percent=0) == 0
