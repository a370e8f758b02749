from collections.abc import Sequence
from dataclasses import replace

import pytest

from loadtests.model.result import Estimate, RunResult
from loadtests.model.vocabulary import Bottleneck, RuleCode, RuleState, Verdict
from scripts.zoo.judging import row_of
from scripts.zoo.members import BY_NAME
from tests.loadtests.builders import (
    make_cell,
    make_finding,
    make_plan,
    make_result,
    make_trials,
    noisy_rps,
)

PLAN = make_plan(replica_counts=(1, 2))
SCALES = make_result(PLAN, make_trials(PLAN, rps=noisy_rps()), findings=())


def invalid(*codes: RuleCode, bottleneck: Bottleneck = Bottleneck.REPLICA_CPU) -> RunResult:
    findings = [
        make_finding(code=code, state=RuleState.BROKEN, cell=make_cell(replicas=2))
        for code in codes
    ]
    result = make_result(PLAN, findings=findings)
    cells = tuple(replace(cell, bottleneck=bottleneck) for cell in result.cells)
    return replace(result, cells=cells)


def test_a_perfect_system_that_scales_is_right() -> None:
    row = row_of(BY_NAME["perfect"], SCALES)

    assert row["right"], row["wrong_because"]
    assert (row["verdict"], row["bottleneck"], row["wrong_scales"]) == (
        "scales",
        "replica_cpu",
        False,
    )
    assert row["doublings"][0]["truth"] == 2.0
    assert row["doublings"][0]["holds"] is True


def test_a_broken_system_that_is_said_to_scale_is_the_worst() -> None:
    row = row_of(BY_NAME["left-out"], SCALES)

    assert not row["right"]
    assert row["wrong_scales"]


@pytest.mark.parametrize(
    ("codes", "right"),
    [
        ([RuleCode.IDENTITY], True),
        ([RuleCode.IDENTITY, RuleCode.ERRORS], True),
        ([RuleCode.ERRORS], False),
        ([RuleCode.IDENTITY, RuleCode.GENERATOR_SATURATED], False),
    ],
)
def test_the_right_rule_has_to_be_broken_and_no_other_but_by_the_same_fault(
    codes: Sequence[RuleCode], *, right: bool
) -> None:
    row = row_of(BY_NAME["killed"], invalid(*codes))

    assert row["right"] is right
    assert not row["wrong_scales"]


def test_a_wrong_bottleneck_is_a_wrong_answer() -> None:
    row = row_of(BY_NAME["left-out"], invalid(RuleCode.REPLICA_SHARE, bottleneck=Bottleneck.PROXY))

    assert row["wrong_because"] == ["The bottleneck is proxy, not replica_cpu."]


def test_a_doubling_that_is_said_to_scale_in_an_invalid_run_counts_too() -> None:
    row = row_of(BY_NAME["left-out"], replace(SCALES, verdict=Verdict.INVALID))

    assert row["wrong_scales"]


def test_amdahls_law_gives_the_truth_of_a_serial_share() -> None:
    factors = BY_NAME["serial-10"].factors

    assert [round(each, 3) for each in factors.values()] == [1.818, 1.692]
    assert BY_NAME["serial-10"].may_scale == {(1, 2)}
    assert [round(each, 3) for each in BY_NAME["serial-30"].factors.values()] == [1.538, 1.368]


def losing_by(cpu_per_request_factor: float) -> RunResult:
    """Give a run whose doubling is 1.4, of which so much is CPU per request."""
    short = replace(
        SCALES.doublings[0],
        factor=Estimate(estimate=1.4, low=1.35, high=1.45),
        cpu_per_request_factor=cpu_per_request_factor,
        verdict=Verdict.FALLS_SHORT,
    )
    return replace(SCALES, doublings=(short,), verdict=Verdict.FALLS_SHORT)


@pytest.mark.parametrize("name", ["retries", "asks-all", "invalidated-cache"])
def test_a_system_that_grows_dearer_by_itself_has_to_be_told_with_its_cause(name: str) -> None:
    assert row_of(BY_NAME[name], losing_by(1.42))["wrong_because"] == []
    assert row_of(BY_NAME[name], losing_by(1.0))["wrong_because"] == [
        "gthread cpu 1→2 loses most by replica_cpu, not by cpu_per_request."
    ]


def test_a_system_that_grows_dearer_by_itself_must_not_be_called_invalid() -> None:
    row = row_of(BY_NAME["retries"], invalid(RuleCode.BUDGET))

    assert not row["right"]
    assert "Broken, but not by this fault: budget." in row["wrong_because"]


def test_the_control_of_those_that_grow_dearer_may_not_fall_short() -> None:
    assert row_of(BY_NAME["apart"], SCALES)["right"]
    assert not row_of(BY_NAME["apart"], losing_by(1.42))["right"]
