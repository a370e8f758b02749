"""The loop over the stages; the one file that sees them all."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self

from loadtests.analysis import core_speed, generator_ceiling, verdict
from loadtests.analysis.latency import checks, level_results, slo_search
from loadtests.analysis.rules import registry
from loadtests.environments.keep_awake import AWAKE_LOG, kept_awake
from loadtests.environments.protocol import Chosen
from loadtests.measurement.closed_loop import Session
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.measurement.driver import Driver
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.progress import Progress
from loadtests.model.errors import TwofoldError
from loadtests.model.plan import Plan
from loadtests.model.result import RunFacts, RunResult
from loadtests.results import report_files, run_folder
from loadtests.results.run_folder import Recorded, Store
from loadtests.tools import proc, signals

LIVE_EVERY_S = 2.0
"""How often the report of a run that goes on is written; a page that is open reads it as often."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A run that was decided on: its plan, where to put it, and the command that asked for it."""

    plan: Plan
    chosen: Chosen
    results: Path
    command: str


def run(request: Request, progress: Progress) -> tuple[RunResult, Path]:
    """Measure a plan from first to last; give the result and the run's folder.

    Whatever happens, the stack comes down, and what was finished is on disk and reported. A signal
    ends with :class:`~loadtests.model.errors.Interrupted`, any other trouble with its own error.
    """
    plan, chosen = request.plan, request.chosen
    started_at_s = proc.now_s()
    run_id = run_folder.new_run_id(started_at_s, plan.seed)
    kept = Store.create(request.results, run_id)
    facts = _facts_of(run_id, started_at_s, request.command)
    kept.begin(facts, chosen.machine, plan)
    progress.planned(plan)
    try:
        with (
            _LiveReport(kept) as live,
            chosen.backend.open(plan, kept.folder, progress.say) as stack,
            stack.start_generator() as generator,
            stack.start_metronome() as metronome,
            kept_awake(stack.host_cores, kept.folder / AWAKE_LOG) as awake,
        ):
            agent = Agent(generator)
            versions = run_folder.versions_of(agent.hello())
            driver = Driver(stack, agent, Metronome(metronome), awake)
            session = Session(plan, stack, driver, kept, progress, live.update)
            session.prepare()
            began_s = proc.monotonic_s()
            session.measure()
            measuring_s = proc.monotonic_s() - began_s
            session.measure_latency()
        signals.check()
    except BaseException:
        # What was finished is reported as far as it goes; the trouble itself stays the message.
        with suppress(Exception):
            report(kept)
        raise
    facts = replace(
        facts,
        wall_s=proc.now_s() - started_at_s,
        measuring_s=measuring_s,
        finished=True,
        versions=versions,
    )
    kept.begin(facts, chosen.machine, plan)
    return report(kept), kept.folder


def _facts_of(run_id: str, started_at_s: float, command: str) -> RunFacts:
    """Give the facts of a run that has just begun."""
    return RunFacts(
        run_id=run_id,
        started_at=datetime.fromtimestamp(started_at_s, UTC).isoformat(timespec="seconds"),
        command=command,
        wall_s=0.0,
        measuring_s=0.0,
        finished=False,
    )


def report(kept: Store) -> RunResult:
    """Work out the result of a run from what is on disk, and write its reports."""
    recorded = run_folder.read(kept.folder)
    result = with_latency(conclude(recorded), recorded, kept.folder)
    report_files.write_all(kept, result, recorded.trials)
    return result


def conclude(recorded: Recorded) -> RunResult:
    """Work out the result of a run from what is on disk, but for its latency under load."""
    trials = tuple(trial for trial in recorded.trials if not trial.set_aside)
    plan, calibrations, most = recorded.plan, recorded.calibrations, recorded.ceiling
    findings = (
        *registry.check(plan, core_speed.at_mean_speed(trials), calibrations),
        *generator_ceiling.check(plan, trials, most),
        *generator_ceiling.lost(plan, calibrations, most),
        *generator_ceiling.throttled(most),
        *checks.lost(recorded.open_trials),
    )
    result = verdict.conclude(
        recorded.facts, recorded.machine, plan, trials, calibrations, findings, recorded.probes
    )
    return replace(result, cells=generator_ceiling.with_shares(result.cells, most), ceiling=most)


def with_latency(result: RunResult, recorded: Recorded, folder: Path) -> RunResult:
    """Add the latency under load, for which the samples are read, one rate of a cell at a time."""
    objectives = slo_search.results(result.plan, result.cells, recorded.open_trials)
    return replace(
        result,
        latency=level_results.results(
            result.plan, result.cells, recorded.open_trials, partial(run_folder.read_waits, folder)
        ),
        slo=objectives,
        slo_doublings=slo_search.doublings(result.plan, objectives),
    )


class _LiveReport:
    """The report of a run that goes on, from before its first trial.

    It is written while the next trial settles, by a thread, so that no window waits for it.
    """

    def __init__(self, kept: Store) -> None:
        self._kept = kept
        self._written_s = -LIVE_EVERY_S
        self._writing = threading.Thread()

    def update(self) -> None:
        """Write it again, if it is old enough and the last one is done."""
        if self._writing.is_alive() or proc.monotonic_s() - self._written_s < LIVE_EVERY_S:
            return
        self._written_s = proc.monotonic_s()
        self._writing = threading.Thread(target=self._write, name="live-report")
        self._writing.start()

    def _write(self) -> None:
        recorded = run_folder.read(self._kept.folder)
        # A disk that is full is told by the journal; this page is a convenience.
        with suppress(TwofoldError):
            report_files.write_live(self._kept, conclude(recorded), recorded.trials)

    def __enter__(self) -> Self:
        self.update()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Wait for the page that is being written: the last one must not be a live one."""
        if self._writing.is_alive():
            self._writing.join()
