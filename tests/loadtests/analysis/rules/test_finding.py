import pytest

from loadtests.analysis.intervals import geometric_mean
from loadtests.analysis.rules.finding import broad, found, unchecked
from loadtests.model.vocabulary import RuleCode, RuleState


@pytest.mark.parametrize(("broken", "state"), [(True, RuleState.BROKEN), (False, RuleState.HOLDS)])
def test_figures_are_kept_whether_a_rule_holds_or_not(broken: bool, state: RuleState) -> None:
    finding = found(RuleCode.ERRORS, None, broken=broken, figure=0.2, limit=0.1, detail="Seen.")

    assert (finding.state, finding.figure, finding.limit) == (state, 0.2, 0.1)


def test_what_cannot_be_checked_has_no_figure_and_does_not_hold() -> None:
    finding = unchecked(RuleCode.ERRORS, None, "No counters here.")

    assert (finding.state, finding.figure, finding.detail) == (
        RuleState.UNCHECKED,
        None,
        "No counters here.",
    )


@pytest.mark.parametrize(
    ("windows", "bad", "told"),
    [
        (3, 1, True),
        (4, 1, False),
        (4, 2, True),
        (6, 1, False),
        (6, 2, True),
        (12, 3, False),
        (12, 4, True),
        (100, 3, False),
        (100, 4, True),
    ],
)
def test_a_fault_counts_once_it_is_in_more_windows_than_an_interval_covers(
    windows: int, bad: int, told: bool
) -> None:
    assert (broad([0.0] * (windows - bad) + [1.0] * bad) == 1.0) is told


@pytest.mark.parametrize(("rounds", "bad"), [(4, 1), (6, 1), (8, 2), (12, 3), (24, 3), (60, 3)])
@pytest.mark.parametrize("shift", [-1.0, 0.3, 5.0])
def test_what_does_not_count_leaves_the_truth_inside_of_the_interval(
    rounds: int, bad: int, shift: float
) -> None:
    found = geometric_mean([shift] * bad + [0.0] * (rounds - bad))

    assert found.low is not None
    assert found.high is not None
    assert found.low <= 1.0 <= found.high
