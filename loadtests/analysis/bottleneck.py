"""What was full while a cell was loaded: the name of what holds its throughput.

PURE. Each means that was measured becomes a share of all there was of it; the first one in
``PRECEDENCE`` that was full is the bottleneck. Nothing full is said to be ``unexplained``.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from statistics import fmean

from loadtests.model.plan import Cell, Plan, WorkerModel
from loadtests.model.result import ResourceUse
from loadtests.model.trial import Trial, Usage
from loadtests.model.vocabulary import Bottleneck, Role

FULL_CPU_RATIO = 0.9
"""Share of a CPU budget from which it counts as full: the kernel hands it out in periods of 100 ms
and takes back what a period leaves over, so a busy replica does not reach 1."""

FULL_THROTTLED_RATIO = 0.8
"""Share of CPU periods in which a member was held, from which its budget counts as full (design,
section 5, rule ``not_saturated``)."""

FULL_SLOTS_RATIO = 0.9
"""Share of the worker slots in service from which they count as full: the time in service is
measured without load, where it is a little shorter."""

FULL_CORE_RATIO = 0.85
"""Share of a core from which the proxy or the generator counts as full (design, section 5)."""

FULL_FOREIGN_RATIO = 0.05
"""Share of the cores that others may use before the host holds the cell back (design, section 5,
rule ``host_contention``)."""

PRECEDENCE = (
    Bottleneck.REPLICA_CPU,
    Bottleneck.STORE,
    Bottleneck.WORKER_SLOTS,
    Bottleneck.PROXY,
    Bottleneck.GENERATOR,
    Bottleneck.HOST,
)
"""Who is named first when several are full. Replicas come before what feeds them; a full store
keeps slots waiting, so it comes before them; the host only explains what nothing else does."""


def resources(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> tuple[ResourceUse, ...]:
    """Return the use of every means that the cell's trials measured, in order of precedence."""
    if not trials:
        return ()
    worker = next(model for model in plan.workers if model.name == cell.worker)
    measured = (
        _replica_cpu(trials, worker),
        _store(trials),
        _worker_slots(trials, worker, cell),
        _proxy(trials),
        _generator(trials),
        _shared_cores(plan, trials),
        _host(trials),
    )
    return tuple(use for use in measured if use is not None)


def judge(uses: Sequence[ResourceUse]) -> tuple[Bottleneck, str]:
    """Return the bottleneck and one sentence with its figures."""
    full = [use for use in uses if use.full]
    if full:
        first = min(full, key=lambda use: PRECEDENCE.index(use.kind))
        return first.kind, _sentence(first.detail)
    if not uses:
        return Bottleneck.UNEXPLAINED, "No trial of this cell was finished."
    told = "; ".join(use.detail for use in uses)
    return Bottleneck.UNEXPLAINED, _sentence(f"nothing that was measured was full: {told}")


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


@dataclass(frozen=True, kw_only=True)
class _Cpu:
    """The CPU of one member over all trials, against what it could have."""

    member: str
    used_cpus: float
    had_cpus: float
    held_ratio: float | None

    @property
    def used_ratio(self) -> float:
        return self.used_cpus / self.had_cpus

    @property
    def full(self) -> bool:
        return self.used_ratio >= FULL_CPU_RATIO or (self.held_ratio or 0) >= FULL_THROTTLED_RATIO

    @property
    def told(self) -> str:
        held = f", held in {self.held_ratio:.0%} of CPU periods" if self.held_ratio else ""
        return f"used {self.used_cpus:.3f} of its {self.had_cpus:.3g} CPU{held}"


def is_full(usage: Usage) -> bool:
    """Tell whether a member used all CPU that it may have in one window; False without a budget."""
    return usage.budget_cpus is not None and usage.span_s > 0 and _cpu([usage], 1).full


def _cpus(trials: Iterable[Trial], role: Role, *, cores_unbudgeted: int = 1) -> list[_Cpu]:
    """Return the CPU of every member of a role, in the order of their names.

    Without a budget a member has as many cores as it can run processes at once.
    """
    found: dict[str, list[Usage]] = {}
    for trial in trials:
        for usage in trial.usages:
            if usage.role is role:
                found.setdefault(usage.member, []).append(usage)
    return [_cpu(found[member], cores_unbudgeted) for member in sorted(found)]


def _cpu(usages: Sequence[Usage], cores_unbudgeted: int) -> _Cpu:
    held = [usage.throttled_ratio for usage in usages if usage.throttled_ratio is not None]
    return _Cpu(
        member=usages[0].member,
        used_cpus=fmean(usage.cpu_s / usage.span_s for usage in usages),
        had_cpus=usages[0].budget_cpus or cores_unbudgeted,
        held_ratio=fmean(held) if held else None,
    )


def _replica_cpu(trials: Sequence[Trial], worker: WorkerModel) -> ResourceUse | None:
    """Judge the fullest replica: where requests are dealt out evenly, all wait for the slowest."""
    replicas = _cpus(trials, Role.REPLICA, cores_unbudgeted=worker.processes)
    if not replicas:
        return None
    fullest = max(replicas, key=lambda replica: (replica.full, replica.used_ratio))
    alone = fullest.full and sum(replica.full for replica in replicas) == 1 < len(replicas)
    who = f"replica {fullest.member} alone" if alone else "the busiest replica"
    return ResourceUse(
        kind=Bottleneck.REPLICA_CPU,
        name="replica CPU",
        used_ratio=fullest.used_ratio,
        full_ratio=FULL_CPU_RATIO,
        full=fullest.full,
        detail=f"{who} {fullest.told}",
    )


def _store(trials: Sequence[Trial]) -> ResourceUse | None:
    stores = _cpus(trials, Role.STORE)
    if not stores:
        return None
    store = max(stores, key=lambda member: member.used_ratio)
    advice = ", and more servers will not change that" if store.full else ""
    return ResourceUse(
        kind=Bottleneck.STORE,
        name="PostgreSQL",
        used_ratio=store.used_ratio,
        full_ratio=FULL_CPU_RATIO,
        full=store.full,
        detail=f"PostgreSQL {store.told}{advice}",
    )


def _worker_slots(trials: Sequence[Trial], worker: WorkerModel, cell: Cell) -> ResourceUse | None:
    """Apply Little's law (Little 1961): in service = throughput × time in service."""
    measured = [trial for trial in trials if trial.service_ms is not None]
    if not measured or not worker.slots:
        return None
    slots = worker.slots * cell.replicas
    busy = fmean(trial.throughput_rps * (trial.service_ms or 0) / 1000 for trial in measured)
    return ResourceUse(
        kind=Bottleneck.WORKER_SLOTS,
        name="worker slots",
        used_ratio=busy / slots,
        full_ratio=FULL_SLOTS_RATIO,
        full=busy / slots >= FULL_SLOTS_RATIO,
        detail=f"{busy:.1f} of {slots} worker slots were in service",
    )


def _proxy(trials: Sequence[Trial]) -> ResourceUse | None:
    proxies = _cpus(trials, Role.PROXY)
    if not proxies:
        return None
    proxy = max(proxies, key=lambda member: member.used_ratio)
    return ResourceUse(
        kind=Bottleneck.PROXY,
        name="proxy",
        used_ratio=proxy.used_ratio,
        full_ratio=FULL_CORE_RATIO,
        full=proxy.full or proxy.used_ratio >= FULL_CORE_RATIO,
        detail=f"the proxy {proxy.told}",
    )


def _generator(trials: Sequence[Trial]) -> ResourceUse:
    """Judge its busiest process; several together may use more than a core and be well."""
    core = fmean(trial.generator.cpu_ratio for trial in trials)
    members = _cpus(trials, Role.GENERATOR)
    held = max((member.held_ratio or 0 for member in members), default=0.0)
    told = f", held in {held:.0%} of CPU periods" if held else ""
    return ResourceUse(
        kind=Bottleneck.GENERATOR,
        name="generator",
        used_ratio=core,
        full_ratio=FULL_CORE_RATIO,
        full=core >= FULL_CORE_RATIO or held >= FULL_THROTTLED_RATIO,
        detail=f"the load generator used {core:.0%} of one core{told}",
    )


def _shared_cores(plan: Plan, trials: Sequence[Trial]) -> ResourceUse | None:
    """Judge the cores that proxy, generator and store share: together they can fill them."""
    cores = len(plan.budget.service_cores)
    if not cores:
        return None
    # A store on cores of its own has no part in these.
    shared = not plan.budget.store_cores or plan.budget.store_cores[0] in plan.budget.service_cores
    roles = (Role.PROXY, Role.GENERATOR, *((Role.STORE,) if shared else ()))
    used = fsum(member.used_cpus for role in roles for member in _cpus(trials, role))
    return ResourceUse(
        kind=Bottleneck.HOST,
        name="shared cores",
        used_ratio=used / cores,
        full_ratio=FULL_CPU_RATIO,
        full=used / cores >= FULL_CPU_RATIO,
        detail=f"proxy, generator and store used {used:.2f} of the {cores} core(s) they share",
    )


def _host(trials: Sequence[Trial]) -> ResourceUse | None:
    hosts = [trial.host for trial in trials if trial.host is not None]
    if not hosts:
        return None
    foreign = fmean(host.foreign_ratio + host.steal_ratio for host in hosts)
    return ResourceUse(
        kind=Bottleneck.HOST,
        name="other programs",
        used_ratio=foreign,
        full_ratio=FULL_FOREIGN_RATIO,
        full=foreign >= FULL_FOREIGN_RATIO,
        detail=f"others used {foreign:.1%} of the cores",
    )
