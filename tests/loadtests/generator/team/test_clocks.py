import pytest

from loadtests.generator.team.clocks import Clock, best, error_between, of_round_trip


def test_a_clock_that_is_ahead_is_seen_by_a_round_trip_that_takes_equally_long_both_ways() -> None:
    clock = of_round_trip(sent_s=10.0, received_s=15.02, answered_s=15.03, returned_s=10.05)

    assert clock.offset_s == pytest.approx(5.0)
    assert clock.error_s == pytest.approx(0.02)
    assert clock.ours(clock.theirs(7.0)) == pytest.approx(7.0)
    assert clock.theirs(7.0) == pytest.approx(12.0)


@pytest.mark.parametrize("there", [0.0, 0.3, 1.0])
def test_the_true_offset_is_within_the_error_however_the_way_is_shared_out(there: float) -> None:
    way_s = 0.1
    received_s = 10.0 + 5.0 + there * way_s
    clock = of_round_trip(10.0, received_s, received_s, 10.0 + way_s)

    assert abs(clock.offset_s - 5.0) <= clock.error_s + 1e-9


def test_the_shortest_round_trip_is_the_surest() -> None:
    quick = Clock(offset_s=1.0, error_s=0.001)

    assert (
        best([Clock(offset_s=3.0, error_s=0.2), quick, Clock(offset_s=2.0, error_s=0.1)]) is quick
    )


def test_a_clock_that_runs_faster_shows_beyond_what_both_looks_may_be_off() -> None:
    before = Clock(offset_s=1.0, error_s=0.01)

    assert error_between(before, Clock(offset_s=1.015, error_s=0.01)) == pytest.approx(0.01)
    assert error_between(before, Clock(offset_s=1.1, error_s=0.01)) == pytest.approx(0.09)
