import numpy as np
import pytest

from loadtests.analysis.request_distribution import distribution_of
from loadtests.model.trial import RequestDistribution

WINDOW_US = 1_000_000


def deal(
    done_ms: list[int], replica: list[int], members: tuple[str, ...] = ("a", "b")
) -> RequestDistribution:
    return distribution_of(
        np.array(done_ms, dtype=np.int64) * 1000,
        np.array(replica, dtype=np.int64),
        names=("a", "b", "stranger"),
        members=members,
        end_us=WINDOW_US,
    )


def test_requests_are_counted_over_the_whole_trial_not_the_window_alone() -> None:
    found = deal([-50, 10, 500, 1200], [0, 1, 0, 1])

    assert found.counts == {"a": 2, "b": 2, "stranger": 0}
    assert found.unnamed == 0


def test_a_replica_that_got_nothing_is_counted_and_was_silent_all_the_window() -> None:
    found = deal([100, 200], [0, 0], members=("a", "b"))

    assert found.counts["b"] == 0
    assert found.silences_ms == {"a": 800.0, "b": 1000.0}


def test_requests_that_nobody_is_named_for_are_no_replicas() -> None:
    found = deal([100, 200, 300], [0, -1, 1])

    assert (found.counts["a"], found.counts["b"], found.unnamed) == (1, 1, 1)


def test_a_silence_may_begin_or_end_with_the_window() -> None:
    assert deal([-5, 700, 900, 1100], [0, 0, 0, 0]).silences_ms["a"] == 700.0
    assert deal([100, 300], [0, 0]).silences_ms["a"] == 700.0


@pytest.mark.parametrize(("counts", "spread"), [({}, 0), ({"a": 5}, 0), ({"a": 7, "b": 4}, 3)])
def test_the_spread_is_how_far_the_first_is_ahead(counts: dict[str, int], spread: int) -> None:
    assert RequestDistribution(counts=counts).spread == spread
