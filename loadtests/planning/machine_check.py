"""What this machine can test, and one way out of each thing that it lacks. PURE.

The facts come from ``environment.survey``; each check here looks at them and says what it found.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from loadtests.config.options import Options
from loadtests.model.errors import PlanError
from loadtests.model.machine import Machine
from loadtests.model.machine_facts import EngineState, Facts
from loadtests.model.plan import Plan
from loadtests.planning.run_plan import make_plan

LEAST_ENGINE = (20, 10)
LEAST_COMPOSE = (1, 29)
"""The oldest versions that the project was tried with."""

LEAST_FREE_BYTES = 500 * 10**6
"""A long run's samples and logs, twice over; images need more where they are not built yet."""

LEAST_CORES = 2
"""One for the generator and the proxy, one for the replicas."""


class State(StrEnum):
    """Whether a thing is there. ``warn``: a run is possible, but not every one."""

    OK = "ok"
    WARN = "warn"
    LACK = "lack"


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked at: what was found, and the way out where it is not right."""

    name: str
    state: State
    found: str
    way_out: str | None = None


@dataclass(frozen=True, kw_only=True)
class BackendView:
    """What a backend could test here; ``usable`` says whether it could start at all."""

    name: str
    usable: bool
    can_test: str


@dataclass(frozen=True, kw_only=True)
class DoctorReport:
    """All checks, and what each backend could test."""

    checks: tuple[Check, ...]
    backends: tuple[BackendView, ...]

    @property
    def ready(self) -> bool:
        """Whether a run could start, with one backend at least, and its results be kept."""
        kept = all(
            check.state is not State.LACK
            for check in self.checks
            if check.name in {"results", "disk"}
        )
        return kept and any(backend.usable for backend in self.backends)


def examine(facts: Facts) -> DoctorReport:
    """Judge what was found."""
    checks = (
        _engine(facts),
        _compose(facts),
        _nginx(facts),
        _postgres(facts),
        _modules(facts),
        _cores(facts),
        _budgets(facts),
        _ports(facts),
        _results(facts),
        _disk(facts),
        _leftovers(facts),
    )
    lacking = {check.name for check in checks if check.state is State.LACK}
    return DoctorReport(
        checks=checks,
        backends=(
            _view("compose", facts.engine.machine, lacking & {"engine", "compose"}),
            _view("processes", facts.machine, lacking & {"nginx", "modules", "ports"}),
        ),
    )


def _engine(facts: Facts) -> Check:
    engine = facts.engine
    if engine.state is EngineState.ANSWERS:
        if _version(engine.detail) >= LEAST_ENGINE:
            return _ok("engine", f"Docker {engine.detail} answers")
        return _lack(
            "engine",
            f"Docker {engine.detail} answers; the project needs 20.10",
            "Upgrade Docker, or use --backend processes.",
        )
    words = {
        EngineState.ABSENT: (
            f"no Docker here ({engine.detail})",
            "Install Docker Engine, or use --backend processes, which needs none.",
        ),
        EngineState.DOWN: (
            f"Docker is installed, but its engine does not answer ({engine.detail})",
            "Start it (`sudo systemctl start docker`, or Docker Desktop), or look whether"
            " DOCKER_HOST names the right one.",
        ),
        EngineState.DENIED: (
            f"this user may not use Docker's socket ({engine.detail})",
            "Add the user to its group (`sudo usermod -aG docker $USER`, then log in again).",
        ),
    }
    return _lack("engine", *words[engine.state])


def _compose(facts: Facts) -> Check:
    version = facts.engine.compose_version
    if version is None:
        return _lack(
            "compose",
            "neither `docker compose` nor `docker-compose` answers",
            "Install Compose (Debian: docker-compose; Docker's packages: docker-compose-plugin).",
        )
    if _version(version) < LEAST_COMPOSE:
        return _lack(
            "compose",
            f"Compose {version}; the project's file needs 1.29",
            "Install the Compose v2 plugin (docker-compose-plugin), or use --backend processes.",
        )
    return _ok("compose", f"Compose {version}")


def _nginx(facts: Facts) -> Check:
    nginx = facts.nginx
    if nginx is None:
        return _lack(
            "nginx",
            "no nginx on this machine, nor in this Python environment",
            "`apt install nginx-light`, `brew install nginx`, or `pip install 'twofold[nginx]'`."
            " Compose needs none: its image has one.",
        )
    if not nginx.counts:
        return Check(
            name="nginx",
            state=State.WARN,
            found=f"nginx {nginx.version} at {nginx.path}, built without stub_status: its own count"
            " of requests cannot be checked",
            way_out="Install the system's nginx (`apt install nginx-light`, `brew install nginx`).",
        )
    return _ok("nginx", f"nginx {nginx.version} at {nginx.path}")


def _postgres(facts: Facts) -> Check:
    """It is only a warning: most workloads need none, and Compose brings its own."""
    found = facts.postgres
    if found is None:
        return Check(
            name="postgresql",
            state=State.WARN,
            found="no PostgreSQL on this machine: no --workload db or mixed, nor --probe, with the"
            " processes backend",
            way_out="`apt install postgresql`, `brew install postgresql`. Compose needs none.",
        )
    if found.trouble is not None:
        return Check(
            name="postgresql",
            state=State.WARN,
            found=f"PostgreSQL {found.version} at {found.path} cannot be used",
            way_out=found.trouble,
        )
    return _ok("postgresql", f"PostgreSQL {found.version} at {found.path}")


def _modules(facts: Facts) -> Check:
    if facts.missing_modules:
        return _lack(
            "modules",
            f"this Python has no {', '.join(facts.missing_modules)}",
            "Run `make set-up`; the replicas of the processes backend run in this environment.",
        )
    return _ok("modules", f"gunicorn, Flask and gevent for Python {facts.machine.python}")


def _cores(facts: Facts) -> Check:
    machine = facts.machine
    found = f"{machine.cores} of {machine.cpu_model}"
    if machine.cores >= LEAST_CORES:
        return _ok("cores", found)
    return Check(
        name="cores",
        state=State.WARN,
        found=f"{found}: generator, proxy and replicas share one core",
        way_out="Measure --workload io, or use a machine (or a CPU limit) with 2 cores or more.",
    )


def _budgets(facts: Facts) -> Check:
    if facts.machine.can_budget:
        return _ok("budgets", facts.budgets)
    return Check(
        name="budgets",
        state=State.WARN,
        found=f"processes cannot be held to a CPU budget: {facts.budgets}",
        way_out="Use Compose; or run as root, or in a systemd user session with cgroup v2;"
        " or measure --workload io.",
    )


def _ports(facts: Facts) -> Check:
    if facts.taken_ports:
        ports = ", ".join(str(port) for port in facts.taken_ports)
        return _lack(
            "ports",
            f"taken, on all addresses: {ports}",
            f"Find who listens with `ss -ltnp 'sport = :{facts.taken_ports[0]}'` and end it."
            " Compose needs no port of this machine.",
        )
    return _ok("ports", "those that the proxy needs are free")


def _results(facts: Facts) -> Check:
    if facts.results_error is not None:
        return _lack(
            "results",
            f"{facts.results} cannot be written: {facts.results_error}",
            "Give another folder with --out, or make this one writable.",
        )
    return _ok("results", f"{facts.results} can be written")


def _disk(facts: Facts) -> Check:
    found = f"{facts.free_bytes / 1e9:.1f} GB free in {facts.free_where}"
    if facts.free_bytes < LEAST_FREE_BYTES:
        return _lack(
            "disk",
            f"{found}; a run needs up to {LEAST_FREE_BYTES / 1e9:.1f} GB",
            "Make room there (old runs are in results/), or give another folder with --out.",
        )
    return _ok("disk", found)


def _leftovers(facts: Facts) -> Check:
    if facts.leftovers:
        return Check(
            name="leftovers",
            state=State.WARN,
            found=f"a run that died has left {', '.join(facts.leftovers)}",
            way_out="`twofold down` removes it; so does the next run.",
        )
    return _ok("leftovers", "nothing is left of earlier runs")


def _view(name: str, machine: Machine | None, lacking: set[str]) -> BackendView:
    if lacking or machine is None:
        lacks = " and ".join(sorted(lacking)) or "engine"
        return BackendView(name=name, usable=False, can_test=f"nothing: {lacks} (see above)")
    try:
        plan = make_plan(Options(), machine, backend=name, seed=0)
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


def _version(text: str) -> tuple[int, ...]:
    """Give a version's first two numbers."""
    return tuple(int(part) for part in re.findall(r"\d+", text)[:2])


def _ok(name: str, found: str) -> Check:
    return Check(name=name, state=State.OK, found=found)


def _lack(name: str, found: str, way_out: str) -> Check:
    return Check(name=name, state=State.LACK, found=found, way_out=way_out)
