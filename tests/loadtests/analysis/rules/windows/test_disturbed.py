from dataclasses import replace

import pytest

from loadtests.analysis.rules.windows.disturbed import FEWEST_KNOWN, SLOW_RATIO, disturbed
from loadtests.model.trial import HostUse, Trial
from tests.loadtests.builders import make_cell, make_spec, make_trial

USUAL = 40_000.0
"""Pieces of work in a second."""


def taken(foreign: float, steal: float) -> Trial:
    return make_trial(host=HostUse(foreign_ratio=foreign, steal_ratio=steal))


def at(speed: float | None, *, replicas: int = 1) -> Trial:
    members = tuple(range(1, replicas + 1))
    spec = make_spec(cell=make_cell(replicas=replicas), members=members)
    return make_trial(spec=spec, core_speed=speed)


BEFORE = [at(USUAL * each) for each in (0.6, 0.98, 1.0, 1.01, 1.02)]


@pytest.mark.parametrize(
    ("foreign", "steal", "told"),
    [
        (0.049, 0.049, None),
        (0.05, 0.0, "Other programs took 5.0% of the cores"),
        (0.0, 0.06, "The host took 6.0% of the cores"),
    ],
)
def test_a_window_is_disturbed_from_a_twentieth_of_the_cores_on(
    foreign: float, steal: float, told: str | None
) -> None:
    assert disturbed(taken(foreign, steal), []) == told


def test_a_window_of_a_machine_that_cannot_be_read_counts() -> None:
    assert disturbed(make_trial(host=None), BEFORE) is None


def test_a_window_on_a_core_that_is_held_back_is_disturbed() -> None:
    assert disturbed(at(USUAL * 0.62), BEFORE) == "The cores ran at 62% of their usual speed"


def test_smaller_changes_of_the_speed_are_left_to_the_correction() -> None:
    assert disturbed(at(USUAL * SLOW_RATIO), BEFORE) is None
    assert disturbed(at(USUAL * 1.6), BEFORE) is None


@pytest.mark.parametrize("before", [[], BEFORE[1:FEWEST_KNOWN], [at(None)] * 5])
def test_nothing_is_slow_before_it_is_known_what_is_usual(before: list[Trial]) -> None:
    assert disturbed(at(USUAL * 0.3), before) is None


def test_a_window_whose_speed_is_not_known_counts() -> None:
    assert disturbed(at(None), BEFORE) is None


def test_what_is_usual_is_that_of_as_many_replicas_once_enough_are_known() -> None:
    """Replicas on two threads of a core slow each other down: that is no neighbour's doing."""
    slowed = [at(USUAL * 0.65, replicas=4)] * FEWEST_KNOWN

    assert disturbed(slowed[0], [*BEFORE, *slowed[1:]])
    assert disturbed(slowed[0], [*BEFORE, *slowed]) is None
    assert disturbed(at(USUAL * 0.65), [*BEFORE, *slowed])


@pytest.mark.parametrize("trial", [taken(0.08, 0.0), at(USUAL * 0.3)])
def test_a_window_in_which_the_generator_lost_a_process_counts_or_it_would_not_be_told(
    trial: Trial,
) -> None:
    lost = replace(trial, generator=replace(trial.generator, lost_workers=1))

    assert disturbed(trial, BEFORE)
    assert disturbed(lost, BEFORE) is None
