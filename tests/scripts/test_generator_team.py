from typing import Any

import pytest

from scripts.generator_team import failed, is_invalid


def a_delay(
    one: tuple[float, float] = (5.1, 5.2),
    two: tuple[float, float] = (5.1, 5.25),
    *,
    real_time: bool = True,
) -> dict[str, Any]:
    """A row of a known delay of 5 ms, with the median and the 99th percentile of each."""
    kinds = {"one": one, "two": two}
    return {"delay_ms": 5} | {
        name: {"p50_ms": p50_ms, "p99_ms": p99_ms, "real_time": real_time}
        for name, (p50_ms, p99_ms) in kinds.items()
    }


def a_kill(**fields: Any) -> dict[str, Any]:
    return {"lost": 1, "invalid": True, "lost_in_the_next": 0, **fields}


def figures(**fields: Any) -> dict[str, Any]:
    row = {"offered_rps": 300.0}
    defaults: dict[str, Any] = {
        "rate": {"one": row, "two": row},
        "delays": [a_delay()],
        "kills": [a_kill()],
        "bounds": [],
    }
    return defaults | fields


def test_two_machines_that_are_as_good_as_one_hold() -> None:
    assert failed(figures()) == []


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"rate": {"one": {"offered_rps": 300.0}, "two": {"offered_rps": 299.0}}}, "offered rates"),
        (
            {"delays": [a_delay((5.0, 8.1), (8.0, 8.1))]},
            "the medians are 3.0 ms apart",
        ),
        ({"delays": [a_delay((5.0, 5.1), (5.0, 5.9))]}, "the 99th percentiles are 0.8 ms apart"),
        ({"kills": [a_kill(lost=0)]}, "0 of 1 killed"),
        ({"kills": [a_kill(lost_in_the_next=1)]}, "0 of 1 killed"),
        ({"kills": [a_kill(invalid=False)]}, "0 of 1 trials"),
        ({"bounds": ["two: least_ks_p_value is 0.001"]}, "two: least_ks"),
    ],
)
def test_each_bound_has_a_sentence(fields: dict[str, Any], told: str) -> None:
    (sentence,) = failed(figures(**fields))
    assert told in sentence


@pytest.mark.parametrize(
    "row",
    [
        a_delay((5.9, 6.5), (5.8, 6.4)),  # one is as far off
        a_delay((5.0, 5.1), (5.0, 5.9), real_time=False),  # the scheduler's
    ],
)
def test_two_may_be_as_far_off_as_one_and_a_99th_percentile_of_the_schedulers_is_no_bound(
    row: dict[str, Any],
) -> None:
    assert failed(figures(delays=[row])) == []


def test_a_trial_with_a_lost_machine_is_invalid_by_the_rule_of_all_runs() -> None:
    assert is_invalid(1)
    assert not is_invalid(0)
