"""The validity rules: was it the system under test that was measured? One entry each. PURE.

Each rule has a code, a limit and the reason for it. A rule that is broken takes the verdict away
from every doubling that it touches; one that cannot be checked here says so. The figures are kept
also where a rule holds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from loadtests.analysis import estimates
from loadtests.analysis.rules import (
    answer_size,
    budget,
    errors,
    load,
    nodes,
    replica_share,
    run,
    system,
    workers,
)
from loadtests.analysis.rules.machines import clocks, network, replica_speed, speed
from loadtests.analysis.rules.windows import length
from loadtests.model.failures import FailureResult
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import Finding
from loadtests.model.trial import Calibration, Trial
from loadtests.model.vocabulary import RuleCode

PlainCellRule = Callable[[Plan, Cell, Sequence[Trial]], Finding | None]
CellRule = Callable[[Plan, Cell, Sequence[Trial], "Known"], Finding | None]
DoublingRule = Callable[[Plan, Cell, Cell, Sequence[Trial]], Finding | None]
RunRule = Callable[[Plan, Sequence[Trial]], Finding | None]
"""None where the rule has no meaning for the run's backend, as of a cell's rule."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What is known of a run beside a cell's trials."""

    calibrations: Sequence[Calibration] = ()
    failures: Sequence[FailureResult] = ()
    nodes: speed.Compared | None = None
    """The speeds of a Swarm's nodes, by the trials of all cells."""


@dataclass(frozen=True, kw_only=True)
class Rule:
    """A rule: what it asks, in a sentence, and how it is checked.

    ``cell`` is held against each cell that has trials, ``doubling`` against each pair of cells of
    n and 2n replicas, ``run`` against the whole run.
    """

    code: RuleCode
    about: str
    cell: CellRule | None = None
    doubling: DoublingRule | None = None
    run: RunRule | None = None


def _plain(rule: PlainCellRule) -> CellRule:
    """Adapt a rule that needs a cell's trials only."""
    return lambda plan, cell, trials, _: rule(plan, cell, trials)


def _not_saturated(plan: Plan, cell: Cell, trials: Sequence[Trial], known: Known) -> Finding:
    return load.not_saturated(plan, cell, trials, calibrations=known.calibrations)


def _errors(plan: Plan, cell: Cell, trials: Sequence[Trial], known: Known) -> Finding:
    return errors.errors(plan, cell, trials, failures=known.failures)


def _node_speed(plan: Plan, cell: Cell, trials: Sequence[Trial], known: Known) -> Finding | None:
    return speed.speed(plan, cell, trials, known.nodes)


_ALL = (
    Rule(
        code=RuleCode.GENERATOR_SATURATED,
        about="The load generator kept up: its CPU, its lag, its quota, its processes.",
        cell=_plain(load.generator_saturated),
    ),
    Rule(
        code=RuleCode.PROXY_SATURATED,
        about="The proxy had CPU left, and passed every request on once.",
        cell=_plain(load.proxy_saturated),
    ),
    Rule(
        code=RuleCode.WINDOW_LENGTH,
        about="A window held about three answers of each slot, one after another, or more.",
        cell=_plain(length.window_length),
    ),
    Rule(
        code=RuleCode.ERRORS,
        about="At most one in a thousand requests failed.",
        cell=_errors,
    ),
    Rule(
        code=RuleCode.CONSERVATION,
        about="The generator, the proxy and the replicas counted the same requests.",
        cell=_plain(load.conservation),
    ),
    Rule(
        code=RuleCode.REPLICA_SHARE,
        about="The answers came in equal shares, and from the planned replicas only.",
        cell=_plain(replica_share.replica_share),
    ),
    Rule(
        code=RuleCode.IDLE_COST,
        about="The replicas that were not measured used almost no CPU.",
        cell=_plain(system.idle_cost),
    ),
    Rule(
        code=RuleCode.BUDGET,
        about="Each replica had its CPU budget, and replicas did not slow one another down.",
        cell=_plain(budget.budget),
        doubling=budget.costlier_requests,
    ),
    Rule(
        code=RuleCode.HOST_CONTENTION,
        about="Neither other programs nor the machine's host took CPU in the windows.",
        cell=_plain(system.host_contention),
    ),
    Rule(
        code=RuleCode.NOT_SATURATED,
        about="Some resource was saturated, so the throughput is the system's own limit.",
        cell=_not_saturated,
    ),
    Rule(
        code=RuleCode.IDENTITY,
        about="No process and no container was replaced while it was measured.",
        run=workers.identity,
    ),
    Rule(
        code=RuleCode.STEADY,
        about="Nothing stood still, and no speed changed, over the windows and the rounds.",
        run=run.steady,
    ),
    Rule(
        code=RuleCode.NODES,
        about="Every node of a Swarm answered throughout, and all had the same image.",
        run=nodes.nodes,
    ),
    Rule(
        code=RuleCode.NODE_SPEED,
        about="The nodes of a Swarm are equally fast: in CPU per request, and in replicas alone.",
        cell=_node_speed,
    ),
    Rule(
        code=RuleCode.REPLICA_SPEED,
        about="What a doubling lost is not the loss of one replica that is slower by itself.",
        doubling=replica_speed.replica_speed,
    ),
    Rule(
        code=RuleCode.NETWORK,
        about="The network between nodes lost next to nothing, and no timer of TCP ran out.",
        cell=_plain(network.network),
    ),
    Rule(
        code=RuleCode.CLOCKS,
        about="All machines of the load generator measured the same windows.",
        cell=_plain(clocks.clocks),
    ),
    Rule(
        code=RuleCode.ANSWER_SIZE,
        about="The answers had the same length with twice the replicas.",
        doubling=answer_size.answer_size,
    ),
)

RULES: dict[RuleCode, Rule] = {rule.code: rule for rule in _ALL}


def check(
    plan: Plan,
    trials: Sequence[Trial],
    calibrations: Sequence[Calibration] = (),
    failures: Sequence[FailureResult] = (),
) -> tuple[Finding, ...]:
    """Hold every rule against every cell that has trials, and against the run."""
    known = Known(calibrations=calibrations, failures=failures, nodes=speed.compare(plan, trials))
    rules = tuple(RULES.values())
    of_cells = [
        rule.cell(plan, cell, cell_trials, known)
        for cell in plan.cells
        if (cell_trials := [trial for trial in trials if trial.spec.cell == cell])
        for rule in rules
        if rule.cell is not None
    ]
    findings = [finding for finding in of_cells if finding is not None]
    of_doublings = [
        rule.doubling(plan, small, large, trials)
        for small, large in estimates.doubled_cells(plan)
        for rule in rules
        if rule.doubling is not None
    ]
    findings += [finding for finding in of_doublings if finding is not None]
    if trials:
        of_run = [rule.run(plan, trials) for rule in rules if rule.run is not None]
        findings += [finding for finding in of_run if finding is not None]
    return tuple(findings)
