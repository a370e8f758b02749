"""Were the idle replicas idle, and was the machine free of other work? PURE."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean

from loadtests.analysis.nodes import use as nodes_use
from loadtests.analysis.rules.finding import found, unchecked
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.tested.target import TargetKind
from loadtests.model.trial import NodeUse, Trial
from loadtests.model.vocabulary import RuleCode, idle_control, is_idle_control

IDLE_LIMIT_RATIO = 0.02
"""Share of its budget that the application of an idle replica may use: more would be as much as
replicas differ from one another (2 to 4 %)."""

SERVER_WAKING_CPUS = 0.01
"""Share of a core, 10 ms a second, below which an idle server may use it by waking up alone, where
no idle control shows what it does use. On a slow core, gunicorn took 0.7 to 3.7 ms a second ("An
idle server" in ``docs/measurements.md``); the rest is for slower cores and other servers."""

CONTENTION_LIMIT_RATIO = 0.05
"""Share of the cores that others may use in the windows: the system loses as much again."""

NODE_LIMIT_RATIO = 0.10
"""The same of a node's cores. Its members are read a second after the node itself."""


def idle_cost(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:
    """Check that the replicas that were not under load used almost no CPU.

    What an idle control used in the same windows is the server's own, and is subtracted.
    """
    code = RuleCode.IDLE_COST
    budget_cpus = plan.budget.replica_cpus or 1.0
    read = _idle_ratios(trials, budget_cpus)
    used = {member: fmean(read[member].values()) for member in read if not is_idle_control(member)}
    if not used:
        return unchecked(code, cell, "No other replica's CPU could be read.")
    servers = {
        member: own for member in used if (own := _of_server(member, read, budget_cpus)) is not None
    }
    rest = {member: max(0.0, used[member] - servers.get(member, 0.0)) for member in used}
    worst = max(rest, key=lambda member: rest[member])
    detail = f"{worst} was not under load and used {used[worst]:.2%} of its budget."
    if worst in servers:
        detail += (
            f" The same server with an empty application used {servers[worst]:.2%}, so"
            f" {rest[worst] * 100:.2f} points are the application's."
        )
    return found(
        code,
        cell,
        broken=rest[worst] >= IDLE_LIMIT_RATIO,
        figure=rest[worst],
        limit=IDLE_LIMIT_RATIO,
        detail=f"{detail}{_in_all(rest, budget_cpus, server_is_known=worst in servers)}",
    )


def _idle_ratios(trials: Sequence[Trial], budget_cpus: float) -> dict[str, dict[int, float]]:
    """Return the share of its budget that each idle member used, by the trial's index."""
    ratios: dict[str, dict[int, float]] = {}
    for index, trial in enumerate(trials):
        for usage in trial.idle_usages:
            if usage.span_s > 0:
                ratio = usage.cpu_s / usage.span_s / budget_cpus
                ratios.setdefault(usage.member, {})[index] = ratio
    return ratios


def _of_server(
    member: str, ratios: Mapping[str, Mapping[int, float]], budget_cpus: float
) -> float | None:
    """Return what the control of a replica used in the replica's trials; None if not in all.

    A control that uses more than a server's waking up can cost, such as one whose workers die and
    start again, shows nothing of the replicas; None then, too.
    """
    control = ratios.get(idle_control(member.rpartition("-")[0]), {})
    if not ratios[member].keys() <= control.keys():
        return None
    own = fmean(control[index] for index in ratios[member])
    return own if own * budget_cpus < SERVER_WAKING_CPUS else None


def _in_all(rest: Mapping[str, float], budget_cpus: float, *, server_is_known: bool) -> str:
    """Return what idle replicas of ``budget_cpus`` work at, where the rule is broken.

    It may be the server's own waking up, where no control shows how much that is. Where it is more,
    and all of them do it, it is work that runs in every replica. Else nothing is known.
    """
    busiest = max(rest.values())
    is_small = busiest >= IDLE_LIMIT_RATIO and busiest * budget_cpus < SERVER_WAKING_CPUS
    if is_small and not server_is_known:
        return (
            f" That is {busiest * budget_cpus * 1e3:.1f} ms of CPU a second. A server's own waking"
            " up can cost as much on a slow core, and a reloader that polls files on any. It is a"
            " smaller part of a budget of more CPU (fewer replicas, or more cores), and less on a"
            " machine with faster cores."
        )
    if len(rest) < 2 or min(rest.values()) < IDLE_LIMIT_RATIO:
        return ""
    return (
        f" So did all {len(rest)} idle replicas: this is work that runs in every replica, such as"
        " a scheduler's thread or a reloader that polls files. More servers do more of it. Run it"
        " once, in a process of its own."
    )


def heaviest_user(foreign_ratio: float, steal_ratio: float) -> tuple[str, float]:
    """Return who took more of the cores, other programs or the host, and how much."""
    if foreign_ratio >= steal_ratio:
        return "Other programs", foreign_ratio
    return "The host", steal_ratio


def host_contention(plan: Plan, cell: Cell, trials: Sequence[Trial]) -> Finding:
    """Check that neither other programs nor the hypervisor took CPU in the windows."""
    code = RuleCode.HOST_CONTENTION
    if plan.tested.shares_machine:
        return unchecked(
            code,
            cell,
            "The deployment shares this machine with the load generator, so its CPU cannot be told"
            " from that of other programs.",
        )
    uses = [trial.host for trial in trials if trial.host is not None]
    if not uses and any(trial.nodes for trial in trials):
        return _busy_node(cell, trials)
    if not uses and plan.tested.kind is TargetKind.URL:
        return unchecked(
            code,
            cell,
            "The machine's CPU tells nothing here: a replica is on the machine of the load"
            " generator, or that is another one than this.",
        )
    if not uses:
        return unchecked(code, cell, "The machine's CPU counters cannot be read here.")
    who, ratio = heaviest_user(
        fmean(use.foreign_ratio for use in uses), fmean(use.steal_ratio for use in uses)
    )
    return found(
        code,
        cell,
        broken=ratio >= CONTENTION_LIMIT_RATIO,
        figure=ratio,
        limit=CONTENTION_LIMIT_RATIO,
        detail=f"{who} took {ratio:.1%} of the cores in the windows.",
    )


def _busy_node(cell: Cell, trials: Sequence[Trial]) -> Finding:
    """Check that nobody else took CPU of a node, where not all are on this machine.

    A node with something of the cell at which nobody looked leaves it unchecked, unless another
    one was busy.
    """
    uses: dict[str, list[NodeUse]] = {}
    for trial in trials:
        for use in trial.nodes:
            uses.setdefault(use.node, []).append(use)
    taken = {
        node: heaviest_user(
            fmean(use.foreign_ratio for use in of_node), fmean(use.steal_ratio for use in of_node)
        )
        for node, of_node in uses.items()
    }
    worst = max(taken, key=lambda node: taken[node][1])
    who, ratio = taken[worst]
    unseen = sorted({node for trial in trials for node in nodes_use.nodes_of(trial)} - {*uses})
    if unseen and ratio < NODE_LIMIT_RATIO:
        return unchecked(
            RuleCode.HOST_CONTENTION,
            cell,
            f"The CPU of the node {', '.join(unseen)} cannot be read. {who} took {ratio:.1%} of the"
            f" cores of the node {worst}, the most of the others.",
        )
    return found(
        RuleCode.HOST_CONTENTION,
        cell,
        broken=ratio >= NODE_LIMIT_RATIO,
        figure=ratio,
        limit=NODE_LIMIT_RATIO,
        detail=f"{who} took {ratio:.1%} of the cores of the node {worst} in the windows.",
    )
