"""Runs the stages of a run; the only module that imports them all."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Self

from loadtests.analysis import core_speed, verdict
from loadtests.analysis.ceilings import file_ceiling, generator_ceiling
from loadtests.analysis.consistency import lasting, rate_limits
from loadtests.analysis.failures import requests_by_name, shape
from loadtests.analysis.latency import checks, level_results, slo_search
from loadtests.analysis.rules import registry
from loadtests.environments.guards import machine_lock
from loadtests.environments.keep_awake import AWAKE_LOG, Awake, kept_awake
from loadtests.environments.protocol import Chosen, HasFront, Stack
from loadtests.measurement import check_trial
from loadtests.measurement.closed_loop import Session
from loadtests.measurement.core_speed_probe import Metronome
from loadtests.measurement.driver import Driver
from loadtests.measurement.generator_client import Agent
from loadtests.measurement.progress import Progress
from loadtests.model.errors import NotInForce, TwofoldError, UnusableLoad
from loadtests.model.machine import Machine
from loadtests.model.plan import Plan
from loadtests.model.result import RunFacts, RunResult
from loadtests.model.tested import in_force
from loadtests.model.tested.target import TargetKind
from loadtests.model.trial import Trial
from loadtests.model.vocabulary import Verdict
from loadtests.results import report_files, run_folder
from loadtests.results.run_folder import Recorded, Store
from loadtests.tools import proc, signals
from loadtests.tools.proc import Child

LIVE_EVERY_S = 2.0
"""Seconds between two updates of a live report; an open page reloads it as often."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """A run to measure: its plan, its results folder, and its command line.

    Without ``wait`` it fails if another run measures on this machine.
    """

    plan: Plan
    chosen: Chosen
    results: Path
    command: str
    wait: bool = True


def run(request: Request, progress: Progress) -> tuple[RunResult, Path]:
    """Measure a plan, and return the result and the run's folder.

    The stack is always taken down, and finished trials are saved and reported, even after an error.
    A signal raises :class:`~loadtests.model.errors.Interrupted`. An image that does not run a
    worker model that it was told to raises :class:`~loadtests.model.errors.NotInForce`, and leaves
    no folder. What is wrong with a locustfile is told before it waits for another run. A load that
    cannot be used any further raises nothing where the application is known to break by then.
    """
    file_notes = check_trial.read_plan(request.plan)
    with machine_lock.held(request.chosen.lock, progress.say, wait=request.wait) as lock:
        return _run(request, file_notes, progress, lock)


def _run(
    request: Request, file_notes: Sequence[str], progress: Progress, lock: machine_lock.Held
) -> tuple[RunResult, Path]:
    plan, chosen = request.plan, request.chosen
    started_at_s, started_s = proc.now_s(), proc.monotonic_s()
    store = Store.create(request.results, run_folder.new_run_id(started_at_s, plan.seed))
    lock.note(store.folder)
    facts = _facts_of(store.folder.name, started_at_s, request.command)
    store.begin(facts, chosen.machine, plan)
    progress.planned(plan)
    try:
        with (
            _LiveReport(store) as live,
            chosen.backend.open(plan, store.folder, progress.say) as stack,
            stack.start_generator() as generator,
            stack.start_metronome() or nullcontext() as metronome,
            kept_awake(stack.host_cores, store.folder / AWAKE_LOG) as awake,
        ):
            agent = Agent(generator)
            versions = run_folder.versions_of(agent.hello())
            driver = _driver_of(plan, stack, agent, metronome, awake)
            session = Session(plan, stack, driver, store, progress, live.update)
            session.prepare()
            plan = with_notes(with_front(plan, stack), (*file_notes, *session.notes, *stack.notes))
            store.begin(facts, chosen.machine, plan)
            measuring_s = _measured_s(session)
            plan = with_front(plan, stack)
        signals.check()
    except NotInForce:  # nothing was measured; see ``run``
        store.discard()
        raise
    except UnusableLoad as error:
        facts = replace(facts, wall_s=proc.monotonic_s() - started_s)
        plan = with_notes(plan, [*file_notes, error.early_end])
        result = _ended_early(store, facts, chosen.machine, plan)
        if result is None:
            raise
        progress.say(error.early_end)
        return result, store.folder
    except BaseException:
        # Report the finished trials if possible; the original error is the one to raise.
        with suppress(Exception):
            report(store)
        raise
    wall_s = proc.monotonic_s() - started_s
    facts = replace(facts, wall_s=wall_s, measuring_s=measuring_s, finished=True, versions=versions)
    # Some notes are made while the stack goes down.
    store.begin(facts, chosen.machine, with_notes(plan, stack.notes))
    return report(store), store.folder


def _ended_early(store: Store, facts: RunFacts, machine: Machine, plan: Plan) -> RunResult | None:
    """Report a run whose load could not be used; return its result if the application breaks."""
    with suppress(Exception):  # the error of the load is the one to raise
        store.begin(facts, machine, plan)
        result = report(store)
        return result if result.verdict is Verdict.BREAKS else None
    return None


def _measured_s(session: Session) -> float:
    """Measure all trials, and return the seconds that the rounds took."""
    began_s = proc.monotonic_s()
    session.measure()
    measuring_s = proc.monotonic_s() - began_s
    session.measure_latency()
    session.measure_profiles()
    session.finish()
    return measuring_s


def _driver_of(
    plan: Plan, stack: Stack, agent: Agent, metronome: Child | None, awake: Awake
) -> Driver:
    return Driver(
        stack,
        agent,
        Metronome(metronome) if metronome else None,
        awake,
        health_path=plan.health_path,
        start_limit_s=plan.start_limit_s,
        counts_requests=plan.tested.kind is TargetKind.SAMPLE,
    )


def with_notes(plan: Plan, notes: Sequence[str]) -> Plan:
    """Return a plan whose target has further notes, which were made on the running stack."""
    told = tuple(dict.fromkeys((*plan.tested.notes, *notes)))
    return replace(plan, tested=replace(plan.tested, notes=told))


def with_front(plan: Plan, stack: Stack) -> Plan:
    """Return a plan with what was seen of the user's own proxy, where there is one."""
    if not isinstance(stack, HasFront):
        return plan
    return replace(plan, tested=replace(plan.tested, front=stack.look_at_front()))


def _facts_of(run_id: str, started_at_s: float, command: str) -> RunFacts:
    """Return the facts of a run that has just started."""
    return RunFacts(
        run_id=run_id,
        started_at=datetime.fromtimestamp(started_at_s, UTC).isoformat(timespec="seconds"),
        command=command,
        wall_s=0.0,
        measuring_s=0.0,
        finished=False,
    )


def report(store: Store) -> RunResult:
    """Write the reports of a run from its saved trials, and return its result."""
    result, trials = read(store.folder)
    report_files.write_all(store, result, trials)
    return result


def read(folder: Path) -> tuple[RunResult, tuple[Trial, ...]]:
    """Return the result of a run from its folder, and its trials; write nothing."""
    recorded = run_folder.read(folder)
    return with_latency(conclude(recorded), recorded, folder), recorded.trials


def conclude(recorded: Recorded) -> RunResult:
    """Return the result of a run from its saved trials, without latency under load."""
    trials = tuple(trial for trial in recorded.trials if not trial.set_aside)
    plan, calibrations = recorded.plan, recorded.calibrations
    plan = in_force.applied(plan, recorded.in_force)
    ceiling = recorded.ceiling
    failures = shape.results(
        plan,
        trials,
        finished=recorded.facts.finished,
        counting_alone=rate_limits.counting_alone(recorded.probes),
        losing_sessions=lasting.losing_sessions(recorded.probes, plan, trials),
    )
    findings = (
        *registry.check(plan, core_speed.at_mean_speed(trials), calibrations, failures),
        *generator_ceiling.check(plan, trials, ceiling),
        *file_ceiling.check(plan, trials, recorded.file_ceilings),
        *generator_ceiling.lost(plan, calibrations, ceiling),
        *generator_ceiling.throttled(ceiling),
        *checks.lost(recorded.open_trials),
    )
    result = verdict.conclude(
        recorded.facts,
        recorded.machine,
        plan,
        trials,
        calibrations,
        findings,
        recorded.probes,
        failures,
        recorded.profiles,
    )
    cells = generator_ceiling.with_shares(result.cells, ceiling)
    requests = requests_by_name.results(cells, trials)
    return replace(
        result, cells=cells, ceiling=ceiling, in_force=recorded.in_force, requests=requests
    )


def with_latency(result: RunResult, recorded: Recorded, folder: Path) -> RunResult:
    """Return the result with latency under load; reads the samples of one rate at a time."""
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
    """The report of a run in progress.

    A thread writes it during the next trial's warmup, so that no window waits for it.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._written_s = -LIVE_EVERY_S
        self._writing = threading.Thread()

    def update(self) -> None:
        """Write the report again, if it is old enough and not being written."""
        if self._writing.is_alive() or proc.monotonic_s() - self._written_s < LIVE_EVERY_S:
            return
        self._written_s = proc.monotonic_s()
        self._writing = threading.Thread(target=self._write, name="live-report")
        self._writing.start()

    def _write(self) -> None:
        recorded = run_folder.read(self._store.folder)
        # The journal reports a full disk; this page is optional.
        with suppress(TwofoldError):
            report_files.write_live(self._store, conclude(recorded), recorded.trials)

    def __enter__(self) -> Self:
        self.update()
        return self

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        """Wait for the live report being written, so that it cannot replace the final one."""
        if self._writing.is_alive():
            self._writing.join()
