"""The CPU budget of every replica, and the cores of every role. PURE.

Equal budgets give four replicas four times the CPU of one, on a laptop as on a server. The budgets
add up to at most half of the replicas' cores. Above that, replicas that share a core raise one
another's CPU per request, and the loss would look like bad scaling.

Logical CPUs that are threads of one physical core are siblings, and slow one another like two
processes on one CPU. So where there are two cores or more, each core counts once.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace

from loadtests.model.errors import PlanError
from loadtests.model.machine import Machine
from loadtests.model.plan import Budget

SHARE_OF_CORES = 0.5
"""Part of the replicas' cores that their budgets may add up to: at four fifths of a core, requests
cost 18 % more CPU."""

SHARE_WAITING = 0.8
"""The same where requests only wait: worker slots are then what is full, and the replicas use less
than their budgets. They may use ``MOST_USED_SHARE`` of their cores, as all others."""

QUOTA_TOLERANCE = 1.1
"""Quotas are given out in slices, so the CPU used may exceed the planned CPU a little."""

MOST_USED_SHARE = SHARE_OF_CORES * QUOTA_TOLERANCE
"""Part of their cores that all replicas together may use. The rule ``budget`` is broken by more,
also where requests wait and the budgets add up to ``SHARE_WAITING``."""

STEP_CPUS = 0.05
"""Budgets are multiples of this, which is also the smallest budget. In the kernel's period of
100 ms it is 5 ms, one slice of its bandwidth control. Smaller quotas are not given out evenly."""

MOST_CPUS = 1.0
"""Largest budget: a single Python process cannot use more than one core."""

MOST_SHARED_CPUS = 0.1
"""Largest budget where replicas share a core: 10 ms of the kernel's period of 100 ms. Every slice
then starts with cold caches, with or without other replicas. With longer slices a single replica
warms its caches, and its requests cost less than those of several (3 to 8 % at 0.25 CPU)."""

CORES_FOR_TWO_SERVICES = 4
"""Cores from which the generator and the proxy have one each; with fewer they share one."""

CORES_FOR_A_STORE_CORE = 8
"""The store has one core for each of these; with fewer cores it shares the proxy's."""

CORES_FOR_TWO_GENERATORS = 8
"""Cores from which the generator has two, with a process each: one process cannot saturate replicas
on five cores or more."""

SAMPLE_STORE = "PostgreSQL"
"""The sample application's store; the user's have the names of their services."""

STORE_SHARED_CPUS = 0.5
"""The store's budget on a shared core: half, so that the proxy has enough. For reads by key the
store needs about an eighth of the replicas' CPU, so it does not saturate."""


WAITING = "--workload io --workers gthread,sync"
"""The sample application's load that a machine without budgets can test, as options."""

COMPOSE_BUDGETS = "--backend compose, whose engine sets CPU budgets"
OTHER_BUDGETS = "a machine whose engine sets CPU budgets"
"""Where budgets can be had: processes have none without control groups, as on macOS."""


def most_replicas(machine: Machine, *, with_store: bool = False, waiting_only: bool = False) -> int:
    """Return the largest number of replicas that can each have a budget on this machine."""
    _, replica_cores = split_cores(machine, with_store=with_store)
    share = SHARE_WAITING if waiting_only else SHARE_OF_CORES
    return int(share * _separate(machine, replica_cores) / STEP_CPUS + 1e-9)


def separate_cores(machine: Machine) -> tuple[int, ...]:
    """Return one logical CPU of each core; all of them where a single core has them all."""
    if machine.physical_cores < 2:
        return machine.core_ids
    return tuple(sorted(group[0] for group in machine.hardware_threads)) or machine.core_ids


def _separate(machine: Machine, cores: Collection[int]) -> int:
    """Return on how many physical cores these logical CPUs are."""
    if not machine.hardware_threads:
        return len(cores)
    return sum(not set(group).isdisjoint(cores) for group in machine.hardware_threads)


def _whole(machine: Machine, core: int) -> tuple[int, ...]:
    """Return two logical CPUs of this one's core, if it has so many: the proxy's is the last."""
    group = next((group for group in machine.hardware_threads if core in group), (core,))
    return group[:2]


def split_cores(
    machine: Machine, *, with_store: bool = False
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the logical CPUs of generator and proxy, and those of the replicas.

    A store's own cores, if there are any, lie between the two. With one CPU all roles share it, and
    the second tuple is empty. Of each core one CPU is used, so that no two replicas are siblings,
    nor a replica and a service. Where generator and proxy have one core together, and it has
    siblings, each has one of these.
    """
    cores = separate_cores(machine)
    services = 1
    services += len(cores) >= CORES_FOR_TWO_SERVICES
    services += len(cores) >= CORES_FOR_TWO_GENERATORS
    store = len(cores) // CORES_FOR_A_STORE_CORE if with_store else 0
    of_services, of_replicas = cores[:services], cores[services + store :]
    if services == 1 and machine.physical_cores > 1:
        of_services = _whole(machine, of_services[0])
    return of_services, of_replicas


def generator_cores(machine: Machine) -> tuple[int, ...]:
    """Return the generator's cores: those of the services without the proxy's."""
    return service_parts(split_cores(machine)[0])[0]


def service_parts(cores: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the services' cores as the generator's and the proxy's; both share a single core."""
    return (cores[:-1], cores[-1:]) if len(cores) > 1 else (cores, cores)


def fits(
    machine: Machine, replicas: int, *, with_store: bool = False, waiting_only: bool = False
) -> bool:
    """Return whether ``replicas`` replicas can each have CPU of their own here.

    ``waiting_only`` says that their requests wait, and hardly use it.
    """
    _, replica_cores = split_cores(machine, with_store=with_store)
    if machine.can_budget:
        most = most_replicas(machine, with_store=with_store, waiting_only=waiting_only)
        return replicas <= most
    return machine.can_pin and replicas <= _separate(machine, replica_cores)


def budget(
    machine: Machine,
    replicas: int,
    *,
    waiting_only: bool,
    with_store: bool = False,
    waiting: str = WAITING,
    stores: tuple[str, ...] = (),
) -> Budget:
    """Return the budget of each of ``replicas`` replicas on this machine, and of each store.

    ``waiting_only`` says that requests hold a slot and use almost no CPU, so replicas without a
    budget do not compete. ``stores`` are the names of what the replicas have in common; without any
    it is the sample's store. Raises :class:`PlanError` where the machine is too small; ``waiting``
    names, for people, a load that such a machine can test.
    """
    of_replicas = _replica_budget(
        machine, replicas, waiting_only=waiting_only, with_store=with_store
    )
    if of_replicas is None:
        raise PlanError(_refusal(machine, replicas, with_store=with_store, waiting=waiting))
    if not with_store:
        return of_replicas
    return _with_stores(of_replicas, machine, stores or (SAMPLE_STORE,))


def _with_stores(of_replicas: Budget, machine: Machine, stores: tuple[str, ...]) -> Budget:
    """Return the budget with each store's: equal parts of their cores, or of half the proxy's."""
    services, _ = split_cores(machine)
    separate = separate_cores(machine)
    own = len(separate) // CORES_FOR_A_STORE_CORE
    cores = separate[len(services) : len(services) + own] if own else services[-1:]
    share = (float(own) or STORE_SHARED_CPUS) / len(stores)
    cpus = max(STEP_CPUS, round(math.floor(share / STEP_CPUS + 1e-9) * STEP_CPUS, 2))
    return replace(
        of_replicas,
        store_cpus=cpus if machine.can_budget else None,
        store_cores=cores if machine.can_pin and of_replicas.service_cores else (),
        reason=f"{of_replicas.reason}; {_in_words(stores, cpus, own=bool(own))}"
        if machine.can_budget
        else of_replicas.reason,
    )


def _in_words(stores: tuple[str, ...], cpus: float, *, own: bool) -> str:
    if len(stores) == 1:
        where = "of its own" if own else "that it shares with the proxy"
        return f"{stores[0]} has {cpus:g} CPU {where}"
    where = "on cores of their own" if own else "on the proxy's core"
    return f"{', '.join(stores)} have {cpus:g} CPU each, {where}"


def _replica_budget(
    machine: Machine, replicas: int, *, waiting_only: bool, with_store: bool
) -> Budget | None:
    """Return the budget of each replica; None where the machine is too small."""
    service_cores, replica_cores = split_cores(machine, with_store=with_store)
    pinned = machine.can_pin and bool(machine.hardware_threads)
    cores = Budget(
        replica_cpus=None,
        replica_cores=replica_cores if machine.can_pin else (),
        service_cores=service_cores if machine.can_pin else (),
        reason="no CPU budget can be set here; every replica has a core of its own",
        physical_cores=_separate(machine, replica_cores) if pinned else None,
    )
    if fits(machine, replicas, with_store=with_store):
        if not machine.can_budget:
            return cores
        return _with_part(cores, SHARE_OF_CORES, _separate(machine, replica_cores), replicas)
    if not waiting_only:
        return None
    if not machine.can_budget or not replica_cores:
        obstacle = "no CPU budget can be set here" if replica_cores else "all share one core"
        return replace(
            cores,
            service_cores=cores.service_cores if replica_cores else (),
            reason=f"{obstacle}; only requests that wait are measured",
        )
    if fits(machine, replicas, with_store=with_store, waiting_only=True):
        return _with_part(cores, SHARE_WAITING, _separate(machine, replica_cores), replicas)
    return None


def _with_part(cores: Budget, part: float, separate: int, replicas: int) -> Budget:
    """Return the budget of each of so many replicas on ``separate`` cores: a part of these."""
    largest = MOST_CPUS if replicas <= separate else MOST_SHARED_CPUS
    share = part * separate / replicas
    cpus = min(largest, round(math.floor(share / STEP_CPUS + 1e-9) * STEP_CPUS, 2))
    use = (
        f", of which the replicas together may use at most {MOST_USED_SHARE:.0%}; more breaks the"
        " rule budget"
        if part > SHARE_OF_CORES
        else ""
    )
    return replace(
        cores,
        replica_cpus=cpus,
        reason=f"{replicas} × {cpus:g} CPU is at most {part:.0%} of"
        f" {separate} core{'s' * (separate != 1)}{use}",
    )


def _refusal(machine: Machine, replicas: int, *, with_store: bool, waiting: str) -> str:
    _, replica_cores = split_cores(machine, with_store=with_store)
    cores = machine.physical_cores
    problem = f"{replicas} replicas cannot each have CPU of their own on {cores} core(s)"
    if not replica_cores:
        return (
            f"{problem}: generator, proxy and replicas would share one core. What fits: {waiting}"
            " (worker slots are then the bottleneck), or a machine with 2 cores."
        )
    if machine.can_budget:
        most = most_replicas(machine, with_store=with_store)
        counts = ",".join(str(count) for count in powers_of_two(most))
        room = fits(machine, replicas, with_store=with_store, waiting_only=True)
        so_many = f" {replicas} replicas fit with {waiting}." if room else ""
        return (
            f"{problem}: budgets below {STEP_CPUS:g} CPU are not given out evenly."
            f" What fits: --replicas {counts}.{so_many}"
        )
    others = "; or ".join(ways(machine, with_store=with_store))
    return (
        f"{problem}, because no CPU budget can be set here (`twofold doctor` says why). What fits:"
        f" {others}; or {waiting} at any of the replica counts."
    )


def ways(machine: Machine, *, with_store: bool = False) -> tuple[str, ...]:
    """Return what fits whatever the load is: fewer replicas, and where each can have a budget."""
    _, replica_cores = split_cores(machine, with_store=with_store)
    if not replica_cores:
        return ("a machine with 2 cores",)
    if machine.can_budget:
        most = most_replicas(machine, with_store=with_store)
    else:
        most = _separate(machine, replica_cores) if machine.can_pin else 0
    counts = ",".join(str(count) for count in powers_of_two(most))
    fewer = (f"--replicas {counts}",) if most > 1 else ()
    if machine.can_budget:
        return fewer
    return (*fewer, OTHER_BUDGETS if machine.engine else COMPOSE_BUDGETS)


def cores_used(plan: Budget) -> tuple[int, ...]:
    """Return the cores that a stack is pinned to; none where it is not pinned."""
    return tuple(sorted({*plan.replica_cores, *plan.service_cores, *plan.store_cores}))


def powers_of_two(most: int) -> tuple[int, ...]:
    """Return 1, 2, 4, … up to ``most``."""
    return tuple(2**power for power in range(most.bit_length()) if 2**power <= most)
