"""Replicas that have started all of their workers use next to no CPU.

A replica answers when its first worker does. Its others start for some tenths of a second more, and
with a budget of a tenth of a CPU that would reach into the first trials: so the budget waits.
"""

from __future__ import annotations

from collections.abc import Callable, Collection

from loadtests.model.stack import Reading
from loadtests.tools import proc

QUIET_RATIO = 0.02
"""Share of a core below which a replica counts as quiet; an idle gunicorn uses 0.0005."""

SPAN_S = 0.2
LIMIT_S = 60.0

Read = Callable[[Collection[str]], tuple[Reading, ...]]


def wait_until_quiet(names: Collection[str], read: Read) -> None:
    """Wait until none of these members uses CPU; raise where one goes on and on."""
    proc.wait_until(
        lambda: _are_quiet(names, read),
        limit_s=LIMIT_S,
        failure=f"The replicas use CPU without being asked anything, for {LIMIT_S:g} s.",
    )


def _are_quiet(names: Collection[str], read: Read) -> bool:
    before = {reading.member: reading for reading in read(names)}
    proc.sleep(SPAN_S)
    after = {reading.member: reading for reading in read(names)}
    return all(
        name in after
        and after[name].cpu_s - early.cpu_s < QUIET_RATIO * (after[name].at_s - early.at_s)
        for name, early in before.items()
    )
