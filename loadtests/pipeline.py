"""The loop over the stages; the one file that sees them all."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from loadtests import analysis, calibration, corespeed, outputs, samples, store, validity, verdict
from loadtests.agent import Agent
from loadtests.driver import Driver
from loadtests.environment.choice import Chosen
from loadtests.environment.protocol import Stack
from loadtests.metronome import Metronome
from loadtests.model import Calibration, Plan, RunFacts, RunResult, Timing, Trial, TrialSpec
from loadtests.progress import Progress
from loadtests.raw import Load, RawTrial
from loadtests.rules.system import disturbed
from loadtests.store import Recorded, Store
from loadtests.tools import proc, signals

REPEATED_PART = 4
"""At most every fourth trial of a round is measured again; more is no accident but the machine."""

CALIBRATION_TIMING = Timing(
    settle_s=calibration.SETTLE_S, window_s=calibration.WINDOW_S, drain_limit_s=15.0
)


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
    ends with :class:`Interrupted`, any other trouble with its own error.
    """
    plan, chosen = request.plan, request.chosen
    started_at_s = proc.now_s()
    run_id = store.new_run_id(started_at_s, plan.seed)
    kept = Store.create(request.results, run_id)
    facts = RunFacts(
        run_id=run_id,
        started_at=datetime.fromtimestamp(started_at_s, UTC).isoformat(timespec="seconds"),
        command=request.command,
        wall_s=0.0,
        measuring_s=0.0,
        finished=False,
    )
    kept.begin(facts, chosen.machine, plan)
    progress.planned(plan)
    measuring_s = 0.0
    try:
        with (
            chosen.backend.open(plan, kept.folder, progress.say) as stack,
            stack.start_generator() as generator,
            stack.start_metronome() as metronome,
        ):
            agent = Agent(generator)
            versions = store.versions_of(agent.hello())
            driver = Driver(stack, agent, Metronome(metronome))
            session = _Session(plan, stack, driver, kept, progress)
            session.prepare()
            began_s = proc.monotonic_s()
            session.measure()
            measuring_s = proc.monotonic_s() - began_s
        signals.check()
    except BaseException:
        # What was finished is reported as far as it goes; the trouble itself stays the message.
        with suppress(Exception):
            outputs.write_all(kept, conclude(store.read(kept.folder)), _trials(kept))
        raise
    facts = replace(
        facts,
        wall_s=proc.now_s() - started_at_s,
        measuring_s=measuring_s,
        finished=True,
        versions=versions,
    )
    kept.begin(facts, chosen.machine, plan)
    recorded = store.read(kept.folder)
    result = conclude(recorded)
    outputs.write_all(kept, result, recorded.trials)
    return result, kept.folder


def conclude(recorded: Recorded) -> RunResult:
    """Work out the result of a run from what is on disk."""
    trials = tuple(trial for trial in recorded.trials if not trial.set_aside)
    findings = validity.check(recorded.plan, corespeed.at_mean_speed(trials), recorded.calibrations)
    return verdict.conclude(
        recorded.facts,
        recorded.machine,
        recorded.plan,
        trials,
        recorded.calibrations,
        findings,
    )


def _trials(kept: Store) -> tuple[Trial, ...]:
    return store.read(kept.folder).trials


class _Session:
    """A stack that is up, and the trials that were measured on it so far."""

    def __init__(
        self, plan: Plan, stack: Stack, driver: Driver, kept: Store, progress: Progress
    ) -> None:
        self._plan = plan
        self._stack = stack
        self._driver = driver
        self._kept = kept
        self._progress = progress
        self._paths = {workload.name: workload.path for workload in plan.workloads}
        self._calibrations: dict[tuple[str, str], Calibration] = {}

    def prepare(self) -> None:
        """Wait for the replicas, prove the proxy, and find out how many users are enough."""
        self._progress.say(f"Waiting for {len(self._stack.replicas)} replicas to answer")
        self._driver.wait_ready()
        self._stack.configure_proxy(self._plan.upstreams)
        self._driver.wait_for_proxy()
        self._driver.prove_shares(self._plan.upstreams)
        for workload in self._plan.workloads:
            for worker in self._plan.workers:
                self._progress.say(f"How many users keep one {worker.name} busy ({workload.name})")
                self._calibrations[(worker.name, workload.name)] = calibration.calibrate(
                    self._plan, worker.name, workload.name, self._try_users
                )
        self._kept.write_calibrations(tuple(self._calibrations.values()))

    def measure(self) -> None:
        """Measure round after round until the answer is precise enough."""
        trials: list[Trial] = []
        for planned in self._plan.rounds:
            again: list[TrialSpec] = []
            for spec in planned:
                can_repeat = len(again) < max(1, len(planned) // REPEATED_PART)
                trial = self._measure(spec, can_repeat=can_repeat)
                if trial.set_aside:
                    again.append(replace(spec, id=f"{spec.id}-again"))
                else:
                    self._count(trials, trial)
            for spec in again:
                self._count(trials, self._measure(spec, can_repeat=False))
            if analysis.enough(self._plan, corespeed.at_mean_speed(trials)):
                return

    def _count(self, trials: list[Trial], trial: Trial) -> None:
        trials.append(trial)
        self._progress.measured(corespeed.at_mean_speed(trials))

    def _measure(self, spec: TrialSpec, *, can_repeat: bool) -> Trial:
        """Measure one trial and write it down; set it aside if others disturbed its window.

        What others did is all that this looks at, never the throughput.
        """
        known = self._calibrations[(spec.cell.worker, spec.cell.workload)]
        users = known.users_per_replica * spec.cell.replicas
        raw = self._put_on(spec, users, self._plan.timing)
        trial = samples.reduce(raw, self._plan.budget, service_ms=known.service_ms)
        if can_repeat:
            trial = replace(trial, set_aside=disturbed(trial))
        self._kept.append(trial, raw.samples)
        return trial

    def _try_users(self, spec: TrialSpec, users: int) -> Trial:
        raw = self._put_on(spec, users, CALIBRATION_TIMING)
        return samples.reduce(raw, self._plan.budget, service_ms=None)

    def _put_on(self, spec: TrialSpec, users: int, timing: Timing) -> RawTrial:
        return self._driver.measure(
            spec,
            Load(
                id=spec.id,
                base_url=self._driver.base_url(spec.port),
                path=self._paths[spec.cell.workload],
                users=users,
                settle_s=timing.settle_s,
                window_s=timing.window_s,
                drain_limit_s=timing.drain_limit_s,
            ),
        )
