"""What a window took of the nodes and of the network between them. PURE."""

from __future__ import annotations

import re
from dataclasses import replace

from loadtests.model.generator_records import Edge, RawTrial
from loadtests.model.stack import DeploymentSeen
from loadtests.model.trial import NetworkUse, NodeUse, Trial
from loadtests.model.vocabulary import Role, is_generator

_NODE = re.compile(r"(?:^|\s)node=(\S+)")

_SERVICES = frozenset({Role.PROXY.value, Role.STORE.value})


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
    here = [reading.node for reading in closed.nodes if reading.here]
    own_here = sum(own.get(node, 0.0) for node in here)
    harness_s = raw.closed.harness_cpu_s - raw.opened.harness_cpu_s
    uses = []
    for reading in closed.nodes:
        first, last = before.get(reading.node), reading.host
        if first is None or last.at_s <= first.at_s or not last.cores:
            continue
        span_s = last.at_s - first.at_s
        steal = max(0.0, last.steal_s - first.steal_s) / span_s
        ours = own_here + harness_s / span_s if reading.here else own.get(reading.node, 0.0)
        # From the idle time; see ``host.host_use``.
        taken = last.cores - (last.idle_s - first.idle_s) / span_s - steal
        uses.append(
            NodeUse(
                node=reading.node,
                steal_ratio=steal / last.cores,
                foreign_ratio=max(0.0, taken - ours) / last.cores,
            )
        )
    return tuple(uses)


def deployment_of(opened: Edge, closed: Edge) -> DeploymentSeen | None:
    """Return what hooks told of a deployment at both edges; None where no hooks scale it."""
    first, last = opened.deployment, closed.deployment
    if first is None or last is None:
        return None
    return replace(last, uncounted=last.uncounted or first.uncounted)


def replicas_of(trial: Trial) -> tuple[str, ...]:
    """Return the names of the replicas that a trial loaded."""
    return tuple(f"{trial.spec.cell.worker}-{number}" for number in trial.spec.members)


def nodes_of(trial: Trial) -> frozenset[str]:
    """Return the nodes that a trial used: those of its replicas, its load, its proxy and store."""
    used = {*replicas_of(trial), *_SERVICES}
    found = (
        node_in(identity)
        for member, identity in trial.identities.items()
        if member in used or is_generator(member)
    )
    return frozenset(filter(None, found))


def node_in(identity: str) -> str | None:
    """Return the name of the node in a member's identity, if there is one."""
    match = _NODE.search(identity)
    return match[1] if match else None


def _own_rates(raw: RawTrial) -> dict[str, float]:
    """Return the CPU that our members use on each node, in cores."""
    before = {reading.member: reading for reading in raw.opened.members}
    rates: dict[str, float] = {}
    for after in raw.closed.members:
        first = before.get(after.member)
        node = node_in(raw.identities.get(after.member, ""))
        grew = first is not None and after.at_s > first.at_s and after.grew_from(first)
        if first is not None and node is not None and grew:
            rate = (after.cpu_s - first.cpu_s) / (after.at_s - first.at_s)
            rates[node] = rates.get(node, 0.0) + rate
    return rates
