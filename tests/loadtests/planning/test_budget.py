import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.model.errors import PlanError
from loadtests.model.machine import Machine
from loadtests.planning.budget import (
    MOST_SHARED_CPUS,
    SHARE_OF_CORES,
    STEP_CPUS,
    budget,
    fits,
    generator_cores,
    most_replicas,
    powers_of_two,
    service_parts,
    split_cores,
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


@pytest.mark.parametrize("waiting_only", [False, True])
def test_too_many_for_the_budgets_are_refused_with_what_fits(waiting_only: bool) -> None:
    with pytest.raises(PlanError, match=r"16 replicas .* 2 core.* --replicas 1,2,4,8\."):
        budget(a_machine(2), 16, waiting_only=waiting_only)


def test_too_many_without_budgets_are_refused_with_what_fits() -> None:
    with pytest.raises(PlanError, match=r"no CPU budget .* --replicas 1,2, or --workload io"):
        budget(a_machine(4, can_budget=False), 4, waiting_only=False)


def test_without_budgets_and_cores_only_waiting_fits() -> None:
    with pytest.raises(PlanError, match=r"What fits: --workload io --workers gthread,sync"):
        budget(a_machine(4, can_budget=False, can_pin=False), 2, waiting_only=False)


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
