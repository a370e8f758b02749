"""Measures the closed-loop trials of a run on a running stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from loadtests.analysis import core_speed, estimates, request_table, samples
from loadtests.analysis.ceilings import file_ceiling
from loadtests.analysis.latency import level_results
from loadtests.analysis.profiles import naming
from loadtests.analysis.rounds import unfinished
from loadtests.analysis.rules.windows.disturbed import disturbed
from loadtests.analysis.shared import user_gain
from loadtests.environments.protocol import MayBeScaled, SpreadsPeriods, Stack
from loadtests.measurement import repeated_trials, user_calibration
from loadtests.measurement.check_trial import CheckedLoad, RefusedLoad
from loadtests.measurement.driver import Driver
from loadtests.measurement.failure_evidence import FailureEvidence, compared_with_fewer
from loadtests.measurement.open_loop import OpenLoop
from loadtests.measurement.profiles import trials as profile_trials
from loadtests.measurement.profiles.beside import NOTHING, Beside
from loadtests.measurement.progress import Progress
from loadtests.measurement.serving import in_force, jit_warmup, keep_alive
from loadtests.measurement.serving.listen_queues import ListenQueues
from loadtests.measurement.user_load import grouped_names, proxy_connections
from loadtests.model.consistency import ProbeResult, ProbeState
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.generator_records import RawTrial
from loadtests.model.latency import FileCeiling
from loadtests.model.open_trial import OpenTrial
from loadtests.model.plan import Cell, Plan, Timing, TrialSpec
from loadtests.model.tested.in_force import InForce, applied
from loadtests.model.tested.workload import Workload
from loadtests.model.trial import Calibration, Trial
from loadtests.planning import trial_timing
from loadtests.results.run_folder import Store

START_UP_WINDOW_S = 2.0
"""Windows of a run that is not quick; see ``planning.run_plan``."""

Watch = Callable[[], None]
"""Called after each saved trial."""


class Session:
    """A running stack, and the trials measured on it so far."""

    def __init__(
        self,
        plan: Plan,
        stack: Stack,
        driver: Driver,
        store: Store,
        progress: Progress,
        watch: Watch,
    ) -> None:
        self._plan = plan
        self._stack = stack
        self._driver = driver
        self._store = store
        self._progress = progress
        self._watch = watch
        self._workloads = {workload.name: workload for workload in plan.workloads}
        self._calibrations: dict[tuple[str, str], Calibration] = {}
        self._trials: list[Trial] = []
        self._in_force: tuple[InForce, ...] = ()
        self._queues = ListenQueues()
        self._evidence = FailureEvidence(stack.log_of, stack.log_lines)
        self._users_steps: dict[str, int] = {}
        self._file_ceilings: list[FileCeiling] = []
        self._names: set[str] = set()
        """Names of requests of the user's locustfiles."""
        self.notes: tuple[str, ...] = ()
        """What was left out of the user's own loads, or changed, in sentences."""

    def prepare(self) -> None:
        """Wait for the replicas, check the proxy and the loads, and calibrate the users."""
        self._progress.say(f"Waiting for {len(self._stack.replicas)} replicas to answer")
        self._driver.wait_ready(self._plan.upstreams)
        kept = keep_alive.watch(self._stack, self._plan)
        self._keep_in_force(in_force.see(self._stack, self._plan, kept=kept))
        checked = self._check_loads()
        self._progress.say("Asking each replica directly whether all answer as one")
        asked = self._driver.ask_servers(self._plan, checked)
        self._driver.proxy.configure(keep_alive.bounded(self._plan.upstreams, self._plan, kept))
        self._note_periods()
        self._driver.wait_for_proxy()
        self._driver.prove_shares(self._plan.upstreams)
        self._progress.say("Measuring the generator's ceiling (a static answer of the proxy)")
        ceiling = self._driver.measure_ceiling(self._plan.generator_processes)
        if ceiling is not None:
            self._store.write_ceiling(ceiling)
            self._measure_files()
        self._probe(asked)
        warmed = jit_warmup.warm_all(self._plan, self._stack, self._warm_up, self._progress.say)
        self.notes = (*self.notes, *warmed)
        self._calibrations, too_slow = user_calibration.calibrate_all(
            self._plan, self._try_users, user_steps=self._users_steps, say=self._progress.say
        )
        for note in too_slow:
            self._progress.say(note)
        self._calibrations, held = proxy_connections.bounded(
            self._plan, self._stack, self._calibrations, self._users_steps
        )
        grouped = grouped_names.note(self._names)
        self.notes = (*self.notes, *too_slow, *held, *([grouped] if grouped is not None else []))
        calibrations = tuple(self._calibrations.values())
        self._store.write_calibrations(calibrations)
        self._tell_windows(calibrations)
        self._keep_in_force(in_force.after_load(self._stack, self._in_force))
        file_ceiling.refuse_dear(self._plan, calibrations, self._file_ceilings)

    def _check_loads(self) -> dict[str, CheckedLoad]:
        """Run the check trial of each load of the user's own; raise with all that is wrong.

        Where a load's users are refused after they were let in, the checks come before that: each
        process of one server may have sessions of its own.
        """
        upstream = user_calibration.alone(self._plan, self._plan.workers[0].name)
        checked = {}
        for workload in self._plan.workloads:
            if workload.is_users:
                self._progress.say(f"Checking the load {workload.name}: each request once")
                try:
                    checked[workload.name] = self._driver.check_load(workload, upstream)
                except RefusedLoad as error:
                    self._ask_refused(workload, error.checked)
                    raise
                self._users_steps[workload.name] = checked[workload.name].users_step
        notes = [note for load in checked.values() for note in load.notes]
        self.notes = tuple(dict.fromkeys(notes))
        for note in self.notes:
            self._progress.say(note)
        return checked

    def _ask_refused(self, workload: Workload, checked: CheckedLoad) -> None:
        """Ask the servers what users were refused, and write down whether they break."""
        self._progress.say(
            "Requests fail after a good start. Asking each replica directly whether all answer as"
            " one"
        )
        plan = replace(self._plan, workloads=(workload,))
        self._keep_probes(self._driver.ask_servers(plan, {workload.name: checked}))

    def _measure_files(self) -> None:
        """Measure what each locustfile costs the generator, and say it."""
        for workload in self._plan.workloads:
            if workload.locustfile is not None:
                ceiling = self._driver.measure_file_ceiling(workload)
                self._file_ceilings.append(ceiling)
                self._progress.say(file_ceiling.in_words(ceiling))
        if self._file_ceilings:
            self._store.write_file_ceilings(tuple(self._file_ceilings))

    def finish(self) -> None:
        """End users and connections; record what the servers' logs tell, and start-up times.

        Start-up is of use only where variants are compared, and a quick run has no time for it.
        """
        if any(workload.is_users for workload in self._plan.workloads):
            self._driver.end_users()
        self._driver.proxy.close_all()
        seen = in_force.with_troubles(self._stack, self._in_force)
        seen = self._queues.noted(self._stack, seen)
        if len(seen) > 1 and self._plan.timing.window_s >= START_UP_WINDOW_S:
            self._progress.say(
                "Starting one more replica of each variant, to see how long that takes"
            )
            seen = tuple(
                replace(entry, start_s=self._driver.start_s(entry.worker)) for entry in seen
            )
        self._keep_in_force(seen)

    def _note_periods(self) -> None:
        """Record whether the replicas' CPU periods are spread."""
        if isinstance(self._stack, SpreadsPeriods):
            spread = self._stack.periods_spread
            seen = (replace(entry, periods_spread=spread) for entry in self._in_force)
            self._keep_in_force(tuple(seen))

    def _keep_in_force(self, seen: tuple[InForce, ...]) -> None:
        """Record what serves, and use its slots; say it where the target starts its own server."""
        for entry in seen:
            known = next((old for old in self._in_force if old.worker == entry.worker), None)
            if entry.as_started and str(entry) != str(known):
                self._progress.say(f"{entry.worker}: as started: {entry}")
            for note in entry.notes[len(known.notes) if known else 0 :]:
                self._progress.say(f"{entry.worker}: {note}")
        if seen != self._in_force:
            self._in_force = seen
            self._store.write_in_force(seen)
            self._plan = applied(self._plan, seen)

    def _probe(self, asked: Sequence[ProbeResult]) -> None:
        if self._plan.checks:
            self._progress.say("Checking whether the replicas give consistent answers")
        self._keep_probes((*self._driver.probe(self._plan, self._plan.checks), *asked))

    def _keep_probes(self, results: Sequence[ProbeResult]) -> None:
        self._store.write_probes(results)
        for result in results:
            if result.state is ProbeState.BREAKS:
                self._progress.say(f"{result.worker} breaks: {result.detail}")

    def measure(self) -> None:
        """Measure rounds until the result is precise, or somebody else scales the replicas.

        A worker model whose doublings of a workload are precise is left out of further rounds.
        """
        for planned in self._plan.rounds:
            wanted = set(unfinished(self._plan, self._counting()))
            if not wanted:
                return
            self._driver.reset(self._plan)
            self.measure_round([spec for spec in planned if spec.cell in wanted])
            if self._is_stopped():
                return

    def measure_round(self, planned: Sequence[TrialSpec]) -> None:
        """Measure the trials of one round; repeat those that were disturbed."""
        repeated_trials.measure_round(
            planned, self._measure, _renamed, goes_on=lambda: self._foreign_change() is None
        )

    def _is_stopped(self) -> bool:
        """Return whether somebody else scales the replicas; raise if nothing is measured yet."""
        change = self._foreign_change()
        if change is None:
            return False
        told = f"Somebody else scales the deployment: {change}. So the run stops."
        if not self._trials:
            raise EnvironmentFailure(f"{told} Let whoever it is wait until the run ends.")
        self._progress.say(told)
        return True

    def _foreign_change(self) -> str | None:
        """Return how somebody else has scaled the replicas, in a clause; None if nobody did."""
        return self._stack.foreign_change if isinstance(self._stack, MayBeScaled) else None

    def measure_latency(self) -> None:
        """Measure latency under load, if the plan includes it."""
        latency = self._plan.latency
        if latency is not None:
            capacities = level_results.capacities(estimates.cells(self._plan, self._counting()))
            say = self._progress.say
            OpenLoop(self._plan, latency, capacities, self._driver, self._keep_open, say).measure()

    def measure_profiles(self) -> None:
        """Look where requests wait, if the plan includes it; nothing of it is in any figure."""
        planned = self._plan.profile
        if planned is None:
            return
        rates = naming.rates(estimates.cells(self._plan, self._counting()))
        profiles = profile_trials.measure(
            self._plan,
            planned,
            self._stack,
            self._load_beside,
            gains=partial(naming.gain, rates, planned.replica_counts),
            answer_s=self._answer_s,
            say=self._progress.say,
        )
        self._store.write_profiles(profiles)

    def _load_beside(self, spec: TrialSpec, timing: Timing, beside: Beside) -> Trial:
        users = self._calibrations[(spec.cell.worker, spec.cell.workload)].users_per_replica
        raw = self._put_on(spec, users * spec.cell.replicas, timing, beside)
        return samples.reduce(raw, self._plan.budget, service_ms=None)

    def _keep_open(self, trial: OpenTrial, samples: bytes) -> None:
        self._store.append(trial, samples)
        self._watch()

    def _counting(self) -> tuple[Trial, ...]:
        return core_speed.at_mean_speed([trial for trial in self._trials if not trial.set_aside])

    def _measure(self, spec: TrialSpec, /, *, may_repeat: bool) -> Trial:
        """Measure and save one trial; set it aside if its window was disturbed."""
        calibration = self._calibrations[(spec.cell.worker, spec.cell.workload)]
        users = calibration.users_per_replica * spec.cell.replicas
        timing = replace(
            self._plan.timing,
            settle_s=self._settle_s(spec.cell),
            window_s=trial_timing.window_of(self._plan.timing.window_s, calibration),
        )
        with compared_with_fewer(spec, self._trials):
            raw = self._put_on(spec, users, timing)
        trial = samples.reduce(raw, self._plan.budget, service_ms=calibration.service_ms)
        if may_repeat:
            trial = replace(trial, set_aside=disturbed(trial, self._trials))
        trial = self._evidence.explained(trial)
        self._store.append(trial, request_table.with_tables(raw))
        self._trials.append(trial)
        if not trial.set_aside:
            self._progress.measured(self._counting())
        self._watch()
        return trial

    def _answer_s(self, cell: Cell) -> float:
        """Return how long a cell's requests take, by its last trial or else its calibration."""
        calibration = self._calibrations[(cell.worker, cell.workload)]
        before = [trial for trial in self._trials if trial.spec.cell == cell]
        last = before[-1].latency if before else None
        return ((last.mean_ms if last else calibration.answer_ms) or 0.0) / 1000

    def _settle_s(self, cell: Cell) -> float:
        before = [trial for trial in self._trials if trial.spec.cell == cell]
        slots = user_gain.filled_slots(self._plan, cell)
        users = self._calibrations[(cell.worker, cell.workload)].users_per_replica
        return trial_timing.settle_s(
            self._answer_s(cell),
            self._plan.timing.settle_s,
            part=trial_timing.part(self._plan.seed, cell, len(before)),
            in_service_ratio=trial_timing.in_service_ratio(slots, users),
        )

    def _tell_windows(self, calibrations: Sequence[Calibration]) -> None:
        for each in calibrations:
            told = trial_timing.in_words(self._plan.timing.window_s, each)
            if told is not None:
                self._progress.say(f"{each.worker} on {each.workload}: {told}")

    def _try_users(self, spec: TrialSpec, users: int, timing: Timing) -> Trial:
        return samples.reduce(self._put_on(spec, users, timing), self._plan.budget, service_ms=None)

    def _warm_up(self, spec: TrialSpec, users: int) -> Trial:
        return self._try_users(spec, users, jit_warmup.TIMING)

    def _put_on(
        self, spec: TrialSpec, users: int, timing: Timing, beside: Beside = NOTHING
    ) -> RawTrial:
        workload = self._workloads[spec.cell.workload]
        load = self._driver.load_of(spec, workload, timing)
        if workload.is_users:
            fewest = users * min(self._plan.replica_counts) // spec.cell.replicas
            load = replace(load, seed=self._plan.seed, fewest_users=fewest)
        raw = self._driver.measure(spec, replace(load, users=users), beside)
        if workload.locustfile is not None:
            self._names.update(raw.finished.names)
        return raw


def _renamed(spec: TrialSpec, suffix: str) -> TrialSpec:
    return replace(spec, id=spec.id + suffix)
