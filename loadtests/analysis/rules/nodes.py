"""Were the nodes of a Swarm there, and did all run the same image, from first to last? PURE."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from loadtests.analysis.nodes.use import node_in
from loadtests.analysis.rules.finding import found
from loadtests.model.plan import Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import NODE_PREFIX, RuleCode

_IMAGE = re.compile(r"\bof (sha256:[0-9a-f]+)")


def nodes(plan: Plan, trials: Sequence[Trial]) -> Finding | None:
    """Check the nodes: did their engines answer, did no replica move, is their image one.

    None where a stack has no nodes. A node is told apart from a replica that ended by itself: with
    a node, everything on it is gone or out of sight.
    """
    in_time = sorted(trials, key=lambda trial: trial.started_at_s)
    first = in_time[0].identities
    names = [member for member in first if member.startswith(NODE_PREFIX)]
    if not names:
        return None
    detail = _mixed(plan, first)
    for trial in in_time:
        detail = detail or _lost(names, first, trial) or _moved(first, trial)
    return found(
        RuleCode.NODES,
        None,
        broken=detail is not None,
        figure=1 if detail else 0,
        limit=0,
        detail=detail
        or f"All {len(names)} nodes answered from the first trial to the last, with one image for"
        " each variant.",
    )


def _lost(names: Sequence[str], first: Mapping[str, str], trial: Trial) -> str | None:
    """Return which node stopped answering; one that did not in the first trial counts, too."""
    for name in names:
        now = trial.identities.get(name, "it is not there")
        if "does not answer" in now or now != first[name]:
            here = f"node={name.removeprefix(NODE_PREFIX)}"
            on_it = [member for member, text in first.items() if text.endswith(here)]
            return (
                f"The {name} was lost before the end of {trial.spec.id}: {now}."
                + (f" It had {', '.join(on_it)}." if on_it else "")
                + " Look at it: docker node ls."
            )
    return None


def _moved(first: Mapping[str, str], trial: Trial) -> str | None:
    """Return which member is on another node than at first, or was started there anew."""
    for member, before in first.items():
        was, now = node_in(before), node_in(trial.identities.get(member, ""))
        if was and now and was != now:
            return (
                f"{member} moved from node {was} to node {now} before the end of"
                f" {trial.spec.id}. Keep others from changing the services of this run."
            )
    return None


def _mixed(plan: Plan, identities: Mapping[str, str]) -> str | None:
    """Return which variant's replicas have several images."""
    for worker in plan.workers:
        images: dict[str, str] = {}
        for member, text in identities.items():
            match = _IMAGE.search(text)
            if match and member.rpartition("-")[0] == worker.name:
                images.setdefault(match[1], member)
        if len(images) > 1:
            (one, first), (other, second), *_ = images.items()
            return (
                f"The image of {worker.name} differs between nodes: {first} has {one}, {second} has"
                f" {other}. Remove it from the nodes, and run again."
            )
    return None
