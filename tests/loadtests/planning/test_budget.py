from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.model.errors import PlanError
from loadtests.model.machine import Machine
from loadtests.planning.budget import (
    COMPOSE_BUDGETS,
    MOST_SHARED_CPUS,
    OTHER_BUDGETS,
    SHARE_OF_CORES,
    STEP_CPUS,
    budget,
    fits,
    generator_cores,
    most_replicas,
    powers_of_two,
    separate_cores,
    service_parts,
    split_cores,
    ways,
)
from tests.loadtests.builders import make_machine


def a_machine(cores: int, **fields: bool) -> Machine:
    return make_machine(cores=cores, core_ids=tuple(range(cores)), **fields)


@pytest.mark.parametrize(
    ("cores", "services", "replicas"),
    [(1, (0,), ()), (2, (0,), (1,)), (3, (0,), (1, 2)), (4, (0, 1), (2, 3))],
)
def test_generator_and_proxy_share_a_core_until_there_are_four(
    cores: int, services: tuple[int, ...], replicas: tuple[int, ...]
) -> None:
    assert split_cores(a_machine(cores)) == (services, replicas)


@pytest.mark.parametrize(
    ("cores", "generator", "proxy"),
    [(1, (0,), (0,)), (2, (0,), (0,)), (4, (0,), (1,)), (8, (0, 1), (2,))],
)
def test_the_generator_has_cores_of_its_own_where_there_are_enough(
    cores: int, generator: tuple[int, ...], proxy: tuple[int, ...]
) -> None:
    machine = a_machine(cores)

    assert generator_cores(machine) == generator
    assert service_parts(split_cores(machine)[0]) == (generator, proxy)


def test_the_cores_are_those_that_may_be_used() -> None:
    assert split_cores(make_machine(cores=2, core_ids=(5, 7))) == ((5,), (7,))


@pytest.mark.parametrize(
    ("cores", "replicas", "cpus"),
    [(2, 4, 0.1), (2, 1, 0.5), (2, 10, 0.05), (4, 2, 0.5), (8, 4, 0.6), (64, 4, 1.0)],
)
def test_each_replica_gets_its_part_of_half_the_cores(
    cores: int, replicas: int, cpus: float
) -> None:
    means = budget(a_machine(cores), replicas, waiting_only=False)

    assert means.replica_cpus == cpus
    assert f"{replicas} × {cpus:g} CPU" in means.reason


@pytest.mark.parametrize(("cores", "replicas"), [(2, 2), (2, 4), (4, 4), (8, 8)])
def test_replicas_that_take_turns_on_a_core_have_slices_too_short_to_get_warm(
    cores: int, replicas: int
) -> None:
    means = budget(a_machine(cores), replicas, waiting_only=False)

    assert means.replica_cpus == MOST_SHARED_CPUS


@given(st.integers(2, 256), st.integers(1, 64))
def test_budgets_never_add_up_to_more_than_half_of_the_replicas_cores(
    cores: int, replicas: int
) -> None:
    machine = a_machine(cores)
    if not fits(machine, replicas):
        return

    means = budget(machine, replicas, waiting_only=False)

    assert means.replica_cpus is not None
    assert means.replica_cpus >= STEP_CPUS
    assert replicas * means.replica_cpus <= SHARE_OF_CORES * len(means.replica_cores) + 1e-9
    assert not set(means.replica_cores) & set(means.service_cores)


def test_the_most_replicas_fit_and_one_more_does_not() -> None:
    machine = a_machine(2)

    assert most_replicas(machine) == 10
    assert fits(machine, 10)
    assert not fits(machine, 11)


def test_nothing_is_pinned_where_it_cannot_be() -> None:
    means = budget(a_machine(2, can_pin=False), 4, waiting_only=False)

    assert (means.replica_cpus, means.replica_cores, means.service_cores) == (0.1, (), ())


def test_without_budgets_a_core_of_its_own_will_do() -> None:
    means = budget(a_machine(4, can_budget=False), 2, waiting_only=False)

    assert (means.replica_cpus, means.replica_cores) == (None, (2, 3))
    assert "core of its own" in means.reason


@pytest.mark.parametrize(("replicas", "waiting_only"), [(16, False), (17, True), (32, False)])
def test_too_many_for_the_budgets_are_refused_with_what_fits(
    replicas: int, waiting_only: bool
) -> None:
    with pytest.raises(PlanError, match=rf"{replicas} replicas .* 2 core.* --replicas 1,2,4,8\."):
        budget(a_machine(2), replicas, waiting_only=waiting_only)


def test_a_refusal_names_the_load_of_which_so_many_fit_only_where_they_do() -> None:
    with pytest.raises(PlanError, match=r" 16 replicas fit with --workload io --workers gthread"):
        budget(a_machine(2), 16, waiting_only=False)
    with pytest.raises(PlanError) as refused:
        budget(a_machine(2), 17, waiting_only=False)

    assert "--workload" not in str(refused.value)


def test_budgets_of_requests_that_wait_may_add_up_to_more_than_half() -> None:
    means = budget(a_machine(2), 16, waiting_only=True)

    assert (means.replica_cpus, means.replica_cores) == (0.05, (1,))
    assert means.reason == (
        "16 × 0.05 CPU is at most 80% of 1 core, of which the replicas together may use at most"
        " 55%; more breaks the rule budget"
    )


def test_as_many_as_fit_into_half_have_the_same_budget_whatever_their_requests_do() -> None:
    machine = a_machine(2)

    assert budget(machine, 8, waiting_only=True) == budget(machine, 8, waiting_only=False)


def test_too_many_without_budgets_are_refused_with_what_fits() -> None:
    with pytest.raises(
        PlanError, match=r"no CPU budget .* --replicas 1,2; or .*; or --workload io"
    ):
        budget(a_machine(4, can_budget=False), 4, waiting_only=False)


def test_without_budgets_and_cores_only_waiting_fits() -> None:
    with pytest.raises(PlanError, match=r"What fits: a machine whose engine .*; or --workload"):
        budget(a_machine(4, can_budget=False, can_pin=False), 2, waiting_only=False)


@pytest.mark.parametrize(
    ("machine", "told"),
    [
        (a_machine(1), ("a machine with 2 cores",)),
        (a_machine(2), ("--replicas 1,2,4,8",)),
        (a_machine(4, can_budget=False), ("--replicas 1,2", OTHER_BUDGETS)),
        (a_machine(4, can_budget=False, can_pin=False), (OTHER_BUDGETS,)),
        (replace(a_machine(2, can_budget=False), engine=None), (COMPOSE_BUDGETS,)),
    ],
)
def test_what_fits_whatever_the_load_is(machine: Machine, told: tuple[str, ...]) -> None:
    assert ways(machine) == told


def test_one_core_is_refused_for_work_and_taken_for_waiting() -> None:
    with pytest.raises(PlanError, match="share one core"):
        budget(a_machine(1), 2, waiting_only=False)

    means = budget(a_machine(1), 2, waiting_only=True)

    assert (means.replica_cpus, means.replica_cores, means.service_cores) == (None, (), ())
    assert "all share one core" in means.reason


def test_requests_that_wait_need_no_budget_where_none_can_be_set() -> None:
    means = budget(a_machine(2, can_budget=False), 4, waiting_only=True)

    assert (means.replica_cpus, means.replica_cores, means.service_cores) == (None, (1,), (0,))
    assert "no CPU budget can be set here" in means.reason


@pytest.mark.parametrize(("most", "counts"), [(0, ()), (1, (1,)), (10, (1, 2, 4, 8)), (2, (1, 2))])
def test_doublings_go_up_to_the_most(most: int, counts: tuple[int, ...]) -> None:
    assert powers_of_two(most) == counts


# -- a store -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cores", "store_cores", "cpus", "replica_cores"),
    [
        (2, (0,), 0.5, (1,)),
        (4, (1,), 0.5, (2, 3)),
        (7, (1,), 0.5, (2, 3, 4, 5, 6)),
        (8, (3,), 1.0, (4, 5, 6, 7)),
        (16, (3, 4), 2.0, tuple(range(5, 16))),
    ],
)
def test_a_store_has_half_of_the_proxys_core_or_cores_of_its_own(
    cores: int, store_cores: tuple[int, ...], cpus: float, replica_cores: tuple[int, ...]
) -> None:
    means = budget(a_machine(cores), 4, waiting_only=False, with_store=True)

    assert (means.store_cores, means.store_cpus) == (store_cores, cpus)
    assert means.replica_cores == replica_cores
    where = "of its own" if cores >= 8 else "that it shares with the proxy"
    assert means.reason.endswith(f"; PostgreSQL has {cpus:g} CPU {where}")


def test_several_stores_share_what_one_would_have() -> None:
    means = budget(
        a_machine(2), 4, waiting_only=False, with_store=True, stores=("db", "cache", "queue")
    )

    assert means.store_cpus == 0.15
    assert means.reason.endswith("; db, cache, queue have 0.15 CPU each, on the proxy's core")


def test_without_a_store_nothing_is_kept_for_it() -> None:
    means = budget(a_machine(8), 4, waiting_only=False)

    assert (means.store_cores, means.store_cpus, len(means.replica_cores)) == ((), None, 5)


def test_a_store_on_a_machine_that_cannot_pin_or_budget_is_not_held() -> None:
    free = budget(a_machine(2, can_pin=False), 4, waiting_only=False, with_store=True)
    assert (free.store_cores, free.store_cpus) == ((), 0.5)

    waiting = budget(a_machine(2, can_budget=False), 4, waiting_only=True, with_store=True)
    assert (waiting.store_cores, waiting.store_cpus) == ((0,), None)
    assert "PostgreSQL" not in waiting.reason


def test_the_cores_of_a_store_are_not_the_replicas_to_fill() -> None:
    assert most_replicas(a_machine(8)) == 50
    assert most_replicas(a_machine(8), with_store=True) == 40
    with pytest.raises(PlanError, match="--replicas 1,2,4,8,16,32"):
        budget(a_machine(8), 51, waiting_only=False, with_store=True)


def with_siblings(*groups: tuple[int, ...]) -> Machine:
    """A machine whose cores have these logical CPUs."""
    ids = tuple(sorted(core for group in groups for core in group))
    return make_machine(cores=len(ids), core_ids=ids, hardware_threads=groups)


NEIGHBOURS = with_siblings((0, 1), (2, 3), (4, 5), (6, 7))
HALVES = with_siblings((0, 4), (1, 5), (2, 6), (3, 7))


@pytest.mark.parametrize(
    ("machine", "services", "replicas"),
    [
        (NEIGHBOURS, (0, 2), (4, 6)),
        (HALVES, (0, 1), (2, 3)),
        (with_siblings((0, 1), (2, 3)), (0, 1), (2,)),
        (with_siblings((0, 2), (1, 3)), (0, 2), (1,)),
        (with_siblings((0, 1), (2, 3), (4,)), (0, 1), (2, 4)),  # two kinds of cores
    ],
)
def test_no_two_replicas_are_siblings_nor_a_replica_and_a_service(
    machine: Machine, services: tuple[int, ...], replicas: tuple[int, ...]
) -> None:
    assert split_cores(machine) == (services, replicas)


def test_generator_and_proxy_have_a_sibling_each_of_the_core_that_they_share() -> None:
    services, _ = split_cores(with_siblings((0, 2), (1, 3)))

    assert service_parts(services) == ((0,), (2,))


def test_siblings_are_all_used_where_a_single_core_has_them() -> None:
    machine = with_siblings((0, 1))

    assert separate_cores(machine) == (0, 1)
    assert split_cores(machine) == ((0,), (1,))
    assert budget(machine, 4, waiting_only=False).replica_cpus == 0.1


def test_a_machine_with_siblings_has_the_budgets_of_one_with_as_many_cores() -> None:
    means = budget(NEIGHBOURS, 4, waiting_only=False)

    assert means.replica_cpus == budget(a_machine(4), 4, waiting_only=False).replica_cpus
    assert (means.physical_cores, means.replica_cores) == (2, (4, 6))
    assert not means.share_cores(2)
    assert means.share_cores(4)


def test_siblings_are_no_cores_of_their_own() -> None:
    """Four threads on one core: two are the replicas', who share it."""
    means = budget(with_siblings((0, 1, 2, 3)), 2, waiting_only=False)

    assert len(means.replica_cores) == 2
    assert means.share_cores(2)
    assert means.replica_cpus == MOST_SHARED_CPUS


def test_a_store_of_its_own_cores_has_no_sibling_of_a_replica() -> None:
    sixteen = with_siblings(*((core, core + 8) for core in range(8)))
    means = budget(sixteen, 4, waiting_only=False, with_store=True)

    assert means.service_cores == (0, 1, 2)
    assert means.store_cores == (3,)
    assert means.replica_cores == (4, 5, 6, 7)


def test_without_siblings_nothing_is_said_of_physical_cores() -> None:
    assert budget(a_machine(8), 4, waiting_only=False).physical_cores is None


def test_replicas_that_are_not_pinned_may_share_any_core() -> None:
    free = replace(NEIGHBOURS, can_pin=False)

    assert budget(free, 2, waiting_only=False).share_cores(2)


def test_a_refusal_counts_cores_and_no_threads() -> None:
    with pytest.raises(PlanError, match=r"CPU of their own on 4 core\(s\).* 1,2,4,8,16\."):
        budget(NEIGHBOURS, 64, waiting_only=False)
