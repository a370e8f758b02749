"""What this machine can test, and one way out of each thing that it lacks. PURE.

The facts come from ``environments``: what every run needs from ``machine_survey``, what a backend
needs from its own entry in the registry.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.config.options import Options
from loadtests.model.errors import PlanError
from loadtests.model.machine_facts import MachineFacts
from loadtests.model.plan import Plan
from loadtests.planning.checks import BackendChecks, Check, State, lack, ok, warn
from loadtests.planning.run_plan import make_plan
from loadtests.servers import registry
from loadtests.targets.workloads import WORKLOADS

LEAST_FREE_BYTES = 500 * 10**6
"""A long run's samples and logs, twice over; images need more where they are not built yet."""

LEAST_CORES = 2
"""One for the generator and the proxy, one for the replicas."""


@dataclass(frozen=True, kw_only=True)
class BackendView:
    """What a backend could test here; ``usable`` says whether it could start at all."""

    name: str
    usable: bool
    can_test: str


@dataclass(frozen=True, kw_only=True)
class ServerView:
    """A server that replicas can run, and its worker models."""

    name: str
    about: str
    workers: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class WorkloadView:
    """A workload that can be measured."""

    name: str
    about: str


@dataclass(frozen=True, kw_only=True)
class DoctorReport:
    """All checks, what each backend could test, and which servers and workloads there are."""

    checks: tuple[Check, ...]
    backends: tuple[BackendView, ...]
    servers: tuple[ServerView, ...] = ()
    workloads: tuple[WorkloadView, ...] = ()

    @property
    def ready(self) -> bool:
        """Whether a run could start, with one backend at least, and its results be kept."""
        kept = all(
            check.state is not State.LACK
            for check in self.checks
            if check.name in {"results", "disk"}
        )
        return kept and any(backend.usable for backend in self.backends)


def examine(facts: MachineFacts, backends: Sequence[BackendChecks]) -> DoctorReport:
    """Judge what is here, for every backend and for each of them."""
    leftovers = [name for backend in backends for name in backend.leftovers]
    return DoctorReport(
        checks=(
            *(check for backend in backends for check in backend.checks),
            _cores(facts),
            _results(facts),
            _disk(facts),
            _leftovers(leftovers),
        ),
        backends=tuple(map(_view, backends)),
        servers=tuple(
            ServerView(
                name=server.name,
                about=server.about,
                workers=tuple(worker.name for worker in server.worker_models),
            )
            for server in registry.SERVERS.values()
        ),
        workloads=tuple(
            WorkloadView(name=workload.name, about=workload.about)
            for workload in WORKLOADS.values()
        ),
    )


def _cores(facts: MachineFacts) -> Check:
    machine = facts.machine
    count = machine.cores_in_words if machine.hardware_threads else str(machine.cores)
    cores = f"{count} of {machine.cpu_model}"
    if machine.cores >= LEAST_CORES:
        return ok("cores", cores)
    return warn(
        "cores",
        f"{cores}: generator, proxy and replicas share one core",
        "Measure --workload io, or use a machine (or a CPU limit) with 2 cores or more.",
    )


def _results(facts: MachineFacts) -> Check:
    if facts.results_error is not None:
        return lack(
            "results",
            f"{facts.results} cannot be written: {facts.results_error}",
            "Give another folder with --out, or make this one writable.",
        )
    return ok("results", f"{facts.results} can be written")


def _disk(facts: MachineFacts) -> Check:
    space = f"{facts.free_bytes / 1e9:.1f} GB free in {facts.free_where}"
    if facts.free_bytes < LEAST_FREE_BYTES:
        return lack(
            "disk",
            f"{space}; a run needs up to {LEAST_FREE_BYTES / 1e9:.1f} GB",
            "Make room there (old runs are in results/), or give another folder with --out.",
        )
    return ok("disk", space)


def _leftovers(names: Sequence[str]) -> Check:
    if names:
        return warn(
            "leftovers",
            f"a run that died has left {', '.join(names)}",
            "`twofold down` removes it; so does the next run.",
        )
    return ok("leftovers", "nothing is left of earlier runs")


def _view(backend: BackendChecks) -> BackendView:
    name = backend.name
    lacking = sorted(check.name for check in backend.checks if check.state is State.LACK)
    if lacking or backend.machine is None:
        lacks = " and ".join(lacking) or "engine"
        return BackendView(name=name, usable=False, can_test=f"nothing: {lacks} (see above)")
    try:
        plan = make_plan(Options(), backend.machine, backend=name, seed=0)
    except PlanError as refusal:
        return BackendView(name=name, usable=False, can_test=f"nothing by default: {refusal}")
    return BackendView(name=name, usable=True, can_test=_describe(plan))


def _describe(plan: Plan) -> str:
    workers = ", ".join(worker.name for worker in plan.workers)
    workloads = ", ".join(workload.name for workload in plan.workloads)
    counts = ", ".join(str(count) for count in plan.replica_counts)
    minutes = plan.expected_s / 60
    return (
        f"{workloads} with {workers} at {counts} replicas, from {minutes:.0f} min on"
        f" ({plan.budget.reason})"
    )
