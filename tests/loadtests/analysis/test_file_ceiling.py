"""A locustfile that costs much is told before, or as what was measured."""

from __future__ import annotations

import pytest

from loadtests.analysis import file_ceiling
from loadtests.model.errors import UnusableLoad
from loadtests.model.latency import FileCeiling
from loadtests.model.vocabulary import RuleCode, RuleState
from tests.loadtests.builders import make_calibration, make_plan, make_trials

PLAN = make_plan(replica_counts=(1, 2, 4))
DEAR = FileCeiling(workload="cpu", file="locustfile.py", cpu_ms_per_request=2.1)
CHEAP = FileCeiling(workload="cpu", file="locustfile.py", cpu_ms_per_request=0.02)


def test_what_a_file_costs_is_a_sentence() -> None:
    assert file_ceiling.in_words(DEAR) == (
        "locustfile.py costs 2.1 ms of CPU a request; at most 476/s from one process"
    )


def test_a_file_that_is_too_dear_for_the_planned_cells_is_refused_with_what_fits() -> None:
    dear = FileCeiling(workload="cpu", file="locustfile.py", cpu_ms_per_request=7)

    with pytest.raises(UnusableLoad) as refusal:
        file_ceiling.refuse_dear(PLAN, [make_calibration()], [dear])

    assert "4 replicas of gthread want about 200/s" in str(refusal.value)
    assert "--generator-processes" in str(refusal.value)
    file_ceiling.refuse_dear(PLAN, [make_calibration()], [CHEAP])


def test_cells_near_the_files_own_ceiling_break_the_rule_of_the_generator() -> None:
    trials = make_trials(PLAN, rps=lambda spec: 110.0 * spec.cell.replicas)

    findings = file_ceiling.check(PLAN, trials, [DEAR])

    (found,) = findings
    assert (found.code, found.state) == (RuleCode.GENERATOR_SATURATED, RuleState.BROKEN)
    assert found.cell is not None
    assert found.cell.replicas == 4
    assert "costs 2.1 ms of CPU a request" in found.detail
    assert file_ceiling.check(PLAN, trials, [CHEAP]) == ()
