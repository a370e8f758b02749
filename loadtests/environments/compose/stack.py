"""The running stack of a run: its replicas, its proxy and its CPU budgets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path

from loadtests.environments import idle_control
from loadtests.environments.compose.containers import ContainerStack, ask_implementation
from loadtests.environments.compose.projects import Project
from loadtests.environments.compose.store_shells import StoreShells
from loadtests.environments.compose.tested import forcing
from loadtests.environments.compose.tested.start import stopping
from loadtests.environments.compose.tested.start.endings import MEMORY_REMEDY
from loadtests.environments.shared import cpu_periods
from loadtests.environments.shared.looks import SharedLooks
from loadtests.environments.wait_idle import busy_after, wait_until_quiet
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.model.plan import Plan, Upstream, WorkerModel
from loadtests.model.stack import Replica
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.tested.shared import SharedUse
from loadtests.model.tested.target import TargetKind
from loadtests.model.vocabulary import Role
from loadtests.planning.budget import cores_used
from loadtests.tools import cgroup, docker, files, host, postgres, proc, procfs
from loadtests.tools.stores import mysql

APP_PORT = 8000

ASK_LIMIT_S = 5.0
"""Seconds that a store may take to say what its sessions wait for."""

QUIET_LIMIT_S = 20.0
"""Seconds in which a user's replicas have to become idle; the rule ``idle_cost`` judges others."""


class ComposeStack(ContainerStack):
    """The running containers of a run; see ``environments.protocol.Stack``.

    ``ports`` are those of the replicas by worker model, where they are the user's own. Then the
    services that they need are members too, and ``notes`` grow.
    """

    periods_spread: bool | None = None
    _quota_period_us: int | None = None
    """The period of the replicas' quotas, where only the engine can set it; see ``cpu_periods``."""

    def __init__(
        self,
        project: Project,
        plan: Plan,
        folder: Path,
        root: Path,
        *,
        ports: Mapping[str, int] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
        machine_cores = tuple(range(int(project.engine.facts()["NCPU"])))
        super().__init__(
            project,
            root,
            folder,
            cores=cores_used(plan.budget) or host.usable_cores(),
            metronome_cores=plan.budget.replica_cores or machine_cores,
            generator_processes=plan.generator_processes,
        )
        self._plan = plan
        self._is_users = ports is not None
        self._notes = list(notes)
        self._read_containers()
        self.replicas = replicas_of(self._containers, plan, ports or {})
        self._shells = StoreShells(self.container, folder / "logs")
        self._looks = SharedLooks(self._ask_store, self._shells)
        # Of their own: profile trials ask from another thread.
        self._profile_shells = StoreShells(self.container, folder / "logs/profiles")
        self._controls = idle_control.Watched(
            idle_control.workers_of(plan.workers, plan.tested), self._runs
        )

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found, changed or added since the start."""
        return (*self._notes, *self._controls.notes, *self._looks.notes())

    @cached_property
    def _samples_implementation(self) -> str | None:
        """What the Python of the sample's image calls itself."""
        return ask_implementation(self.replicas[0].identity)

    def _implementation_of(self, member: str, rows: Sequence[Sequence[str]]) -> str | None:
        """Return what a member's Python calls itself: the sample's is asked, others are seen."""
        if self._is_users:
            return super()._implementation_of(member, rows)
        return self._samples_implementation

    @contextmanager
    def asking_stores(self) -> Iterator[None]:
        """Ask the stores in this block what their sessions do, once before any load is on."""
        try:
            self.look_at_shared()
            yield
        finally:
            self._shells.close()
            self._profile_shells.close()

    @property
    def host_cores(self) -> tuple[int, ...]:
        """The cores that the run uses, or none if the engine is on another machine."""
        return self._cores if self._local else ()

    @property
    def _stores(self) -> list[str]:
        """The members that the replicas need: the sample's store, or the user's services."""
        needed = [name for name, container in self._containers.items() if container.member]
        return [*([Role.STORE] if Role.STORE in self._containers else []), *needed]

    def configure_proxy(self, upstreams: Sequence[Upstream]) -> None:
        """Write the proxy's configuration, which starts it, and apply the CPU budgets.

        Until then the replicas may use the whole machine, so that they start faster.
        """
        self._settle_and_hold()
        config = self._proxy_config(upstreams)
        files.write(self._folder / "nginx.conf", config)
        self._start_proxy(config)

    def _settle_and_hold(self) -> None:
        names = [replica.name for replica in self.replicas]
        if self._is_users:
            busy = busy_after([*names, *self._stores], self.read, limit_s=QUIET_LIMIT_S)
            if busy:
                self._notes.append(f"Use CPU without any request: {', '.join(busy)}.")
        else:
            wait_until_quiet([*names, *self._stores], self.read)
        self._hold_to_budget(names)

    def _hold_to_budget(self, names: Sequence[str]) -> None:
        budget = self._plan.budget
        if budget.replica_cpus is not None and not self._may_set_periods(names):
            self._quota_period_us = cgroup.PERIOD_US
        self._hold_replicas(names, cpus=budget.replica_cpus, cores=budget.replica_cores)
        if budget.replica_cpus is not None:
            self.periods_spread = self._spread_periods(names, budget.replica_cpus)
        if self._stores:
            self._hold(self._stores, cpus=budget.store_cpus, cores=budget.store_cores)

        controls = self.idle_controls()
        if controls:
            with suppress(ProcessFailure):  # one has just ended
                self._hold_replicas(controls, cpus=budget.replica_cpus, cores=budget.replica_cores)

    def _hold_replicas(
        self, names: Sequence[str], *, cpus: float | None, cores: Sequence[int]
    ) -> None:
        self._hold(names, cpus=cpus, cores=cores, period_us=self._quota_period_us)

    def _may_set_periods(self, names: Sequence[str]) -> bool:
        return self._local and all(
            (group := self._group(name)) is not None and cgroup.may_set_period(group)
            for name in names
        )

    def _spread_periods(self, names: Sequence[str], cpus: float) -> bool:
        """Spread the replicas' CPU periods; return whether they certainly are.

        Where this user may not write the kernel's files, the engine does it, as well as it can.
        """
        if self._quota_period_us is None:
            return cpu_periods.spread_by_model(names, self._group)
        quota_us = round(cpus * self._quota_period_us)
        try:
            cpu_periods.spread_by_calls(
                cpu_periods.by_model(names),
                lambda name, us: self._engine.set_quota(self._containers[name].id, quota_us, us),
            )
        except EnvironmentFailure:  # with a short period, the quota would be no limit
            self._hold_replicas(names, cpus=cpus, cores=())
        return False

    def idle_controls(self) -> tuple[str, ...]:
        """Return the names of the idle controls that run.

        Without the kernel's files it is all that ran at first: the engine's counters leave out what
        has ended, and to ask it for more would take as long again at each edge of a window.
        """
        return self._controls.names()

    def _runs(self, member: str) -> bool:
        if member not in self._containers:
            return False
        if self._local and self._group(member) is not None:
            return bool(self._pids(member))
        return True

    def look_at_shared(self) -> SharedUse:
        """Return the sessions of the stores and the locked files; none of an engine elsewhere."""
        if not self._local:
            return SharedUse()
        return self._looks.look(
            stores={name: self._commands(name) for name in self._stores},
            addresses={
                replica.address.rpartition(":")[0]: replica.name for replica in self.replicas
            },
            replicas={replica.name: self._pids(replica.name) for replica in self.replicas},
        )

    def askable_stores(self) -> tuple[str, ...]:
        """Return the members that are MySQL or MariaDB; none of an engine elsewhere."""
        stores = self._stores if self._local else []
        return tuple(name for name in stores if mysql.is_server(self._commands(name)))

    def sessions_of(self, member: str) -> Sequence[tuple[str, str, str]]:
        """Return type of wait, wait and statement of each active session of a store."""
        answer = self._profile_shells(member, mysql.STORE_PROFILED, limit_s=ASK_LIMIT_S)
        return mysql.sessions_in(answer)

    def _pids(self, member: str) -> tuple[int, ...]:
        group = self._group(member)
        with suppress(OSError):  # the container has just ended
            return cgroup.processes(group) if group is not None else ()
        return ()

    def _commands(self, member: str) -> list[str]:
        return [procfs.command_of(pid) for pid in self._pids(member)]

    def _ask_store(self, member: str, query: str) -> str:
        """Return what PostgreSQL answers; raise :class:`ProcessFailure` with the client's words."""
        argv = docker.exec_argv(self._containers[member].id, *postgres.ask_argv(query))
        try:
            done = proc.run(argv, check=False, timeout_s=ASK_LIMIT_S)
        except ProcessFailure as failure:
            raise ProcessFailure(f"its client did not answer in {ASK_LIMIT_S:g} s") from failure
        if done.code != 0:
            said = done.stderr.strip().splitlines()
            raise ProcessFailure(said[-1] if said else f"its client ended with code {done.code}")
        return done.stdout

    def check_forced(self) -> None:
        """Raise unless the image runs the worker models that were put into force in it."""
        forcing.all_in_force(self._plan.workers, self._look)

    def _look(self, worker: WorkerModel) -> tuple[str, Sequence[ServerProcess]]:
        member = f"{worker.name}-1"
        return self.first_log(member), self.processes_of(member)

    def _note_kills(self) -> None:
        """Take note of processes that the kernel killed, out of memory, while replicas ran."""
        present = self._project.containers()
        killed: dict[str, int] = {}
        for name in (replica.name for replica in self.replicas):
            group = self._group(name)
            count = cgroup.oom_kills(group) if group is not None else 0
            if name in present and present[name].out_of_memory:
                count = max(1, count)
            if count:
                killed[name] = count
        if killed:
            named = ", ".join(f"{name} ({count})" for name, count in killed.items())
            self._notes.append(
                f"The kernel killed processes, out of memory (OOMKilled): {named}. {MEMORY_REMEDY}"
            )

    def _note_store_logs(self) -> None:
        """Take note of refused connections and deadlocks that PostgreSQL's log tells of."""
        for member in self._stores:
            if postgres.is_server(self._commands(member)):
                log = self._engine.log(self._containers[member].id)
                self._notes += [f"{member}: {told}" for told in postgres.troubles(log)]

    def stop_replicas(self) -> None:
        """Stop the user's replicas, and take note if they ignore SIGTERM.

        A server that is started by our command waits longer, for the proxy's idle connections.
        """
        if self._local:
            self._note_kills()
            self._note_store_logs()
        workers = [worker.name for worker in self._plan.workers]
        first = self._containers[self.replicas[0].name]
        handled = stopping.handles_sigterm(first, local=self._local)
        if self._plan.budget.replica_cpus is not None:
            # With a tenth of a CPU, a Python program takes several seconds to end.
            with suppress(ProcessFailure):
                self._hold_replicas([each.name for each in self.replicas], cpus=1.0, cores=())
        self._project.stop(workers, grace_s=stopping.GRACE_S)
        stopped = self._project.containers().values()
        note = stopping.note(stopped, workers, handled=handled)
        if note is not None and self._plan.tested.kind is not TargetKind.IMPORT_STRING:
            self._notes.append(note)


def replicas_of(
    containers: Mapping[str, docker.Container], plan: Plan, ports: Mapping[str, int]
) -> tuple[Replica, ...]:
    """Return a plan's replicas in order; raise :class:`EnvironmentFailure` unless all run.

    ``ports`` are by worker model; without one, it is the sample application's.
    """
    replicas = []
    for worker in plan.workers:
        for number in range(1, plan.replica_counts[-1] + 1):
            container = containers.get(f"{worker.name}-{number}")
            if container is None or not container.running:
                raise EnvironmentFailure(
                    f"Replica {worker.name}-{number} of {plan.replica_counts[-1]} does not run:"
                    f" {_why(container)}. Its log is in logs/ in the run's folder."
                )
            replicas.append(
                Replica(
                    name=f"{worker.name}-{number}",
                    worker=worker.name,
                    number=number,
                    address=f"{container.address}:{ports.get(worker.name, APP_PORT)}",
                    identity=container.id,
                )
            )
    return tuple(replicas)


def _why(container: docker.Container | None) -> str:
    if container is None:
        return "Compose started no such container"
    if container.out_of_memory:
        return "it was killed, out of memory"
    return f"it exited with code {container.exit_code}"
