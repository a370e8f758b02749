"""Measures the open-loop trials of a run, on the stack that has just had its rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from loadtests.analysis import request_table
from loadtests.analysis.latency import reduction, slo_search
from loadtests.analysis.rules.system import disturbed
from loadtests.config.slo import MOST_MS
from loadtests.measurement.driver import Driver
from loadtests.model.generator_records import Load
from loadtests.model.latency import LatencyPlan, Objective
from loadtests.model.open_trial import OpenSpec, OpenTrial
from loadtests.model.plan import Cell, Plan
from loadtests.planning import load_levels

DRAIN_LIMIT_S = MOST_MS / 1000
"""An answer that takes longer than this is later than any objective."""

REPEATED_PART = 4
"""At most every fourth trial of a round is measured again, as in the closed loop's rounds."""

Keep = Callable[[OpenTrial, bytes], None]
"""Writes a finished trial down with its samples."""


class Levels:
    """The open-loop trials of one plan, and what they said so far."""

    def __init__(
        self,
        plan: Plan,
        wanted: LatencyPlan,
        capacities: Mapping[Cell, float],
        driver: Driver,
        keep: Keep,
        say: Callable[[str], None],
    ) -> None:
        self._plan = plan
        self._wanted = wanted
        self._capacities = capacities
        self._driver = driver
        self._keep = keep
        self._say = say
        self._workloads = {workload.name: workload for workload in plan.workloads}
        self._trials: list[OpenTrial] = []

    def measure(self) -> None:
        """Measure the levels, then search for the rate that keeps the objective."""
        rounds = load_levels.level_rounds(self._plan, self._wanted, self._capacities)
        for number, specs in enumerate(rounds, start=1):
            self._say(f"Latency under load: round {number} of {len(rounds)}, {len(specs)} trials")
            self._measure_round(specs)
        if self._wanted.objective is not None:
            self._search(self._wanted.objective)

    def _search(self, wanted: Objective) -> None:
        for number in range(1, self._wanted.steps_max + 1):
            found = slo_search.steps_by_cell(self._plan, wanted, self._trials)
            windows = slo_search.step_specs(
                self._plan, self._wanted, wanted, number, found, self._capacities
            )
            if not windows:
                return
            trials = sum(len(specs) for specs in windows)
            self._say(f"The highest rate that keeps {wanted}: step {number}, {trials} trials")
            for specs in windows:
                self._measure_round(specs)

    def _measure_round(self, specs: Sequence[OpenSpec]) -> None:
        """Measure each once; those that others disturbed again at the end, as far as allowed."""
        again: list[OpenSpec] = []
        for spec in specs:
            can_repeat = len(again) < max(1, len(specs) // REPEATED_PART)
            if self._measure(spec, can_repeat=can_repeat).set_aside:
                again.append(replace(spec, trial=replace(spec.trial, id=f"{spec.trial.id}-again")))
        for spec in again:
            self._measure(spec, can_repeat=False)

    def _measure(self, spec: OpenSpec, *, can_repeat: bool) -> OpenTrial:
        raw = self._driver.measure(spec.trial, self._load(spec))
        trial = reduction.reduce(raw, spec, self._plan.budget, self._wanted.objective)
        if can_repeat:
            aside = disturbed(trial.measured)
            trial = replace(trial, measured=replace(trial.measured, set_aside=aside))
        self._keep(trial, request_table.with_tables(raw))
        self._trials.append(trial)
        return trial

    def _load(self, spec: OpenSpec) -> Load:
        workload = self._workloads[spec.trial.cell.workload]
        return Load(
            id=spec.trial.id,
            base_url=self._driver.base_url(spec.trial.port),
            path=workload.path,
            scenario=workload.scenario,
            mode="open",
            rate_rps=spec.rate_rps,
            arrivals="poisson",
            max_in_flight=spec.max_in_flight,
            seed=spec.seed,
            settle_s=self._wanted.settle_s,
            window_s=self._wanted.window_s,
            drain_limit_s=DRAIN_LIMIT_S,
        )
