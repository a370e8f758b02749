"""Reads the CPU counters of pods, all at the same time.

The kernel's own counters are read inside the containers. Those that the kubelet publishes are up to
15 s old, which is longer than a window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from math import fsum

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import kubectl, proc
from loadtests.tools.kubectl import Access, CpuCounters, Pod

AT_ONCE = 16
"""Programs that read at the same time: each is a process of kubectl."""

NO_CAT = ("executable file not found", "no such file or directory")
"""What is said of a container that has no program ``cat``, or no such counters."""

GONE = ("not found", "notfound", "not running", "no running task", "completed pod")
"""What is said of a pod or a container that ended after the pods were listed."""


@dataclass(frozen=True, kw_only=True)
class Read:
    """What was read of one container between two moments; ``counters`` None: it has no ``cat``."""

    container: str
    began_s: float
    ended_s: float
    counters: CpuCounters | None
    limit_cpus: float | None


class Gone(Exception):
    """A pod ended while it was read."""


def lines(access: Access, pods: Sequence[Pod], say: Callable[[str], None]) -> list[str]:
    """Return a line for each pod: its name, CPU-seconds, throttled seconds, and how it was read.

    The counters of all its containers are added up, and so are their limits. A pod that has gone
    meanwhile is left out. So is one with a container that has no program ``cat``, and ``say`` gets
    a sentence with its name: a proxy beside the application is not what the pod uses.
    """
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        asked = [
            (
                pod,
                [
                    pool.submit(_read, access, pod, container, limit)
                    for container, limit in pod.cpu_limits.items()
                ],
            )
            for pod in pods
        ]
        found = []
        for pod, futures in asked:
            try:
                reads = [future.result() for future in futures]
            except Gone:
                continue
            if (line := _line(pod, reads, say)) is not None:
                found.append(line)
    return found


def _read(access: Access, pod: Pod, container: str, limit_cpus: float | None) -> Read:
    began_s = proc.now_s()
    words = kubectl.exec_argv(access, pod.name, container)
    try:
        # cat ends with code 1, since no container has the files of both versions.
        done = proc.run(words, timeout_s=kubectl.LIMIT_S, check=False)
    except ProcessFailure as error:
        raise _unreadable(pod, str(error)) from error
    counters = kubectl.parse_counters(done.stdout)
    said = done.stderr.lower()
    if counters is None and not any(text in said for text in NO_CAT):
        if any(text in said for text in GONE):
            raise Gone
        raise _unreadable(pod, kubectl.explained(done.stderr, access))
    return Read(
        container=container,
        began_s=began_s,
        ended_s=proc.now_s(),
        counters=counters,
        limit_cpus=limit_cpus,
    )


def _line(pod: Pod, reads: Sequence[Read], say: Callable[[str], None]) -> str | None:
    known = [(read, read.counters) for read in reads if read.counters is not None]
    unread = [read.container for read in reads if read.counters is None]
    if unread:
        say(
            f"{pod.name}: its container {', '.join(unread)} has no program cat, or no counters, so"
            " the pod's CPU is not known."
        )
        return None
    began_s = min(read.began_s for read, _ in known)
    ended_s = max(read.ended_s for read, _ in known)
    words = [pod.name, f"{fsum(counters.cpu_s for _, counters in known):.6f}"]
    throttled = [counters.throttled_s for _, counters in known]
    if None not in throttled:
        words.append(f"{fsum(seconds or 0.0 for seconds in throttled):.6f}")
    words += [f"at={(began_s + ended_s) / 2:.6f}", f"took={ended_s - began_s:.6f}"]
    limits = [read.limit_cpus for read, _ in known]
    if None not in limits:
        words.append(f"limit={fsum(limit or 0.0 for limit in limits):g}")
    return " ".join(words)


def _unreadable(pod: Pod, why: str) -> EnvironmentFailure:
    return EnvironmentFailure(
        f"The CPU counters of {pod.name} cannot be read inside it. {why} Or leave the hook"
        " 'counters' out."
    )
