from dataclasses import replace

from loadtests.analysis.rules.machines.clocks import clocks
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import RuleState
from tests.loadtests.builders import make_plan, make_trials

PLAN = make_plan(replica_counts=(1, 2), rounds=6)
CELL = PLAN.cells[0]


def trials(error_ms: float | None, late_ms: float = 1.0, *, windows: int = 6) -> list[Trial]:
    """Return a cell's trials, the first ``windows`` of them with this error."""
    made = [trial for trial in make_trials(PLAN) if trial.spec.cell == CELL]
    small = None if error_ms is None else 0.1
    return [
        replace(
            trial,
            generator=replace(
                trial.generator,
                clock_offset_ms=730.0,
                clock_error_ms=error_ms if number < windows else small,
                late_ms=late_ms if number < windows else 0.0,
            ),
        )
        for number, trial in enumerate(made)
    ]


def found(error_ms: float, late_ms: float = 1.0, *, windows: int = 6) -> Finding:
    finding = clocks(PLAN, CELL, trials(error_ms, late_ms, windows=windows))
    assert finding is not None
    return finding


def test_one_machine_has_one_clock_and_there_is_nothing_to_check() -> None:
    assert clocks(PLAN, CELL, trials(None)) is None


def test_an_offset_that_is_corrected_holds_and_is_told() -> None:
    finding = found(0.4)

    assert finding.state is RuleState.HOLDS
    assert "up to 730.0 ms off, which is corrected to within 0.4 ms" in finding.detail


def test_a_correction_that_leaves_more_than_a_hundredth_of_the_window_is_broken() -> None:
    assert found(24.0).state is RuleState.HOLDS
    assert found(26.0).state is RuleState.BROKEN


def test_one_bad_window_of_six_is_inside_of_the_interval() -> None:
    assert found(300.0, windows=1).state is RuleState.HOLDS
    assert found(300.0, windows=2).state is RuleState.BROKEN


def test_a_late_machine_is_told() -> None:
    finding = found(0.4, late_ms=200.0)

    assert finding.state is RuleState.BROKEN
    assert "200 ms late in windows of 2500 ms" in finding.detail
