"""Waits until replicas are idle after their start.

A replica answers as soon as its first worker does. Its other workers need some tenths of a second
more. With a tenth of a CPU they would still be starting in the first trials, so CPU budgets are
applied only to idle replicas.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from loadtests.model.stack import Reading
from loadtests.tools import proc

QUIET_RATIO = 0.02
"""Share of a core below which a replica counts as idle; an idle gunicorn uses 0.0005."""

SPAN_S = 0.2
LIMIT_S = 60.0

Read = Callable[[Collection[str]], tuple[Reading, ...]]


def wait_until_quiet(names: Collection[str], read: Read) -> None:
    """Wait until these members are idle; raise if one stays busy."""
    proc.wait_until(
        lambda: not _busy(names, read),
        limit_s=LIMIT_S,
        failure=f"The replicas still use CPU {LIMIT_S:g} s after their start, without any request.",
    )


def busy_after(names: Collection[str], read: Read, *, limit_s: float) -> tuple[str, ...]:
    """Wait until these members are idle, for so long at most; return those that still are not."""
    deadline_s = proc.monotonic_s() + limit_s
    while busy := _busy(names, read):
        if proc.monotonic_s() > deadline_s:
            break
    return busy


def _busy(names: Collection[str], read: Read) -> tuple[str, ...]:
    """Return the members that use CPU, or that are gone."""
    before = {reading.member: reading for reading in read(names)}
    proc.sleep(SPAN_S)
    after = {reading.member: reading for reading in read(names)}
    return tuple(
        name
        for name, early in before.items()
        if name not in after
        or after[name].cpu_s - early.cpu_s >= QUIET_RATIO * (after[name].at_s - early.at_s)
    )
