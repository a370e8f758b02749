"""The means of every replica, and who runs on which core. PURE.

A replica's budget is what makes four replicas four times the means of one, on a laptop as on a
server. The sum of the budgets stays at or under half of the cores that the replicas run on: beyond
that, replicas that share a core make one another's requests dearer (measured: 18 % more CPU per
request at four fifths of a core), and the loss would look like bad scaling.
"""

from __future__ import annotations

import math
from dataclasses import replace

from loadtests.model.errors import PlanError
from loadtests.model.machine import Machine
from loadtests.model.plan import Budget

SHARE_OF_CORES = 0.5
"""The part of the replicas' cores that their budgets may add up to (measured, see above)."""

STEP_CPUS = 0.05
"""Budgets are whole multiples of this; also the least one: at the kernel's period of 100 ms it is
5 ms, one slice of its bandwidth control, below which a quota is no longer handed out evenly."""

MOST_CPUS = 1.0
"""More than one core helps no single Python process."""

MOST_SHARED_CPUS = 0.1
"""Where several replicas take turns on a core: 10 ms of the kernel's period of 100 ms. A slice then
begins with cold caches beside no other replica as beside three. In longer ones a replica that is
alone gets warm, and has dearer requests beside others (measured: two replicas on one core take 3 to
8 % more CPU per request than one at 0.25 CPU each, 0 to 4 % at 0.1)."""

CORES_FOR_TWO_SERVICES = 4
"""From here on the generator and the proxy have a core each; below they share one."""

CORES_FOR_A_STORE_CORE = 8
"""For each so many cores the store has one of its own; on fewer it shares the proxy's."""

CORES_FOR_TWO_GENERATORS = 8
"""From here on the generator has two cores, with a process each: replicas on five cores and more
can ask for what one does not make."""

STORE_SHARED_CPUS = 0.5
"""The store's budget on a core that it shares: half, so that the proxy is not in want. For reads by
key it needs about an eighth of the CPU that the replicas do (measured on 2 cores: 0.05 CPU at
4 × 0.1), so it is not what fills."""


def most_replicas(machine: Machine, *, with_store: bool = False) -> int:
    """Give the greatest number of replicas that can each have a budget on this machine."""
    _, replica_cores = split_cores(machine, with_store=with_store)
    return int(SHARE_OF_CORES * len(replica_cores) / STEP_CPUS + 1e-9)


def split_cores(
    machine: Machine, *, with_store: bool = False
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Give the cores of generator and proxy, and those of the replicas.

    Between the two are the cores that a store has of its own, if there are any. On one core there
    is nothing to split: all share it, and the second tuple is empty.
    """
    services = 1
    services += machine.cores >= CORES_FOR_TWO_SERVICES
    services += machine.cores >= CORES_FOR_TWO_GENERATORS
    own = machine.cores // CORES_FOR_A_STORE_CORE if with_store else 0
    return machine.core_ids[:services], machine.core_ids[services + own :]


def generator_cores(machine: Machine) -> tuple[int, ...]:
    """Give the generator's cores: those of the services but for the proxy's, which is the last."""
    return service_parts(split_cores(machine)[0])[0]


def service_parts(cores: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Divide the services' cores into the generator's and the proxy's; a single one they share."""
    return (cores[:-1], cores[-1:]) if len(cores) > 1 else (cores, cores)


def fits(machine: Machine, replicas: int, *, with_store: bool = False) -> bool:
    """Tell whether ``replicas`` replicas can each have means of their own here."""
    _, replica_cores = split_cores(machine, with_store=with_store)
    if machine.can_budget:
        return replicas <= most_replicas(machine, with_store=with_store)
    return machine.can_pin and replicas <= len(replica_cores)


def budget(
    machine: Machine, replicas: int, *, waiting_only: bool, with_store: bool = False
) -> Budget:
    """Work out the means of each of ``replicas`` replicas on this machine, and of a store.

    ``waiting_only`` says that the requests hold a slot and hardly any CPU, so that replicas without
    a budget do not compete. Raises :class:`PlanError` where the machine is too small.
    """
    means = _replica_budget(machine, replicas, waiting_only=waiting_only, with_store=with_store)
    return _with_store(means, machine) if with_store else means


def _with_store(means: Budget, machine: Machine) -> Budget:
    """Add the means of the store.

    On a core of its own it may use all of it; where it shares the proxy's, half.
    """
    services, _ = split_cores(machine)
    own = machine.cores // CORES_FOR_A_STORE_CORE
    cores = machine.core_ids[len(services) : len(services) + own] or services[-1:]
    cpus = float(own) or STORE_SHARED_CPUS
    where = "of its own" if own else "that it shares with the proxy"
    return replace(
        means,
        store_cpus=cpus if machine.can_budget else None,
        store_cores=cores if machine.can_pin and means.service_cores else (),
        reason=f"{means.reason}; PostgreSQL has {cpus:g} CPU {where}"
        if machine.can_budget
        else means.reason,
    )


def _replica_budget(
    machine: Machine, replicas: int, *, waiting_only: bool, with_store: bool
) -> Budget:
    service_cores, replica_cores = split_cores(machine, with_store=with_store)
    if machine.can_budget and replica_cores and fits(machine, replicas, with_store=with_store):
        share = SHARE_OF_CORES * len(replica_cores) / replicas
        most = MOST_CPUS if replicas <= len(replica_cores) else MOST_SHARED_CPUS
        cpus = min(most, round(math.floor(share / STEP_CPUS + 1e-9) * STEP_CPUS, 2))
        return Budget(
            replica_cpus=cpus,
            replica_cores=replica_cores if machine.can_pin else (),
            service_cores=service_cores if machine.can_pin else (),
            reason=(
                f"{replicas} × {cpus:g} CPU is at most {SHARE_OF_CORES:.0%} of"
                f" {len(replica_cores)} core{'s' * (len(replica_cores) != 1)}"
            ),
        )
    if fits(machine, replicas, with_store=with_store):
        return Budget(
            replica_cpus=None,
            replica_cores=replica_cores,
            service_cores=service_cores,
            reason="no CPU budget can be set here; every replica has a core of its own",
        )
    if waiting_only and not (machine.can_budget and replica_cores):
        why = "no CPU budget can be set here" if replica_cores else "all share one core"
        return Budget(
            replica_cpus=None,
            replica_cores=replica_cores if machine.can_pin else (),
            service_cores=service_cores if machine.can_pin and replica_cores else (),
            reason=f"{why}; only requests that wait are measured",
        )
    raise PlanError(_refusal(machine, replicas, with_store=with_store))


def _refusal(machine: Machine, replicas: int, *, with_store: bool) -> str:
    _, replica_cores = split_cores(machine, with_store=with_store)
    what = f"{replicas} replicas cannot each have CPU of their own on {machine.cores} core(s)"
    if not replica_cores:
        return (
            f"{what}: generator, proxy and replicas would share one core. What fits: --workload io"
            " --workers gthread,sync (slots are what is full), or a machine with 2 cores."
        )
    if machine.can_budget:
        most = most_replicas(machine, with_store=with_store)
        counts = ",".join(str(count) for count in powers_of_two(most))
        return (
            f"{what}: budgets below {STEP_CPUS:g} CPU are not handed out evenly."
            f" What fits: --replicas {counts}."
        )
    most = len(replica_cores) if machine.can_pin else 0
    fitting = (
        f"--replicas {','.join(str(count) for count in powers_of_two(most))}, or "
        if most > 1
        else ""
    )
    return (
        f"{what}, because no CPU budget can be set here (no writable cgroup). What fits:"
        f" {fitting}--workload io --workers gthread,sync at any of the replica counts."
    )


def cores_used(means: Budget) -> tuple[int, ...]:
    """Give the cores that anything of a stack runs on; none where nothing is bound."""
    return tuple(sorted({*means.replica_cores, *means.service_cores, *means.store_cores}))


def powers_of_two(most: int) -> tuple[int, ...]:
    """Give 1, 2, 4, … up to ``most``."""
    return tuple(2**power for power in range(most.bit_length()) if 2**power <= most)
