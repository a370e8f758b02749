import pytest

from loadtests.model import RuleCode, RuleState
from loadtests.rules.finding import found, unchecked


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
