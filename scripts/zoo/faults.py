"""The faults that the zoo puts on a stack: quotas, the proxy's file, signals, and who else is here.

Each acts by what anybody on the machine could do: control groups, nginx's configuration, ``kill``.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import TrialSpec
from loadtests.tools import cgroup, proc, procfs
from loadtests.tools.cgroup import PERIOD_US
from loadtests.tools.proc import Child, Service
from scripts.zoo.injection import Injection, Order, Scene

GENERATOR = "generator"

BURN = "while True: pass"

CONFIGURED_LIMIT_S = 10.0


class WithGenerator(Injection):
    """Remembers the generator, whose identity is not told."""

    generator: Child | None = None

    def start_generator(self, scene: Scene) -> Child:
        """Start it, and remember it."""
        self.generator = scene.stack.start_generator()
        return self.generator


class Held(WithGenerator):
    """Holds one member to a CPU quota that nobody planned."""

    def __init__(self, member: str, cpus: float) -> None:
        self._member = member
        self._cpus = cpus

    def begin(self, scene: Scene) -> None:
        """Set the quota of the member's control group."""
        if self._member == GENERATOR and self.generator is not None:
            hold(self.generator.pid, self._cpus)
        else:
            hold(scene.pids_of(self._member)[0], self._cpus)


def hold(pid: int, cpus: float) -> None:
    """Set the CPU quota of a process's own group."""
    group = cgroup.group_of(pid)
    if group is None or group.folders["cpu"] == _folder_of(os.getpid()):
        raise EnvironmentFailure(f"Process {pid} has no control group of its own to be held by.")
    folder, quota_us = group.folders["cpu"], round(cpus * PERIOD_US)
    if group.version == 1:
        (folder / "cpu.cfs_period_us").write_text(str(PERIOD_US))
        (folder / "cpu.cfs_quota_us").write_text(str(quota_us))
    else:
        (folder / "cpu.max").write_text(f"{quota_us} {PERIOD_US}")


def _folder_of(pid: int) -> Path | None:
    group = cgroup.group_of(pid)
    return group.folders["cpu"] if group else None


class OtherProxy(Injection):
    """Changes the proxy's configuration after it was proven, by a function of its text."""

    def __init__(self, edit: Callable[[str], str]) -> None:
        self._edit = edit

    def begin(self, scene: Scene) -> None:
        """Write the file anew, let nginx read it, and wait until it is in force.

        It is when the workers of before take no more connections; to ask the proxy would be counted
        with the trial's own requests.
        """
        path = scene.folder / "nginx.conf"
        path.write_text(self._edit(path.read_text()))
        master = scene.pids_of("proxy")[0]
        before = {one.pid for one in procfs.family(master)} - {master}
        os.kill(master, signal.SIGHUP)
        proc.wait_until(
            lambda: all(_retiring(pid) for pid in before),
            limit_s=CONFIGURED_LIMIT_S,
            failure="The faulty proxy is not in force.",
        )


def _retiring(worker: int) -> bool:
    """Tell whether a worker of nginx has ended, or says that it is about to."""
    try:
        return b"shutting down" in Path(f"/proc/{worker}/cmdline").read_bytes()
    except OSError:
        return True


_UPSTREAM = re.compile(r"(upstream \w+ \{\n)((?:\s+server [^;]+;\n)+)")


def leave_one_out(text: str) -> str:
    """Take the last replica out of every upstream that has several."""

    def shorter(found: re.Match[str]) -> str:
        servers = found[2].splitlines(keepends=True)
        return found[1] + "".join(servers[:-1] if len(servers) > 1 else servers)

    return _UPSTREAM.sub(shorter, text)


def weighted(weights: Sequence[int]) -> Callable[[str], str]:
    """Give the edit that weighs the first replicas of every upstream so, the others by 1."""

    def edit(text: str) -> str:
        def heavier(found: re.Match[str]) -> str:
            servers = found[2].splitlines(keepends=True)
            several = len(servers) > 1
            for index, weight in enumerate(weights[: len(servers)] if several else ()):
                servers[index] = servers[index].replace(";", f" weight={weight};")
            return found[1] + "".join(servers)

        return _UPSTREAM.sub(heavier, text)

    return edit


class MidWindow(Injection):
    """Does something once, in the middle of a window of the largest cell, in a given round."""

    def __init__(self, act: Callable[[Scene], None], *, round_number: int = 2) -> None:
        self._act = act
        self._round = round_number
        self._timer: threading.Timer | None = None

    def opened(self, scene: Scene, spec: TrialSpec, order: Order) -> None:
        """Wait for the middle, beside the harness."""
        largest = scene.plan.replica_counts[-1]
        if self._timer is None and spec.round == self._round and spec.cell.replicas == largest:
            self._timer = threading.Timer(order["window_s"] * 0.4, self._act, args=(scene,))
            self._timer.start()

    def end(self) -> None:
        """Wait for what it does, if it does it."""
        if self._timer is not None:
            self._timer.join()


def kill_replica(scene: Scene) -> None:
    """Kill all processes of the last replica: a machine that loses its power."""
    for pid in scene.pids_of(_last_replica(scene)):
        os.kill(pid, signal.SIGKILL)


def stop_replica(scene: Scene) -> None:
    """Ask the last replica to end, as a deployment does."""
    os.kill(scene.pids_of(_last_replica(scene))[0], signal.SIGTERM)


def restart_replica(scene: Scene) -> None:
    """Kill the last replica's workers, which its first process then replaces."""
    for pid in scene.pids_of(_last_replica(scene))[1:]:
        os.kill(pid, signal.SIGKILL)


PAUSE_S = 0.5
AFTER_DRAIN_S = 5.0
"""Longer than the rest of a window, in the middle of which a fault begins."""


def pause_replica(scene: Scene) -> None:
    """Let the last replica stand still for half a second."""
    _stand_still(scene, PAUSE_S)


def hang_replica(scene: Scene) -> None:
    """Let the last replica stand still until nobody waits for its answers any more."""
    _stand_still(scene, scene.plan.timing.drain_limit_s + AFTER_DRAIN_S)


def _stand_still(scene: Scene, for_s: float) -> None:
    pids = scene.pids_of(_last_replica(scene))
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        proc.sleep(for_s)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


def _last_replica(scene: Scene) -> str:
    return scene.stack.replicas[-1].name


class Neighbour(Injection):
    """Another program that burns the cores that the replicas run on."""

    def __init__(self) -> None:
        self._burners: list[Service] = []

    def begin(self, scene: Scene) -> None:
        """Start one on each of the cores."""
        for core in scene.plan.budget.replica_cores:
            burner = Service((sys.executable, "-c", BURN), log=scene.folder / "logs/neighbour.log")
            self._burners.append(burner)
            procfs.pin(burner.pid, (core,))

    def end(self) -> None:
        """End those that were started."""
        for burner in self._burners:
            burner.close()


class FewUsers(Injection):
    """Sends the same few users to every cell, whatever was asked for."""

    def __init__(self, users: int) -> None:
        self._users = users

    def before(self, scene: Scene, spec: TrialSpec, order: Order) -> None:  # noqa: ARG002
        """Change the order on its way."""
        order["users"] = self._users


class LostWorker(WithGenerator, MidWindow):
    """The last of the generator's processes is killed in the middle of a window."""

    def __init__(self) -> None:
        super().__init__(self._kill_one)

    def _kill_one(self, _: Scene) -> None:
        assert self.generator is not None
        os.kill(procfs.family(self.generator.pid)[-1].pid, signal.SIGKILL)
