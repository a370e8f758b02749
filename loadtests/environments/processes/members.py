"""The processes of a stack by name: started, counted, held to their means, and ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from loadtests.environments.counters import reading_of, role_of
from loadtests.environments.processes import launch, leftovers
from loadtests.environments.processes.cpu_limits import Means
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.stack import Reading
from loadtests.model.vocabulary import Role
from loadtests.tools import cgroup, proc, procfs
from loadtests.tools.cgroup import Counters
from loadtests.tools.proc import Child, Service

STOP_LIMIT_S = 3.0
"""How long all together may take to end when asked to, before they are killed."""

LOG_CHARS = 4000
"""How much of a log a message shows: a screen or two."""


class Members:
    """The processes of one stack.

    They must be started by a thread that lives as long as they shall: the kernel ends them with it.
    """

    def __init__(self, own: Path, means: Means, logs: Path) -> None:
        self._own = own
        self._means = means
        self._logs = logs
        self._services: dict[str, Service] = {}
        self._stops: dict[str, signal.Signals] = {}
        self._pids: dict[str, int] = {}
        self._held: set[str] = set()
        (own / "tmp").mkdir()

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
        """Start a member that runs by itself until ``stop``, which asks it by this signal."""
        service = Service(
            self._launch(name, argv, cores), log=self._log(name), cwd=cwd, env=self._env(env)
        )
        self._services[name] = service
        self._stops[name] = stop
        self._pids[name] = service.pid
        return service

    def speak(
        self, name: str, argv: Sequence[str], *, env: Mapping[str, str], cores: Sequence[int]
    ) -> Child:
        """Start a member that is spoken to, and that whoever speaks to it closes."""
        child = Child(self._launch(name, argv, cores), log=self._log(name), env=self._env(env))
        self._pids[name] = child.pid
        return child

    def check_alive(self, names: Collection[str]) -> None:
        """Raise, with the end of its log, for a member of these that has ended."""
        for name in names:
            if self._services[name].code is not None:
                raise EnvironmentFailure(self._services[name].ended_message())

    def hold(self, name: str, *, cpus: float | None, cores: Collection[int]) -> None:
        """Hold a member that runs to its CPU budget and to its cores, where there are any."""
        if cpus is not None:
            self._held.add(name)
            self._means.hold(name, self._pids[name], cpus)
        if cores:
            for process in procfs.family(self._pids[name]):
                procfs.pin(process.pid, cores)

    def read(self, names: Collection[str]) -> tuple[Reading, ...]:
        """Read the counters of these members now; one that has ended has no reading."""
        found = ((name, self._counters(name)) for name in names)  # each read as it is asked for
        return tuple(reading_of(name, counters) for name, counters in found if counters)

    def identities(self) -> Mapping[str, str]:
        """Give process ids and start times of each member and its workers.

        Not the generator's; and of the store its own alone: it starts one for each connection, and
        how long those live is the application's affair.
        """
        families = {
            name: procfs.family(pid)
            for name, pid in self._pids.items()
            if role_of(name) is not Role.GENERATOR
        }
        return {
            name: " ".join(
                f"{one.pid}@{one.started}"
                for one in (family[:1] if role_of(name) is Role.STORE else family)
            )
            for name, family in families.items()
            if family
        }

    def log_of(self, name: str) -> str:
        """Give the end of a member's log."""
        log = self._log(name)
        return log.read_text(errors="replace")[-LOG_CHARS:] if log.exists() else "(no log)"

    def stop(self) -> None:
        """Ask all to end, wait for them together, and kill those that have not."""
        for name in self._held:  # ending takes a Python of a tenth of a CPU several seconds
            with contextlib.suppress(EnvironmentFailure, OSError):
                self._means.hold(name, self._pids[name], 1.0)
        for name, service in self._services.items():
            service.signal(self._stops[name])
        deadline_s = proc.monotonic_s() + STOP_LIMIT_S
        for service in self._services.values():
            service.close(grace_s=max(0.0, deadline_s - proc.monotonic_s()))

    def _launch(self, name: str, argv: Sequence[str], cores: Sequence[int]) -> tuple[str, ...]:
        placement = self._means.place(name)
        wanted = {
            "note": str(self._own / leftovers.STARTED / name),
            "parent": os.getpid(),
            "join": [str(path) for path in placement.join],
            "cores": list(cores),
            "argv": [*placement.prefix, *argv],
        }
        return (sys.executable, "-I", "-S", launch.__file__, json.dumps(wanted))

    def _env(self, env: Mapping[str, str] | None) -> dict[str, str]:
        return {**(env or {}), "TMPDIR": str(self._own / "tmp")}

    def _log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def _counters(self, name: str) -> Counters | None:
        pid = self._pids.get(name)
        if pid is None:
            return None
        group = self._means.group(name, pid)
        counters = None
        if group is not None:
            with contextlib.suppress(OSError):  # the group went with its last process
                counters = cgroup.read(group)
        if counters is not None and counters.memory_bytes is not None:
            return counters
        # Version 1 counts memory in a tree of its own, in which no group was made.
        family = procfs.family(pid)
        memory_bytes = sum(one.memory_bytes for one in family)
        if counters is not None:
            return replace(counters, memory_bytes=memory_bytes)
        cpu_s = sum(one.cpu_s for one in family)
        return Counters(cpu_s=cpu_s, memory_bytes=memory_bytes) if family else None
