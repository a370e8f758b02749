"""Measures the open-loop trials of a run, after its closed-loop rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from loadtests.analysis import request_table
from loadtests.analysis.latency import reduction, slo_search
from loadtests.analysis.rules.windows.disturbed import disturbed
from loadtests.config.slo import MOST_MS
from loadtests.measurement import repeated_trials
from loadtests.measurement.driver import Driver
from loadtests.model.generator_records import Load
from loadtests.model.latency import LatencyPlan, Objective
from loadtests.model.open_trial import OpenSpec, OpenTrial
from loadtests.model.plan import Cell, Plan, Timing
from loadtests.planning import load_levels

DRAIN_LIMIT_S = MOST_MS / 1000
"""Wait for answers after a window; a longer answer misses every objective."""

Keep = Callable[[OpenTrial, bytes], None]
"""Saves a finished trial with its samples."""


class OpenLoop:
    """The open-loop trials of one plan, and those measured so far."""

    def __init__(
        self,
        plan: Plan,
        latency: LatencyPlan,
        capacities: Mapping[Cell, float],
        driver: Driver,
        keep: Keep,
        say: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._latency = latency
        self._capacities = capacities
        self._driver = driver
        self._keep = keep
        self._say = say
        self._workloads = {workload.name: workload for workload in plan.workloads}
        self._trials: list[OpenTrial] = []

    def measure(self) -> None:
        """Measure the load levels, then search for the highest rate within the objective."""
        rounds = load_levels.level_rounds(self._plan, self._latency, self._capacities)
        for number, specs in enumerate(rounds, start=1):
            self._say(f"Latency under load: round {number} of {len(rounds)}, {len(specs)} trials")
            self._measure_round(specs)
        if self._latency.objective is not None:
            self._search(self._latency.objective)

    def _search(self, objective: Objective) -> None:
        for number in range(1, self._latency.steps_max + 1):
            steps = slo_search.steps_by_cell(self._plan, objective, self._trials)
            windows = slo_search.step_specs(
                self._plan, self._latency, objective, number, steps, self._capacities
            )
            if not windows:
                return
            trials = sum(len(specs) for specs in windows)
            self._say(f"Highest rate within {objective}: step {number}, {trials} trials")
            for specs in windows:
                self._measure_round(specs)

    def _measure_round(self, specs: Sequence[OpenSpec]) -> None:
        repeated_trials.measure_round(specs, self._measure, _renamed)

    def _measure(self, spec: OpenSpec, /, *, may_repeat: bool) -> OpenTrial:
        raw = self._driver.measure(spec.trial, self._load(spec))
        trial = reduction.reduce(raw, spec, self._plan.budget, self._latency.objective)
        if may_repeat:
            set_aside = disturbed(trial.measured, [before.measured for before in self._trials])
            trial = replace(trial, measured=replace(trial.measured, set_aside=set_aside))
        self._keep(trial, request_table.with_tables(raw))
        self._trials.append(trial)
        return trial

    def _load(self, spec: OpenSpec) -> Load:
        timing = Timing(
            settle_s=self._latency.settle_s,
            window_s=self._latency.window_s,
            drain_limit_s=DRAIN_LIMIT_S,
        )
        workload = self._workloads[spec.trial.cell.workload]
        return replace(
            self._driver.load_of(spec.trial, workload, timing),
            mode="open",
            rate_rps=spec.rate_rps,
            arrivals="poisson",
            max_in_flight=spec.max_in_flight,
            seed=spec.seed,
        )


def _renamed(spec: OpenSpec, suffix: str) -> OpenSpec:
    return replace(spec, trial=replace(spec.trial, id=spec.trial.id + suffix))
