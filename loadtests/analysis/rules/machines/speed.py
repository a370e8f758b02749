"""Are the nodes equally fast? PURE.

Starts of one application differ by a few per cent, on one node, too. So a node is slow only where
its starts together are slower than those of another one. With e the natural logarithm of what one
start shows, its means over the windows are fitted by least squares:

    e = variant + node

The start is the unit: the windows of one start say nothing about another. The variance of starts is
taken from the residuals, together with what is known of starts in general (``SPREAD_RATIO`` with
the weight of ``SPREAD_DEGREES``), so that one start on each node can be judged, too.

Two things are asked in this way. In the largest cells, where all replicas are in every window: what
CPU a request costs. In the cells of one replica: how many requests a start answers, since a node
whose CPU is held back makes no request dearer.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
import numpy.typing as npt

from loadtests.analysis import bottleneck
from loadtests.analysis.intervals import student_chance
from loadtests.analysis.nodes.use import node_in
from loadtests.analysis.rules.finding import found, unchecked
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import NODE_PREFIX, Role, RuleCode

SPEED_LIMIT_RATIO = 0.10
"""How much slower a node may be than another. Replicas take turns, so all wait for the slowest
node. Half of the difference is then missing in a factor, which is half of what the target of 1.8
allows."""

SPREAD_RATIO = 0.04
"""Standard deviation of starts on one node; ``docs/measurements.md``: 2 to 4 %."""

SPREAD_DEGREES = 30
"""As how many degrees of freedom that counts beside the residuals of a run."""

CHANCE = 0.001
"""Greatest p-value of a difference that is no chance, over all pairs of nodes (Bonferroni)."""

LEAST_REQUESTS = 50
"""Requests of a replica in a window from which on their CPU is a mean and not a chance."""

LEAST_COST_S = 200e-6
"""CPU of a request below which it is mostly the kernel's and the server's own."""

CODE = RuleCode.NODE_SPEED


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much more the starts of one node show than those of another, as a ratio above 0."""

    slow: str
    fast: str
    more_ratio: float
    shown: bool
    """Whether starts that differ as much as these would seldom show it by chance."""

    @property
    def too_much(self) -> bool:
        """Whether it is more than nodes may differ."""
        return self.more_ratio > SPEED_LIMIT_RATIO

    @property
    def rank(self) -> tuple[bool, float]:
        """What to tell first: what breaks the rule, and then what is largest."""
        return self.too_much and self.shown, self.more_ratio


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The nodes of a run: what differs most, as a sentence; None where nothing could be told."""

    worst: Difference | None = None
    detail: str = ""


def compare(plan: Plan, run: Sequence[Trial]) -> Compared | None:
    """Compare the nodes by the starts of a whole run; None where there are fewer than two."""
    nodes = _nodes(run)
    if len(set(nodes.values())) < 2:
        return None
    costs, rates = _costs(plan, run, nodes), _slowness(plan, run, nodes)
    seen = [
        (words, difference)
        for starts, words in ((costs, _DEARER), (rates, _SLOWER))
        if (difference := _difference(starts, nodes)) is not None
    ]
    if not seen:
        return Compared()
    words, worst = max(seen, key=lambda each: each[1].rank)
    detail = words.format(more=worst.more_ratio, slow=worst.slow, fast=worst.fast)
    return Compared(worst=worst, detail=detail)


def speed(
    plan: Plan, cell: Cell, trials: Sequence[Trial], compared: Compared | None
) -> Finding | None:
    """Check that no node held up a cell; None where there are fewer than two nodes.

    A slow node is in the throughput of a cell only where the replicas' CPU is full.
    """
    if compared is None:
        return None
    worst, detail = compared.worst, compared.detail
    if worst is None:
        why = "Requests cost too little CPU here, or too few answered, to tell the speeds."
        return unchecked(CODE, cell, why)
    matters = bottleneck.replica_cpu_is_full(plan, cell, trials)
    if worst.too_much and not matters:
        detail += " The replicas' CPU is not full, so that is not in the throughput."
    elif worst.too_much and not worst.shown:
        return unchecked(CODE, cell, f"{detail} Starts on one node can differ as much.")
    broken = worst.too_much and worst.shown and matters
    return found(
        CODE,
        cell,
        broken=broken,
        figure=worst.more_ratio,
        limit=SPEED_LIMIT_RATIO,
        detail=f"{detail} Take nodes of equal speed." if broken else detail,
    )


_DEARER = "A request costs {more:.0%} more CPU on the node {slow} than on the node {fast}."
_SLOWER = (
    "A replica alone needs {more:.0%} more time for its requests on the node {slow} than on the"
    " node {fast}."
)

Floats = npt.NDArray[np.float64]

Starts = Mapping[tuple[str, str], Sequence[float]]
"""The windows' values of each start, by variant and member; larger is slower."""


def _costs(plan: Plan, run: Sequence[Trial], nodes: Mapping[str, str]) -> Starts:
    """Return ln of the CPU of a request, against the mean of its window."""

    def of(trial: Trial) -> dict[str, float]:
        costs = {
            usage.member: usage.cpu_s / (usage.completed or 1)
            for usage in trial.usages
            if usage.role is Role.REPLICA
            and usage.member in nodes
            and (usage.completed or 0) >= LEAST_REQUESTS
        }
        if len(costs) < 2 or min(costs.values()) < LEAST_COST_S:
            return {}
        logs = {member: math.log(cost) for member, cost in costs.items()}
        return {member: value - fmean(logs.values()) for member, value in logs.items()}

    return _starts(plan, run, max(plan.replica_counts), of)


def _slowness(plan: Plan, run: Sequence[Trial], nodes: Mapping[str, str]) -> Starts:
    """Return −ln of the throughput of a replica alone, against the mean of its cell."""

    def of(trial: Trial) -> dict[str, float]:
        alone = [usage.member for usage in trial.usages if usage.role is Role.REPLICA]
        known = len(alone) == 1 and alone[0] in nodes
        enough = trial.throughput_rps > 0 and trial.completed >= LEAST_REQUESTS
        return {alone[0]: -math.log(trial.throughput_rps)} if known and enough else {}

    return _starts(plan, run, 1, of)


def _starts(
    plan: Plan, run: Sequence[Trial], replicas: int, of: Callable[[Trial], dict[str, float]]
) -> Starts:
    """Return what the windows of the cells of so many replicas show, where their CPU is full.

    Where no such cell is full, all of them count.
    """
    cells = [cell for cell in plan.cells if cell.replicas == replicas]
    full = [cell for cell in cells if bottleneck.replica_cpu_is_full(plan, cell, run)] or cells
    starts: dict[tuple[str, str], list[float]] = {}
    for cell in full:
        windows = [of(trial) for trial in run if trial.spec.cell == cell]
        values = [value for window in windows for value in window.values()]
        for member, value in (pair for window in windows for pair in window.items()):
            starts.setdefault((cell.worker, member), []).append(value - fmean(values))
    return starts


def _difference(starts: Starts, nodes: Mapping[str, str]) -> Difference | None:
    """Return the greatest difference between two nodes; None where it cannot be told."""
    starts = _apart(starts, nodes)
    variants = sorted({variant for variant, _ in starts})
    places = sorted({nodes[member] for _, member in starts})
    if len(places) < 2:
        return None
    design = np.array([_row(start, variants, places, nodes) for start in starts])
    values = np.array([fmean(windows) for windows in starts.values()])
    if np.linalg.matrix_rank(design) < design.shape[1]:
        return None  # variants share no node: which of the two it is, nobody can tell
    effects, *_ = np.linalg.lstsq(design, values, rcond=None)
    residuals = values - design @ effects
    degrees = SPREAD_DEGREES + len(values) - design.shape[1]
    known = SPREAD_DEGREES * SPREAD_RATIO**2
    variance = (known + float(residuals @ residuals)) / degrees
    spread = np.linalg.inv(design.T @ design) * variance
    pairs = _pairs(places, len(variants), effects, spread, degrees)
    return max(pairs, key=lambda each: each.rank)


def _apart(starts: Starts, nodes: Mapping[str, str]) -> Starts:
    """Leave out the variants that stand on one node: they say nothing about its speed."""
    at: dict[str, set[str]] = {}
    for variant, member in starts:
        at.setdefault(variant, set()).add(nodes[member])
    return {start: windows for start, windows in starts.items() if len(at[start[0]]) > 1}


def _row(
    start: tuple[str, str], variants: Sequence[str], places: Sequence[str], nodes: Mapping[str, str]
) -> list[float]:
    """Return a start's row of the design: its variant, and its node unless that is the first."""
    variant, member = start
    return [
        *(float(variant == each) for each in variants),
        *(float(nodes[member] == each) for each in places[1:]),
    ]


def _pairs(
    places: Sequence[str],
    offset: int,
    effects: Floats,
    spread: Floats,
    degrees: int,
) -> Iterator[Difference]:
    """Yield the difference of each two nodes, the slower one first."""
    pairs = list(itertools.combinations(range(len(places)), 2))
    for one, other in pairs:
        contrast = np.zeros(len(effects))
        if one:
            contrast[offset + one - 1] = -1
        contrast[offset + other - 1] = 1
        apart = float(contrast @ effects)
        error = math.sqrt(float(contrast @ spread @ contrast))
        slow, fast = (other, one) if apart > 0 else (one, other)
        yield Difference(
            slow=places[slow],
            fast=places[fast],
            more_ratio=math.expm1(abs(apart)),
            shown=student_chance(apart / error, degrees) < CHANCE / len(pairs),
        )


def _nodes(trials: Sequence[Trial]) -> Mapping[str, str]:
    """Return the node of each replica, by the member's name."""
    nodes = {}
    for trial in trials:
        for member, text in trial.identities.items():
            if (node := node_in(text)) is not None and not member.startswith(NODE_PREFIX):
                nodes[member] = node
    return nodes
