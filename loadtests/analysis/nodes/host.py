"""What others took of this machine's cores in a window. PURE."""

from __future__ import annotations

from loadtests.model.generator_records import Edge
from loadtests.model.trial import HostUse


def host_use(opened: Edge, closed: Edge) -> HostUse | None:
    """Give what others and the host took of the cores between two edges; None: not known."""
    if opened.host is None or closed.host is None:
        return None
    span_s = closed.host.at_s - opened.host.at_s
    capacity_s = span_s * closed.host.cores
    if capacity_s <= 0:
        return None
    own_s = closed.harness_cpu_s - opened.harness_cpu_s + _stack_cpu_s(opened, closed)
    # From the idle time, which the kernel measures; its busy time it only samples at clock ticks,
    # with which the refills of the budgets are in step.
    idle_s = closed.host.idle_s - opened.host.idle_s
    foreign_s = capacity_s - idle_s - (closed.host.steal_s - opened.host.steal_s) - own_s
    return HostUse(
        steal_ratio=max(0.0, closed.host.steal_s - opened.host.steal_s) / capacity_s,
        foreign_ratio=max(0.0, foreign_s) / capacity_s,
    )


def _stack_cpu_s(opened: Edge, closed: Edge) -> float:
    """Give what the members used that are in both; one that ended meanwhile is not known.

    Nor is one that was started anew. What replicas elsewhere used is nothing of this machine's.
    """
    before = {reading.member: reading for reading in opened.members}
    return sum(
        reading.cpu_s - before[reading.member].cpu_s
        for reading in closed.members
        if reading.member in before
        and not reading.elsewhere
        and reading.grew_from(before[reading.member])
    )
