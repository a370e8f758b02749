"""The means of every replica, and who runs on which core. PURE.

A replica's budget is what makes four replicas four times the means of one, on a laptop as on a
server. The sum of the budgets stays at or under half of the cores that the replicas run on: beyond
that, replicas that share a core make one another's requests dearer (measured: 18 % more CPU per
request at four fifths of a core), and the loss would look like bad scaling.
"""

from __future__ import annotations

import math

from loadtests.errors import PlanError
from loadtests.model import Budget, Machine

SHARE_OF_CORES = 0.5
"""The part of the replicas' cores that their budgets may add up to (measured, see above)."""

STEP_CPUS = 0.05
"""Budgets are whole multiples of this; also the least one: at the kernel's period of 100 ms it is
5 ms, one slice of its bandwidth control, below which a quota is no longer handed out evenly."""

MOST_CPUS = 1.0
"""More than one core helps no single Python process."""

CORES_FOR_TWO_SERVICES = 4
"""From here on the generator and the proxy have a core each; below they share one."""


def most_replicas(machine: Machine) -> int:
    """Give the greatest number of replicas that can each have a budget on this machine."""
    _, replica_cores = split_cores(machine)
    return int(SHARE_OF_CORES * len(replica_cores) / STEP_CPUS + 1e-9)


def split_cores(machine: Machine) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Give the cores of generator and proxy, and those of the replicas.

    On one core there is nothing to split: all share it, and the second tuple is empty.
    """
    services = 2 if machine.cores >= CORES_FOR_TWO_SERVICES else 1
    return machine.core_ids[:services], machine.core_ids[services:]


def fits(machine: Machine, replicas: int) -> bool:
    """Tell whether ``replicas`` replicas can each have means of their own here."""
    _, replica_cores = split_cores(machine)
    if machine.can_budget:
        return replicas <= most_replicas(machine)
    return machine.can_pin and replicas <= len(replica_cores)


def budget(machine: Machine, replicas: int, *, waiting_only: bool) -> Budget:
    """Work out the means of each of ``replicas`` replicas on this machine.

    ``waiting_only`` says that the requests hold a slot and hardly any CPU, so that replicas without
    a budget do not compete. Raises :class:`PlanError` where the machine is too small.
    """
    service_cores, replica_cores = split_cores(machine)
    if machine.can_budget and replica_cores and fits(machine, replicas):
        share = SHARE_OF_CORES * len(replica_cores) / replicas
        cpus = min(MOST_CPUS, round(math.floor(share / STEP_CPUS + 1e-9) * STEP_CPUS, 2))
        return Budget(
            replica_cpus=cpus,
            replica_cores=replica_cores if machine.can_pin else (),
            service_cores=service_cores if machine.can_pin else (),
            reason=(
                f"{replicas} × {cpus:g} CPU is at most {SHARE_OF_CORES:.0%} of"
                f" {len(replica_cores)} core{'s' * (len(replica_cores) != 1)}"
            ),
        )
    if fits(machine, replicas):
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
    raise PlanError(_refusal(machine, replicas))


def _refusal(machine: Machine, replicas: int) -> str:
    _, replica_cores = split_cores(machine)
    what = f"{replicas} replicas cannot each have CPU of their own on {machine.cores} core(s)"
    if not replica_cores:
        return (
            f"{what}: generator, proxy and replicas would share one core. What fits: --workload io"
            " --workers gthread,sync (slots are what is full), or a machine with 2 cores."
        )
    if machine.can_budget:
        most = most_replicas(machine)
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


def powers_of_two(most: int) -> tuple[int, ...]:
    """Give 1, 2, 4, … up to ``most``."""
    return tuple(2**power for power in range(most.bit_length()) if 2**power <= most)
