import itertools
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from loadtests.config.options import ROUNDS_MAX, ROUNDS_MIN, Options
from loadtests.model.errors import PlanError
from loadtests.model.machine import Machine
from loadtests.model.plan import Plan
from loadtests.model.tested.target import Target, TargetKind
from loadtests.planning.run_plan import make_plan
from loadtests.targets import plain
from tests.loadtests.builders import make_machine


def a_plan(machine: Machine | None = None, *, seed: int = 1, **fields: Any) -> Plan:
    options = replace(Options(), **fields)
    return make_plan(options, machine or make_machine(), backend="compose", seed=seed)


def without_budgets(**fields: Any) -> Machine:
    return make_machine(can_budget=False, can_pin=False, **fields)


def test_cells_are_worker_models_times_workloads_times_replicas() -> None:
    plan = a_plan(workers=("sync", "gevent"), workloads=("cpu", "io"), replicas=(4, 1, 2))

    assert len(plan.cells) == 12
    assert plan.replica_counts == (1, 2, 4)
    assert [str(cell) for cell in plan.cells[:4]] == [
        "sync cpu ×1",
        "sync cpu ×2",
        "sync cpu ×4",
        "gevent cpu ×1",
    ]


def test_the_workload_is_cpu_where_nothing_was_asked() -> None:
    assert [workload.name for workload in a_plan().workloads] == ["cpu"]


def test_a_round_has_every_cell_once() -> None:
    plan = a_plan()

    assert all(
        sorted(spec.cell for spec in planned) == sorted(plan.cells) for planned in plan.rounds
    )
    assert all(
        [spec.position for spec in planned] == list(range(1, len(plan.cells) + 1))
        for planned in plan.rounds
    )
    assert [planned[0].round for planned in plan.rounds] == list(range(1, ROUNDS_MAX + 1))


def test_cells_that_are_compared_for_a_doubling_follow_one_another_in_a_random_order() -> None:
    rounds = a_plan(workloads=("cpu", "io")).rounds

    series = [[(s.cell.worker, s.cell.workload) for s in planned] for planned in rounds]
    for planned in series:
        assert len(list(itertools.groupby(planned))) == len(set(planned))
    assert len({tuple(dict.fromkeys(planned)) for planned in series}) > ROUNDS_MAX / 2
    assert len({tuple(s.cell.replicas for s in planned[:3]) for planned in rounds}) > 2


def test_the_order_differs_from_round_to_round_and_from_seed_to_seed() -> None:
    orders = {
        tuple(spec.cell for spec in planned)
        for seed in (1, 2)
        for planned in a_plan(seed=seed).rounds
    }

    assert len(orders) == 2 * ROUNDS_MAX


def test_the_same_seed_gives_the_same_plan() -> None:
    assert a_plan(seed=7) == a_plan(seed=7)
    assert a_plan(seed=7) != a_plan(seed=8)


def test_each_trial_has_a_name_of_its_own() -> None:
    names = [spec.id for planned in a_plan(rounds=120).rounds for spec in planned]

    assert len(set(names)) == len(names)
    assert "r01-01-" in names[0]


def test_each_port_passes_to_exactly_the_members_of_its_trials() -> None:
    plan = a_plan()
    behind = {upstream.port: (upstream.worker, upstream.members) for upstream in plan.upstreams}

    assert len(behind) == len(plan.upstreams)
    for planned in plan.rounds:
        for spec in planned:
            assert behind[spec.port] == (spec.cell.worker, spec.members)
            assert len(spec.members) == spec.cell.replicas


@pytest.mark.parametrize("replicas", [(2, 4), (4, 8)])
def test_each_worker_model_has_a_port_with_one_replica_to_calibrate_users_on(
    replicas: tuple[int, ...],
) -> None:
    plan = a_plan(replicas=replicas)

    alone = [upstream.worker for upstream in plan.upstreams if len(upstream.members) == 1]
    assert sorted(alone) == sorted(worker.name for worker in plan.workers)
    assert len({upstream.port for upstream in plan.upstreams}) == len(plan.upstreams)
    assert {spec.cell.replicas for planned in plan.rounds for spec in planned} == {*replicas}


def test_a_cell_takes_each_replica_equally_often() -> None:
    plan = a_plan(rounds=12)
    used: Counter[tuple[Any, int]] = Counter(
        (spec.cell, member)
        for planned in plan.rounds
        for spec in planned
        for member in spec.members
    )

    assert all(
        used[(cell, member)] == 12 * cell.replicas // 4
        for cell in plan.cells
        for member in range(1, 5)
    )


@pytest.mark.parametrize(
    ("fields", "limits"),
    [
        ({}, (ROUNDS_MIN, ROUNDS_MAX)),
        ({"quick": True}, (ROUNDS_MIN, ROUNDS_MIN)),
        ({"rounds": 3}, (3, 3)),
        ({"rounds": 3, "quick": True}, (3, 3)),
    ],
)
def test_rounds_are_those_asked_for_or_until_precise(
    fields: dict[str, Any], limits: tuple[int, int]
) -> None:
    plan = a_plan(**fields)

    assert (plan.rounds_min, plan.rounds_max) == limits
    assert len(plan.rounds) == limits[1]


def test_windows_are_whole_numbers_of_the_kernels_cpu_periods() -> None:
    for plan in (a_plan(), a_plan(quick=True)):
        periods = plan.timing.window_s / 0.1
        assert periods == pytest.approx(round(periods))


def test_quick_of_the_default_cells_ends_within_ninety_seconds() -> None:
    plan = a_plan(quick=True)

    assert plan.expected_s == plan.expected_max_s <= 90


def test_more_rounds_are_expected_to_take_longer() -> None:
    plan = a_plan()

    assert 0 < plan.expected_s < plan.expected_max_s


def test_too_many_replicas_for_the_machine_are_refused_with_what_fits() -> None:
    with pytest.raises(PlanError, match="--replicas 1,2,4,8"):
        a_plan(replicas=(1, 2, 16))


def test_too_many_replicas_are_refused_for_waiting_too() -> None:
    with pytest.raises(PlanError, match="--replicas 1,2,4,8"):
        a_plan(replicas=(16, 32), workloads=("io",))


def test_sixteen_replicas_of_requests_that_wait_fit_two_cores() -> None:
    plan = a_plan(replicas=(1, 2, 4, 8, 16), workloads=("io",))

    assert [workload.name for workload in plan.workloads] == ["io"]
    assert plan.replica_counts == (1, 2, 4, 8, 16)
    assert plan.budget.replica_cpus == 0.05
    assert [worker.name for worker in plan.workers] == ["gthread", "sync"]
    assert plan.notes == ("Left out: gevent, whose replicas would compete for CPU.",)


def test_sixteen_replicas_do_not_fit_where_one_workload_computes() -> None:
    with pytest.raises(PlanError, match="--replicas 1,2,4,8"):
        a_plan(replicas=(8, 16), workloads=("io", "cpu"))


def test_sixteen_replicas_without_slots_are_refused_with_the_models_that_fit() -> None:
    with pytest.raises(PlanError, match=r"gevent has no limit .* more than half .* gthread,sync"):
        a_plan(replicas=(8, 16), workloads=("io",), workers=("gevent",))


def test_without_budgets_what_can_be_told_is_planned_and_said() -> None:
    plan = a_plan(without_budgets())

    assert [workload.name for workload in plan.workloads] == ["io"]
    assert [worker.name for worker in plan.workers] == ["gthread", "sync"]
    assert "No CPU budget can be set here" in plan.notes[0]
    assert "gevent" in plan.notes[1]


def test_without_budgets_work_that_was_asked_for_is_refused() -> None:
    with pytest.raises(PlanError, match="--workload io"):
        a_plan(without_budgets(), workloads=("cpu",))


def test_without_budgets_waiting_that_was_asked_for_is_planned() -> None:
    plan = a_plan(without_budgets(), workloads=("io",), workers=("sync",))

    assert [worker.name for worker in plan.workers] == ["sync"]
    assert len(plan.notes) == 1


def test_without_budgets_greenlets_alone_are_refused() -> None:
    with pytest.raises(PlanError, match="--workers gthread,sync"):
        a_plan(without_budgets(), workers=("gevent",))


def test_on_one_core_the_note_says_that_it_is_shared() -> None:
    plan = a_plan(make_machine(cores=1, core_ids=(0,)))

    assert [workload.name for workload in plan.workloads] == ["io"]
    assert "one core" in plan.notes[0]


def test_cores_of_its_own_for_each_replica_are_as_good_as_budgets() -> None:
    plan = a_plan(
        make_machine(cores=8, core_ids=tuple(range(8)), can_budget=False), workloads=("cpu",)
    )

    assert plan.budget.replica_cpus is None
    assert plan.notes == ()


@pytest.mark.parametrize(
    ("fields", "with_store"),
    [
        ({}, False),
        ({"workloads": ("cpu", "io")}, False),
        ({"workloads": ("db",)}, True),
        ({"workloads": ("cpu", "mixed")}, True),
        ({"probe": True}, True),
    ],
)
def test_a_store_is_there_where_a_workload_needs_one_or_it_was_asked_for(
    fields: dict[str, Any], with_store: bool
) -> None:
    plan = a_plan(**fields)

    assert plan.with_store is with_store
    assert (plan.budget.store_cpus is not None) is with_store


def test_a_store_takes_a_little_longer() -> None:
    assert a_plan(probe=True).expected_s == a_plan().expected_s + 5


def test_the_mixture_is_a_scenario_and_the_other_workloads_are_a_path() -> None:
    plan = a_plan(workloads=("db", "mixed"))

    assert [(each.path, each.scenario) for each in plan.workloads] == [
        ("/db", None),
        ("/mixed", "mixed"),
    ]


@pytest.mark.parametrize("workload", ["db", "mixed"])
def test_what_computes_is_refused_where_there_are_no_budgets(workload: str) -> None:
    with pytest.raises(PlanError, match="--workload io"):
        a_plan(without_budgets(), workloads=(workload,))


def test_without_budgets_a_users_target_is_refused_without_the_samples_workloads() -> None:
    tested = Target(kind=TargetKind.IMPORT_STRING, given="shop:app", name="shop:app")

    with pytest.raises(PlanError) as error:
        make_plan(
            Options(), without_budgets(), backend="processes", seed=1, project=plain.project(tested)
        )

    assert "--workload io" not in str(error.value)
    assert "(waits = true in its configuration)" in str(error.value)


@pytest.mark.parametrize(
    ("cores", "cpus", "replicas"), [(2, 0.05, 8), (4, 0.05, 16), (16, 0.1, 64)]
)
def test_replicas_of_one_size_are_as_large_as_where_the_most_run(
    cores: int, cpus: float, replicas: int
) -> None:
    machine = make_machine(cores=cores, core_ids=tuple(range(cores)))
    counts = [(2**step, 2 ** (step + 1)) for step in range(replicas.bit_length() - 1)]

    plans = [a_plan(machine, replicas=pair, one_size=True) for pair in counts]

    assert {plan.budget.replica_cpus for plan in plans} == {cpus}
    assert len({(plan.budget.store_cpus, plan.budget.service_cores) for plan in plans}) == 1
    assert f"Each replica has {cpus:g} CPU, as where {replicas} run" in plans[0].notes[-1]
    assert plans[-1].notes == ()


def test_replicas_of_one_size_need_not_be_smaller_without_budgets() -> None:
    asked: dict[str, Any] = {"replicas": (1, 2), "workloads": ("io",), "workers": ("sync",)}

    plan = a_plan(without_budgets(), **asked, one_size=True)

    assert plan == a_plan(without_budgets(), **asked)


def test_a_store_s_budget_is_the_same_for_all_numbers_of_replicas_of_one_size() -> None:
    pairs = ((1, 2), (2, 4), (4, 8))

    plans = [a_plan(replicas=pair, workloads=("db",), one_size=True) for pair in pairs]

    assert {(plan.budget.replica_cpus, plan.budget.store_cpus) for plan in plans} == {(0.05, 0.5)}
