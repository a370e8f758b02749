"""Plans of event loops where no CPU budget can be set."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loadtests.config.options import Options
from loadtests.model.errors import PlanError
from loadtests.model.machine import Machine
from loadtests.model.plan import Plan
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import Interface, Target, TargetKind
from loadtests.model.tested.workload import Workload
from loadtests.planning.run_plan import make_plan
from loadtests.targets import plain
from tests.loadtests.builders import make_machine
from tests.loadtests.planning.test_run_plan import without_budgets


def of_loops(*, slots: int | None = None, waits: bool = False) -> Project:
    """A user's asynchronous application, with a variant of uvicorn and a workload of their own."""
    tested = Target(
        kind=TargetKind.IMPORT_STRING, given="shop:app", name="shop:app", interface=Interface.ASGI
    )
    project = plain.project(tested)
    pool = replace(project.workers["uvicorn"], name="pool", slots=slots)
    browse = Workload(name="browse", path="/", waits=waits)
    return replace(
        project,
        workers={**project.workers, pool.name: pool},
        workloads={"browse": browse},
        default_workloads=("browse",),
    )


def planned(project: Project, machine: Machine, **fields: Any) -> Plan:
    options = replace(Options(), **fields)
    return make_plan(options, machine, backend="processes", seed=1, project=project)


@pytest.mark.parametrize("waits", [False, True])
def test_without_budgets_event_loops_are_refused_once_with_ways_that_work(*, waits: bool) -> None:
    """On macOS, where nothing can be pinned either."""
    machine = without_budgets(engine=None)

    with pytest.raises(PlanError) as error:
        planned(of_loops(waits=waits), machine, workers=("uvicorn",))

    told = str(error.value)
    assert "What fits: --backend compose, whose engine sets CPU budgets; or" in told
    assert "--replicas" not in told
    assert "a variant with `slots`, where a pool of threads limits its requests (such as {" in told
    # Whoever does all that the first message says meets no second one.
    assert ("waits = true" in told) is not waits
    plan = planned(of_loops(slots=40, waits=True), machine, workers=("pool",))
    assert [worker.name for worker in plan.workers] == ["pool"]
    assert planned(of_loops(), make_machine(), workers=("uvicorn",)).budget.replica_cpus


def test_fewer_replicas_are_named_where_each_can_have_a_core() -> None:
    machine = make_machine(cores=4, core_ids=tuple(range(4)), can_budget=False)

    with pytest.raises(PlanError, match=r"What fits: --replicas 1,2; or"):
        planned(of_loops(waits=True), machine, workers=("uvicorn",), replicas=(1, 2, 4))

    plan = planned(of_loops(), machine, workers=("uvicorn",), replicas=(1, 2))
    assert plan.replica_counts == (1, 2)
