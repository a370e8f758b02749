"""Finds the bottleneck of a cell: the resource that limits its throughput.

PURE. The utilisation of each monitored resource is its use as a share of its limit. The bottleneck
is the first saturated resource in ``PRECEDENCE``, or ``unexplained`` where none was saturated.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import fsum
from statistics import fmean

from loadtests.analysis.shared import connections, waiting
from loadtests.model.plan import Cell, Plan, WorkerModel
from loadtests.model.result import ResourceUse
from loadtests.model.tested.target import TargetKind
from loadtests.model.trial import Trial, Usage
from loadtests.model.vocabulary import Bottleneck, Role

FULL_CPU_RATIO = 0.9
"""Share of a CPU budget from which it counts as saturated. The kernel gives it out in periods of
100 ms and keeps what a period leaves over, so a busy replica does not reach 1."""

FULL_THROTTLED_RATIO = 0.8
"""Share of throttled CPU periods from which a budget counts as saturated: in the others, too, the
member may have used almost all of it."""

FULL_SLOTS_RATIO = 0.9
"""Share of busy worker slots from which they count as saturated. The service time is measured
without load, where it is a little shorter."""

FULL_CORE_RATIO = 0.85
"""Share of a core from which the proxy or the generator counts as saturated: with one core, about
five requests wait on average at 85 % (M/M/1: ρ²/(1 − ρ))."""

FULL_FOREIGN_RATIO = 0.05
"""Share of the cores that others may use before the host counts as saturated; as in the rule
``host_contention``."""

PRECEDENCE = (
    Bottleneck.REPLICA_CPU,
    Bottleneck.STORE,
    Bottleneck.CONNECTIONS,
    Bottleneck.FILE_LOCK,
    Bottleneck.WORKER_SLOTS,
    Bottleneck.PROXY,
    Bottleneck.GENERATOR,
    Bottleneck.HOST,
)
"""Which resource is named where several are saturated. Replicas come before what feeds them. A
saturated store keeps worker slots waiting, and so does a lock; they come before them. The host
comes last."""


def resources(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> tuple[ResourceUse, ...]:
    """Return the utilisation of every resource that the cell's trials measured, in precedence."""
    if not trials:
        return ()
    worker = next(model for model in plan.workers if model.name == cell.worker)
    measured = (
        _replica_cpu(plan, trials, worker),
        _store(trials),
        waiting.store_locks(trials),
        connections.use(trials, cell.replicas, connections.of(trials)),
        waiting.file_lock(trials),
        _worker_slots(trials, worker, cell),
        _proxy(trials),
        _generator(trials),
        _shared_cores(plan, trials),
        _host(trials),
    )
    return tuple(use for use in measured if use is not None)


def judge(uses: Sequence[ResourceUse]) -> tuple[Bottleneck, str]:
    """Return the bottleneck and one sentence with its figures."""
    saturated = [use for use in uses if use.full]
    if saturated:
        first = min(saturated, key=lambda use: PRECEDENCE.index(use.kind))
        return first.kind, _sentence(first.detail)
    if not uses:
        return Bottleneck.UNEXPLAINED, "No trial of this cell was finished."
    details = "; ".join(use.detail for use in uses)
    return Bottleneck.UNEXPLAINED, _sentence(f"no monitored resource was saturated: {details}")


def replica_cpu_is_full(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> bool:
    """Return whether a cell's replicas used up their CPU; ``trials`` may have those of others."""
    own = [trial for trial in trials if trial.spec.cell == cell]
    return judge(resources(plan, cell, own))[0] is Bottleneck.REPLICA_CPU


def _sentence(clause: str) -> str:
    return f"{clause[0].upper()}{clause[1:]}."


@dataclass(frozen=True, kw_only=True)
class _Cpu:
    """The CPU of one member over all trials, against its limit."""

    member: str
    used_cpus: float
    limit_cpus: float
    throttled_ratio: float | None

    @property
    def used_ratio(self) -> float:
        return self.used_cpus / self.limit_cpus

    @property
    def full(self) -> bool:
        return (
            self.used_ratio >= FULL_CPU_RATIO or (self.throttled_ratio or 0) >= FULL_THROTTLED_RATIO
        )

    @property
    def in_words(self) -> str:
        throttled = _throttled_in_words(self.throttled_ratio)
        return f"used {self.used_cpus:.3f} of its {self.limit_cpus:.3g} CPU{throttled}"


def _throttled_in_words(ratio: float | None) -> str:
    return f", throttled in {ratio:.0%} of CPU periods" if ratio else ""


def is_full(usage: Usage) -> bool:
    """Return whether a member used up its budget in one window; False without a budget."""
    return usage.budget_cpus is not None and usage.span_s > 0 and _cpu([usage], 1).full


def _cpus(trials: Iterable[Trial], role: Role, *, cores_unbudgeted: int | None = 1) -> list[_Cpu]:
    """Return the CPU of every member of a role, in the order of their names.

    Without a budget, the limit of a member is ``cores_unbudgeted``; with None it is left out.
    """
    usages: dict[str, list[Usage]] = {}
    for trial in trials:
        for usage in trial.usages:
            if usage.role is role and (usage.budget_cpus or cores_unbudgeted):
                usages.setdefault(usage.member, []).append(usage)
    return [_cpu(usages[member], cores_unbudgeted or 1) for member in sorted(usages)]


def _cpu(usages: Sequence[Usage], cores_unbudgeted: int) -> _Cpu:
    ratios = [usage.throttled_ratio for usage in usages if usage.throttled_ratio is not None]
    return _Cpu(
        member=usages[0].member,
        used_cpus=fmean(usage.cpu_s / usage.span_s for usage in usages),
        limit_cpus=usages[0].budget_cpus or cores_unbudgeted,
        throttled_ratio=fmean(ratios) if ratios else None,
    )


def _replica_cpu(plan: Plan, trials: Sequence[Trial], worker: WorkerModel) -> ResourceUse | None:
    """Return the busiest replica: with requests distributed evenly, all wait for the slowest.

    How many processes a deployment at a URL has is not known, so neither is what it can use.
    """
    processes = None if plan.tested.kind is TargetKind.URL else worker.processes
    replicas = _cpus(trials, Role.REPLICA, cores_unbudgeted=processes)
    if not replicas:
        return None
    busiest = max(replicas, key=lambda replica: (replica.full, replica.used_ratio))
    alone = busiest.full and sum(replica.full for replica in replicas) == 1 < len(replicas)
    who = f"replica {busiest.member} alone" if alone else "the busiest replica"
    return ResourceUse(
        kind=Bottleneck.REPLICA_CPU,
        name="replica CPU",
        used_ratio=busiest.used_ratio,
        full_ratio=FULL_CPU_RATIO,
        full=busiest.full,
        detail=f"{who} {busiest.in_words}",
    )


def _store(trials: Sequence[Trial]) -> ResourceUse | None:
    stores = _cpus(trials, Role.STORE)
    if not stores:
        return None
    store = max(stores, key=lambda member: (member.full, member.used_ratio))
    name = "PostgreSQL" if store.member == Role.STORE else store.member
    subject = name if store.member == Role.STORE else f"the service {name}"
    advice = ", and more servers will not change that" if store.full else ""
    return ResourceUse(
        kind=Bottleneck.STORE,
        name=name,
        used_ratio=store.used_ratio,
        full_ratio=FULL_CPU_RATIO,
        full=store.full,
        detail=f"{subject} {store.in_words}{advice}",
    )


def _worker_slots(trials: Sequence[Trial], worker: WorkerModel, cell: Cell) -> ResourceUse | None:
    """Return the busy slots by Little's law (Little 1961): throughput × service time.

    A request in a slot is in flight, so no more slots were busy. The time of one user alone is
    longer than later ones where that user came first, to code and caches that were cold.
    """
    measured = [trial for trial in trials if trial.service_ms is not None]
    if not measured or not worker.slots:
        return None
    slots = worker.slots * cell.replicas
    busy = fmean(_busy_slots(trial) for trial in measured)
    return ResourceUse(
        kind=Bottleneck.WORKER_SLOTS,
        name="worker slots",
        used_ratio=busy / slots,
        full_ratio=FULL_SLOTS_RATIO,
        full=busy / slots >= FULL_SLOTS_RATIO,
        detail=f"{busy:.1f} of {slots} worker slots were busy",
    )


def _busy_slots(trial: Trial) -> float:
    """Return how many slots were busy; without the requests in flight, of older journals."""
    by_service = trial.throughput_rps * (trial.service_ms or 0) / 1000
    return by_service if trial.in_flight is None else min(by_service, trial.in_flight)


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
        detail=f"the proxy {proxy.in_words}",
    )


def _generator(trials: Sequence[Trial]) -> ResourceUse:
    """Return its busiest process: several processes may use more than one core together."""
    core = fmean(trial.generator.cpu_ratio for trial in trials)
    members = _cpus(trials, Role.GENERATOR)
    throttled = max((member.throttled_ratio or 0 for member in members), default=0.0)
    return ResourceUse(
        kind=Bottleneck.GENERATOR,
        name="generator",
        used_ratio=core,
        full_ratio=FULL_CORE_RATIO,
        full=core >= FULL_CORE_RATIO or throttled >= FULL_THROTTLED_RATIO,
        detail=f"the load generator used {core:.0%} of one core{_throttled_in_words(throttled)}",
    )


def _shared_cores(plan: Plan, trials: Sequence[Trial]) -> ResourceUse | None:
    """Return the cores that proxy, generator and store share: together they can saturate them."""
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
        detail=f"other programs and the host used {foreign:.1%} of the cores",
    )
