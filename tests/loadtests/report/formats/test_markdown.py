from loadtests.model.vocabulary import RuleState
from loadtests.report.formats import markdown
from tests.loadtests.builders import make_cell, make_finding, make_plan, make_result, make_trials

PLAN = make_plan(replica_counts=(1, 2))


def test_a_report_starts_with_the_verdict_and_the_answer() -> None:
    lines = markdown.render(make_result(PLAN, make_trials(PLAN))).splitlines()

    assert lines[0] == "## Twofold: scales"
    assert lines[2].startswith("Yes: doubling the servers doubles the throughput.")


def test_a_doubling_is_a_row_with_its_verdict_and_reason() -> None:
    text = markdown.render(make_result(PLAN, make_trials(PLAN)))

    assert (
        "| gthread cpu 1→2 | 2.00 \\[2.00, 2.00\\] | scales | 2.00 | 1.00 |"
        " The whole interval is at or above 1.8. |"
    ) in text


def test_a_broken_rule_comes_before_the_numbers() -> None:
    broken = make_finding(state=RuleState.BROKEN, cell=make_cell(), detail="Replica 2 is idle.")

    text = markdown.render(make_result(PLAN, make_trials(PLAN), findings=(broken,)))

    assert text.index("gthread cpu ×1: Replica 2 is idle.") < text.index("### Cells")
    assert "- **`replica_share`** Look for a replica" in text


def test_sections_without_content_are_left_out() -> None:
    plan = make_plan(replica_counts=(1,))
    text = markdown.render(make_result(plan, make_trials(plan)))

    assert "### Worker models" not in text
    assert "### Does doubling pay?" not in text


def test_names_cannot_break_the_table_or_become_markup() -> None:
    assert markdown.escape("a|b\n<script>*x*") == r"a\|b \<script\>\*x\*"
