"""What a locustfile costs by itself, and the cells that it can afford."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.analysis.ceilings import file_ceiling
from loadtests.model.errors import UnusableLoad
from loadtests.model.generator_records import Finished, LoadDone
from loadtests.model.latency import FileCeiling
from loadtests.model.plan import Plan
from loadtests.model.tested.workload import Workload
from loadtests.model.trial import Calibration, CalibrationStep
from loadtests.model.vocabulary import RuleCode, RuleState
from tests.loadtests.builders import make_calibration, make_plan, make_trials
from tests.loadtests.fakes import finished_event, sample_bytes

SHOP = Workload(name="cpu", path="/")


def done(done_us: Any, *, cpu_s: float) -> LoadDone:
    event = finished_event(cpu_s=cpu_s)
    del event["event"]
    return LoadDone(finished=Finished(**event), samples=sample_bytes(done_us=done_us))


def ceiling(cpu_ms: float, workload: str = "cpu") -> FileCeiling:
    return FileCeiling(workload=workload, file="locustfile.py", cpu_ms_per_request=cpu_ms)


def calibrated(rps: float, workload: str = "cpu") -> Calibration:
    step = CalibrationStep(
        worker="gthread", workload=workload, users=4, throughput_rps=rps, mean_ms=None
    )
    return make_calibration(workload=workload, steps=(step,))


def plan_of(counts: tuple[int, ...] = (1, 2, 4), processes: int = 1) -> Plan:
    return make_plan(replica_counts=counts, generator_processes=processes)


def test_only_requests_of_the_window_share_its_cpu() -> None:
    reduced = file_ceiling.reduce(
        done([-1, 0, 500_000, 1_999_999, 2_000_000], cpu_s=0.3), SHOP, "locustfile.py"
    )

    assert reduced.cpu_ms_per_request == pytest.approx(100.0)
    assert reduced.process_rps == pytest.approx(10.0)
    assert (reduced.workload, reduced.file) == ("cpu", "locustfile.py")


def test_a_file_that_sends_nothing_has_no_ceiling() -> None:
    with pytest.raises(UnusableLoad, match=r"sent no request in 2 s"):
        file_ceiling.reduce(done([-5, 2_000_001], cpu_s=0.3), SHOP, "locustfile.py")


@pytest.mark.parametrize(
    ("cpu_ms", "said"),
    [
        (2.14, "2.1 ms of CPU a request; at most 467/s from one process"),
        (0.087, "0.087 ms of CPU a request; at most 11,494/s from one process"),
        (31.4, "31 ms of CPU a request; at most 32/s from one process"),
    ],
)
def test_a_cost_is_said_in_a_sentence(cpu_ms: float, said: str) -> None:
    assert file_ceiling.in_words(ceiling(cpu_ms)) == f"locustfile.py costs {said}"


def test_a_file_that_can_send_what_the_cells_need_is_let_pass() -> None:
    file_ceiling.refuse_dear(plan_of(), [calibrated(100)], [ceiling(2.0)])  # 400 of 425


def test_one_that_is_too_dear_is_refused_with_what_would_fit() -> None:
    with pytest.raises(UnusableLoad) as raised:
        file_ceiling.refuse_dear(plan_of(), [calibrated(150)], [ceiling(2.0)])

    assert str(raised.value) == (
        "locustfile.py costs 2 ms of CPU a request; at most 500/s from one process. 4 replicas of"
        " gthread want about 600/s, so the load generator would be what is measured. What fits:"
        " --generator-processes 2 on a machine with a core for each, or --replicas 1,2, or a"
        " cheaper locustfile."
    )


def test_fewer_replicas_are_only_offered_where_two_counts_fit() -> None:
    with pytest.raises(UnusableLoad) as raised:
        file_ceiling.refuse_dear(plan_of((1, 2)), [calibrated(300)], [ceiling(2.0)])

    assert "--replicas" not in str(raised.value)
    assert "--generator-processes 2" in str(raised.value)


def test_more_processes_afford_more_and_other_workloads_do_not_count() -> None:
    file_ceiling.refuse_dear(plan_of(processes=2), [calibrated(150)], [ceiling(2.0)])
    file_ceiling.refuse_dear(plan_of(), [calibrated(900, "io")], [ceiling(2.0)])


def test_cells_near_the_ceiling_break_the_rule_of_the_generator() -> None:
    plan = plan_of()
    trials = make_trials(plan)  # 50, 100 and 200 requests a second

    findings = file_ceiling.check(plan, trials, [ceiling(5.0)])

    (found,) = findings
    assert (found.code, found.state) == (RuleCode.GENERATOR_SATURATED, RuleState.BROKEN)
    assert found.cell == plan.cells[2]
    assert found.figure == pytest.approx(1.0)
    assert found.detail.endswith("and this cell needed 200/s.")
    assert file_ceiling.check(plan, trials, [ceiling(4.0)]) == ()
    assert file_ceiling.check(plan, trials, [ceiling(5.0, "io")]) == ()
