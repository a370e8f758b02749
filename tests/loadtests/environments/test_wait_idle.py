from collections.abc import Collection

import pytest

from loadtests.environments import wait_idle
from loadtests.environments.wait_idle import busy_after, wait_until_quiet
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.stack import Reading
from loadtests.model.vocabulary import Role


class Counters:
    """A replica that uses CPU in its first readings and none in the later ones."""

    def __init__(self, busy_readings: int) -> None:
        self.taken = 0
        self._busy = busy_readings

    def read(self, names: Collection[str]) -> tuple[Reading, ...]:
        self.taken += 1
        return tuple(
            Reading(
                member=name,
                role=Role.REPLICA,
                at_s=float(self.taken),
                cpu_s=0.5 * min(self.taken, self._busy),
            )
            for name in names
        )


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wait_idle, "SPAN_S", 0.0)
    monkeypatch.setattr(wait_idle, "LIMIT_S", 0.3)


def test_it_waits_until_the_last_worker_has_started() -> None:
    counters = Counters(busy_readings=3)

    wait_until_quiet(["sync-1"], counters.read)

    assert counters.taken > 3


def test_a_replica_that_never_rests_is_an_error() -> None:
    with pytest.raises(EnvironmentFailure, match="still use CPU"):
        wait_until_quiet(["sync-1"], Counters(busy_readings=10**9).read)


def test_replicas_that_never_rest_are_named_where_that_is_no_error() -> None:
    busy = busy_after(["web-1"], Counters(busy_readings=10**9).read, limit_s=0.05)

    assert busy == ("web-1",)
    assert busy_after(["web-1"], Counters(busy_readings=3).read, limit_s=5) == ()
