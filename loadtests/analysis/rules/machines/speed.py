"""Are the nodes equally fast? PURE."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from statistics import median

from loadtests.analysis import bottleneck
from loadtests.analysis.rules.finding import found, unchecked
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import NODE_PREFIX, Bottleneck, Role, RuleCode

_NODE = re.compile(r"(?:^|\s)node=(\S+)")

SPEED_LIMIT_RATIO = 0.10
"""How much more CPU a request may cost on one node than on another. Replicas take turns, so all
wait for the slowest node. Half of the difference is then missing in a factor, which is half of what
the target of 1.8 allows."""

LEAST_REQUESTS = 50
"""Requests of a replica in a window from which on their CPU is a mean and not a chance."""

LEAST_COST_S = 200e-6
"""CPU of a request below which it is mostly the kernel's and the server's own."""

CODE = RuleCode.NODE_SPEED


def speed(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding | None:
    """Compare the CPU of a request between the nodes; None where there are no nodes.

    The same request costs the same work everywhere, so its CPU time tells a node's speed. It is in
    the throughput only where the replicas' CPU is full.
    """
    nodes = _nodes(trials)
    if len(set(nodes.values())) < 2:
        return None
    costs: dict[str, list[float]] = {}
    for trial in trials:
        for usage in trial.usages:
            enough = usage.role is Role.REPLICA and (usage.completed or 0) >= LEAST_REQUESTS
            if enough and usage.member in nodes:
                cost_s = usage.cpu_s / (usage.completed or 1)
                costs.setdefault(nodes[usage.member], []).append(cost_s)
    medians = {node: median(values) for node, values in costs.items()}
    if len(medians) < 2 or min(medians.values()) < LEAST_COST_S:
        return unchecked(CODE, cell, "Requests cost too little CPU here to tell the nodes' speeds.")
    slow = max(medians, key=lambda node: medians[node])
    fast = min(medians, key=lambda node: medians[node])
    more = medians[slow] / medians[fast] - 1
    matters = any(
        use.full and use.kind is Bottleneck.REPLICA_CPU
        for use in bottleneck.resources(plan, cell, trials)
    )
    broken = more > SPEED_LIMIT_RATIO and matters
    rest = " Take nodes of equal speed." if broken else ""
    if more > SPEED_LIMIT_RATIO and not matters:
        rest = " The replicas' CPU is not full, so that is not in the throughput."
    return found(
        CODE,
        cell,
        broken=broken,
        figure=more,
        limit=SPEED_LIMIT_RATIO,
        detail=f"A request costs {more:.0%} more CPU on the node {slow} than on the node {fast}."
        + rest,
    )


def _nodes(trials: Sequence[Trial]) -> Mapping[str, str]:
    """Return the node of each replica, by the member's name."""
    nodes = {}
    for trial in trials:
        for member, text in trial.identities.items():
            match = _NODE.search(text)
            if match is not None and not member.startswith(NODE_PREFIX):
                nodes[member] = match[1]
    return nodes
