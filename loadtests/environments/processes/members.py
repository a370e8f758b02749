"""Starts the processes of a stack, reads their counters, limits their CPU and ends them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from loadtests.environments.counters import THEIR_PROCESSES_CHANGE, reading_of, role_of
from loadtests.environments.processes import launch, leftovers
from loadtests.environments.processes.cpu_limits import CpuLimits
from loadtests.environments.protocol import FIRST_LOG_CHARS
from loadtests.environments.shared import cpu_periods
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import Budget
from loadtests.model.stack import LogLines, Reading
from loadtests.model.vocabulary import Role, is_idle_control
from loadtests.tools import cgroup, proc, procfs
from loadtests.tools.cgroup import Counters
from loadtests.tools.proc import Child, Service

STOP_LIMIT_S = 3.0
"""How long all members together may take to end after the signal; then they are killed."""

LOG_CHARS = 4000
"""How much of a log a message shows: one or two screens."""

MOST_BYTES_OF_A_CHAR = 4
"""In UTF-8."""

LINE_CHARS = 16_000
"""How much of one line of a log is read at once, so that a line without an end fills no memory."""


class Members:
    """The processes of one stack, by name.

    The thread that starts them must live as long as they do: the kernel kills them when it ends.
    """

    def __init__(self, stack_folder: Path, limits: CpuLimits, logs: Path) -> None:
        self._stack_folder = stack_folder
        self._limits = limits
        self._logs = logs
        self._services: dict[str, Service] = {}
        self._stops: dict[str, signal.Signals] = {}
        self._pids: dict[str, int] = {}
        self._variables: dict[str, Mapping[str, str]] = {}
        self._limited: set[str] = set()
        leftovers.temporary_of(stack_folder).mkdir()

    def serve(
        self,
        name: str,
        argv: Sequence[str],
        *,
        cwd: Path,
        env: Mapping[str, str] | None = None,
        cores: Sequence[int] = (),
        stop: signal.Signals = signal.SIGTERM,
    ) -> Service:
        """Start a member that runs until ``Members.stop``, which sends it the signal ``stop``."""
        variables = self._env(env)
        service = Service(
            self._launch(name, argv, cores), log=self._log(name), cwd=cwd, env=variables
        )
        self._variables[name] = variables
        self._services[name] = service
        self._stops[name] = stop
        self._pids[name] = service.pid
        return service

    def speak(
        self, name: str, argv: Sequence[str], *, env: Mapping[str, str], cores: Sequence[int]
    ) -> Child:
        """Start a member that exchanges lines; the caller closes it."""
        child = Child(self._launch(name, argv, cores), log=self._log(name), env=self._env(env))
        self._pids[name] = child.pid
        return child

    def variables_of(self, name: str) -> Mapping[str, str]:
        """Return the variables that a running member was started with."""
        return {**os.environ, **self._variables[name]}

    def check_alive(self, names: Collection[str]) -> None:
        """Raise :class:`EnvironmentFailure`, with the end of its log, if a member has ended."""
        for name in names:
            if self._services[name].code is not None:
                raise EnvironmentFailure(self._services[name].ended_message())

    def runs(self, name: str) -> bool:
        """Return whether a member was started and has not ended."""
        return name in self._services and self._services[name].code is None

    def exit_code_of(self, name: str) -> int | None:
        """Return a member's exit code, or None while it runs."""
        return self._services[name].code

    def limit(self, name: str, *, cpus: float | None, cores: Collection[int]) -> None:
        """Limit a running member to a CPU budget and pin it to cores; skip what is not given."""
        if cpus is not None:
            self._limited.add(name)
            self._limits.limit(name, self._pids[name], cpus)
        if cores:
            for process in procfs.family(self._pids[name]):
                procfs.pin(process.pid, cores)

    def hold(self, names: Collection[str], budget: Budget) -> bool | None:
        """Limit replicas and the store to a budget, and spread the replicas' CPU periods.

        Returns whether these are spread; None without a budget.
        """
        for name in names:
            if name == Role.STORE:
                self.limit(name, cpus=budget.store_cpus, cores=budget.store_cores)
            else:
                self.limit(name, cpus=budget.replica_cpus, cores=budget.replica_cores)
        if budget.replica_cpus is None:
            return None
        return cpu_periods.spread_by_model(
            [name for name in names if name != Role.STORE],
            lambda name: self._limits.group(name, self._pids[name]),
        )

    def read(self, names: Collection[str]) -> tuple[Reading, ...]:
        """Read the counters of these members now; a member that has ended has no reading."""
        counted = ((name, self._counters(name)) for name in names)  # lazy: each has its own moment
        return tuple(reading_of(name, counters) for name, counters in counted if counters)

    def identities(self) -> Mapping[str, str]:
        """Return the process ids and start times of each member and its workers.

        The generator and idle controls are left out. Of the store and the proxy, only the main
        process is included. A store starts one process per connection, and the application decides
        how long those live. The proxy's worker is a new one for each trial.
        """
        families = {
            name: procfs.family(pid)
            for name, pid in self._pids.items()
            if role_of(name) is not Role.GENERATOR and not is_idle_control(name)
        }
        return {
            name: " ".join(
                f"{process.pid}@{process.started}"
                for process in (family[:1] if role_of(name) in THEIR_PROCESSES_CHANGE else family)
            )
            for name, family in families.items()
            if family
        }

    def log_of(self, name: str) -> str:
        """Return the end of a member's log."""
        try:
            with self._log(name).open("rb") as log:
                size = log.seek(0, os.SEEK_END)
                log.seek(max(0, size - MOST_BYTES_OF_A_CHAR * LOG_CHARS))
                return log.read().decode(errors="replace")[-LOG_CHARS:]
        except FileNotFoundError:
            return "(no log)"

    def first_log(self, name: str) -> str:
        """Return the beginning of a member's log."""
        try:
            with self._log(name).open(encoding="utf-8", errors="replace") as log:
                return log.read(FIRST_LOG_CHARS)
        except FileNotFoundError:
            return ""

    def log_lines(self, name: str) -> LogLines:
        """Return all lines of a member's log, which are read one after another."""
        return LogLines(lines=_lines(self._log(name)))

    def pid_of(self, name: str) -> int:
        """Return the id of a member's first process."""
        return self._pids[name]

    def end(self, name: str) -> None:
        """End one member before the others."""
        service = self._services.pop(name)
        service.signal(self._stops.pop(name))
        service.close(grace_s=STOP_LIMIT_S)
        del self._pids[name]

    def stop(self) -> None:
        """Ask all members to end, wait for them together, and kill those that do not."""
        for name in self._limited:  # with 0.1 CPU, a Python program takes several seconds to end
            with contextlib.suppress(EnvironmentFailure, OSError):
                self._limits.limit(name, self._pids[name], 1.0)
        for name, service in self._services.items():
            service.signal(self._stops[name])
        deadline_s = proc.monotonic_s() + STOP_LIMIT_S
        for service in self._services.values():
            service.close(grace_s=max(0.0, deadline_s - proc.monotonic_s()))

    def _launch(self, name: str, argv: Sequence[str], cores: Sequence[int]) -> tuple[str, ...]:
        placement = self._limits.place(name)
        job = {
            "note": str(self._stack_folder / leftovers.STARTED / name),
            "parent": os.getpid(),
            "join": [str(path) for path in placement.join],
            "cores": list(cores),
            "argv": [*placement.prefix, *argv],
        }
        return (sys.executable, "-I", "-S", launch.__file__, json.dumps(job))

    def _env(self, env: Mapping[str, str] | None) -> dict[str, str]:
        return {**(env or {}), "TMPDIR": str(leftovers.temporary_of(self._stack_folder))}

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _counters(self, name: str) -> Counters | None:
        pid = self._pids.get(name)
        if pid is None:
            return None
        group = self._limits.group(name, pid)
        counters = None
        if group is not None:
            with contextlib.suppress(OSError):  # the group was removed with its last process
                counters = cgroup.read(group)
        if counters is not None and counters.memory_bytes is not None:
            return counters
        # In version 1, memory has its own tree, and the stack has no groups there.
        family = procfs.family(pid)
        memory_bytes = sum(process.memory_bytes for process in family)
        if counters is not None:
            return replace(counters, memory_bytes=memory_bytes)
        cpu_s = sum(process.cpu_s for process in family)
        return Counters(cpu_s=cpu_s, memory_bytes=memory_bytes) if family else None


def _lines(log: Path) -> Iterator[str]:
    """Yield a log's lines; the rest of one that is longer than ``LINE_CHARS`` comes as another."""
    with (
        contextlib.suppress(FileNotFoundError),
        log.open(encoding="utf-8", errors="replace") as stream,
    ):
        while line := stream.readline(LINE_CHARS):
            yield line
