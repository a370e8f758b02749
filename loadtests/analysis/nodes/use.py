"""What a window took of the nodes and of the network between them. PURE."""

from __future__ import annotations

import re

from loadtests.model.generator_records import Edge, RawTrial
from loadtests.model.trial import NetworkUse, NodeUse

_NODE = re.compile(r"(?:^|\s)node=(\S+)")


def network_uses(opened: Edge, closed: Edge) -> tuple[NetworkUse, ...]:
    """Return what TCP sent of each member between two edges; () where nobody can look."""
    if opened.nodes is None or closed.nodes is None:
        return ()
    before = {reading.member: reading for reading in opened.nodes.network}
    return tuple(
        NetworkUse(
            member=after.member,
            segments=after.segments - before[after.member].segments,
            retransmitted=after.retransmitted - before[after.member].retransmitted,
            timeouts=after.timeouts - before[after.member].timeouts,
        )
        for after in closed.nodes.network
        if after.member in before and after.segments >= before[after.member].segments
    )


def node_uses(raw: RawTrial) -> tuple[NodeUse, ...]:
    """Return what others took of each node's cores in the window; () where nobody can look.

    Members and nodes are read at moments of their own, so rates are compared and not amounts.
    """
    opened, closed = raw.opened.nodes, raw.closed.nodes
    if opened is None or closed is None:
        return ()
    before = {reading.node: reading.host for reading in opened.nodes}
    own = _own_rates(raw)
    uses = []
    for reading in closed.nodes:
        first, last = before.get(reading.node), reading.host
        if first is None or last.at_s <= first.at_s or not last.cores:
            continue
        span_s = last.at_s - first.at_s
        steal = max(0.0, last.steal_s - first.steal_s) / span_s
        # From the idle time; see ``host.host_use``.
        taken = last.cores - (last.idle_s - first.idle_s) / span_s - steal
        uses.append(
            NodeUse(
                node=reading.node,
                steal_ratio=steal / last.cores,
                foreign_ratio=max(0.0, taken - own.get(reading.node, 0.0)) / last.cores,
            )
        )
    return tuple(uses)


def _own_rates(raw: RawTrial) -> dict[str, float]:
    """Return the CPU that our members use on each node, in cores."""
    before = {reading.member: reading for reading in raw.opened.members}
    rates: dict[str, float] = {}
    for after in raw.closed.members:
        first = before.get(after.member)
        match = _NODE.search(raw.identities.get(after.member, ""))
        grew = first is not None and after.at_s > first.at_s and after.grew_from(first)
        if first is not None and match is not None and grew:
            rate = (after.cpu_s - first.cpu_s) / (after.at_s - first.at_s)
            rates[match[1]] = rates.get(match[1], 0.0) + rate
    return rates
