"""Samples many starts of both versions under the same arrivals, after everything else.

A pair's two starts run on one core, as when they are measured, and are sampled from another core.
Their CPU budgets are lifted: a thread that has used up its budget stands still with the
interpreter's lock, and every sample until the next period would show that place.

For the same reason requests come evenly, those of one version halfway between those of the other.
The kernel lets a request that arrives run first. The one that it interrupts holds the lock
meanwhile, and would be seen in its later functions too often. Samplers of one lane's processes
interrupt those of another, so no two lanes have the same rate: what is interrupted changes with
each request.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random

from loadtests.analysis.profiles import call_paths
from loadtests.analysis.profiles.call_paths import StartSamples
from loadtests.analysis.profiles.own_code import package_named
from loadtests.environments.protocol import Say
from loadtests.gate.analysis import figures, findings, verdict
from loadtests.gate.measurement.generator_pool import TIMEOUT_S, GeneratorPool, Key
from loadtests.gate.measurement.pair_runner import MAX_IN_FLIGHT
from loadtests.gate.model.evidence import Evidence, WorkerLoad
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.vocabulary import SIDE_BY_SIDE, GateVerdict, Mode, SideName
from loadtests.gate.plan import WindowSpec, lane_of, load_now, served_by, twin_s
from loadtests.gate.profiling import checkout
from loadtests.gate.stack import GateStack, starts_of
from loadtests.measurement.profiles.beside import Beside
from loadtests.measurement.profiles.recording import Recording, Sampled, Stacks, read_text
from loadtests.measurement.profiles.trials import ELSEWHERE, NO_PROCESSES, serving
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.model.generator_records import Load
from loadtests.model.profiles.functions import FunctionProfile
from loadtests.model.stack import Replica
from loadtests.tools import proc, procfs, py_spy

STEPS = 6
"""Steps of one pair a lane: with two lanes 12 starts of each version, in less than 30 s."""

SECONDS = 3
"""How long a start is sampled; py-spy takes whole seconds."""

WINDOW_S = 3.5
"""A window: the seconds, and the start of py-spy."""

LOOKS_HZ = 6000
"""Looks per second of all samplers together, in each lane half of them; a look at a process that
holds no lock takes microseconds, one at a stack some 0.2 ms, on another core than the replica's."""

FASTEST_HZ, SLOWEST_HZ = 1500, 50

FREE_CPUS = 1.0
"""The CPU budget of a start meanwhile: no more than its core has."""

LANE_RATIO = 0.93
"""Arrivals in a lane over those in the lane before."""

START_AHEAD_S = 0.2
"""From an order to its start, so that all loads of a step start together."""

RATE_RATIO = 1.5
"""Arrivals over those of the open windows (60 % of base's capacity): more CPU, more samples."""


def is_wanted(plan: GatePlan, evidence: Evidence, worker: str) -> bool:
    """Return whether functions are to be profiled: as the plan says, or where something changed.

    Where requests fail, their functions would not be those of answers.
    """
    if plan.profile is False or findings.head_fails_more(plan, evidence):
        return False
    if plan.profile:
        return True
    changed = {GateVerdict.REGRESSED, GateVerdict.IMPROVED}
    return any(
        endpoint.verdict in changed
        for endpoint in verdict.judge_endpoints(plan, evidence)
        if endpoint.worker == worker and endpoint.endpoint in SIDE_BY_SIDE
    )


def with_profile(evidence: Evidence, profile: FunctionProfile) -> Evidence:
    """Return the evidence with a profile in the place of an earlier one of its worker model."""
    others = (each for each in evidence.profiles if each.worker != profile.worker)
    return replace(evidence, profiles=(*others, profile))


@dataclass(frozen=True, kw_only=True)
class _Started:
    """One start in a step: its pair, lane and version, and its processes that serve."""

    pair: int
    lane: int
    side: SideName
    start: Replica
    pids: tuple[int, ...]


class FunctionProfiler:
    """Profiles one worker model's starts, which are up and were measured."""

    def __init__(
        self,
        stack: GateStack,
        plan: GatePlan,
        worker: str,
        generators: GeneratorPool,
        evidence: Evidence,
        say: Say,
    ) -> None:
        self._stack = stack
        self._plan = plan
        self._worker = worker
        self._generators = generators
        self._evidence = evidence
        self._say = say
        self._application = package_named((plan.tested.application or "",))
        self._failures: list[ProcessFailure] = []
        self._servers: dict[str, str] = {side: self._server(side) for side in SideName}

    def profile(self, here: Path) -> FunctionProfile:
        """Return the profile; ``here`` is in the checkout, where files that ran are looked for.

        What cannot be seen is said in the profile itself; nothing of it makes a gate fail.
        """
        try:
            program = self._program()
            return self._measured(program, here)
        except ProcessFailure as error:
            return self._unseen(py_spy.why_not(error))
        except EnvironmentFailure as error:
            return self._unseen(f"The functions could not be profiled: {error}")

    def _unseen(self, why: str) -> FunctionProfile:
        return FunctionProfile(worker=self._worker, unseen=why)

    def _program(self) -> str:
        """Return the path of py-spy; raise where it cannot look into the first start."""
        if not self._stack.host_cores:
            raise EnvironmentFailure(ELSEWHERE)
        program = py_spy.find_program()
        if program is None:
            raise EnvironmentFailure(py_spy.MISSING)
        pids = self._pids(SideName.BASE, starts_of(self._stack, SideName.BASE)[0])
        if not pids:
            raise EnvironmentFailure(NO_PROCESSES)
        py_spy.dump(program, pids[0])
        return program

    def _measured(self, program: str, here: Path) -> FunctionProfile:
        load = self._load()
        samples: list[StartSamples] = []
        began_s, began_cpu_s = proc.monotonic_s(), proc.children_cpu_s()
        rate_hz, steps = 0, self._steps()
        for number, pairs in enumerate(steps, start=1):
            self._say(f"{self._worker}: sampling functions, {number} of {len(steps)}")
            started = [self._started(pair, side) for pair in pairs for side in SideName]
            rate_hz = _rate_hz(sum(len(each.pids) for each in started))
            samples += self._step(program, started, load, rate_hz)
        if self._failures and not any(each.stacks for each in samples):
            raise self._failures[0]
        seconds = proc.monotonic_s() - began_s
        texts = self._texts(samples)
        gathered = call_paths.gather(
            samples,
            self._servers,
            texts,
            checkout=checkout.find(here, texts[SideName.HEAD]),
            application=self._application,
        )
        return FunctionProfile(
            worker=self._worker,
            rate_hz=rate_hz,
            window_s=SECONDS,
            functions=gathered.functions,
            paths=gathered.paths,
            starts=gathered.starts,
            looking_cpus=round((proc.children_cpu_s() - began_cpu_s) / seconds, 3),
        )

    def _steps(self) -> list[range]:
        """Return the pairs that are sampled at the same time, one a lane."""
        lanes = len(self._plan.cores)
        starts = min(len(starts_of(self._stack, side)) for side in SideName)
        count = min(STEPS, starts // lanes)
        return [range(1 + step * lanes, 1 + (step + 1) * lanes) for step in range(count)]

    def _load(self) -> WorkerLoad:
        load = self._evidence.load_of(self._worker)
        assert load is not None
        now = load_now(self._plan, load, self._evidence.pairs_of(self._worker))
        return replace(now, rate_rps=round(RATE_RATIO * now.rate_rps, 1))

    def _started(self, pair: int, side: SideName) -> _Started:
        start = starts_of(self._stack, side)[pair - 1]
        return _Started(
            pair=pair,
            lane=lane_of(self._plan, pair),
            side=side,
            start=start,
            pids=self._pids(side, start),
        )

    def _pids(self, side: SideName, start: Replica) -> tuple[int, ...]:
        processes = serving(self._stack.processes_of(start.name), self._servers[side])
        return tuple(process.pid for process in processes)

    def _server(self, side: SideName) -> str:
        entries = self._evidence.in_force.get(side, ())
        seen = next((entry.server for entry in entries if entry.worker == self._worker), None)
        return seen or served_by(self._plan, self._worker)[side].server

    def _step(
        self, program: str, started: Sequence[_Started], load: WorkerLoad, rate_hz: int
    ) -> list[StartSamples]:
        """Return the samples of one pair a lane, all in the same window."""
        self._stack.allow([each.start.name for each in started], FREE_CPUS)
        recording = Recording(
            program, lambda: self._sampled(started), rate_hz=rate_hz, seconds=SECONDS
        )
        before = {pid: procfs.modes_of(pid) for each in started for pid in each.pids}
        starts_at_s = proc.now_s() + START_AHEAD_S
        loads: list[tuple[Key, Load]] = [
            ((each.lane, each.side), self._load_of(each, load, starts_at_s)) for each in started
        ]
        try:
            done, opened, closed = self._generators.open(loads, beside=Beside((recording,)))
            recording.stop()
            stacks = {each.start.name: self._stacks(recording, each.start.name) for each in started}
        finally:
            recording.close()
        samples = []
        for each, finished in zip(started, done, strict=True):
            name = each.start.name
            shown = figures.figures(finished, opened, closed, (name,), mode=Mode.OPEN)
            samples.append(
                StartSamples(
                    side=each.side.value,
                    pair=each.pair,
                    start=each.start.identity,
                    requests=shown.completed,
                    cpu_us_per_request=shown.cpu_us_per_request,
                    stacks=stacks[name],
                    user_ratio=_user_ratio(before, each.pids),
                )
            )
        return samples

    def _stacks(self, recording: Recording, member: str) -> Stacks:
        """Return a start's samples; none where a process could not be sampled to its end.

        A server may replace a process at any time. Then this pair does not count.
        """
        try:
            return recording.stacks_of(member)
        except ProcessFailure as error:
            self._failures.append(error)
            return {}

    def _sampled(self, started: Sequence[_Started]) -> list[Sampled]:
        """Return the processes to sample, each from another core than its own."""
        return [
            Sampled(member=each.start.name, pid=pid, cores=self._cores_beside(each.lane))
            for each in started
            for pid in self._pids_now(each)
        ]

    def _pids_now(self, started: _Started) -> tuple[int, ...]:
        """Return a start's processes; they are listed again only where one has gone."""
        if all(procfs.facts_of(pid) for pid in started.pids):
            return started.pids
        return self._pids(started.side, started.start)

    def _cores_beside(self, lane: int) -> tuple[int, ...]:
        own = self._plan.cores[lane]
        return self._plan.service_cores or tuple(core for core in self._plan.cores if core != own)

    def _load_of(self, started: _Started, load: WorkerLoad, starts_at_s: float) -> Load:
        """Return a start's load: the two of a pair take turns."""
        rate_rps = round(load.rate_rps * LANE_RATIO**started.lane, 1)
        random = Random(f"{self._plan.seed} {self._worker} {started.pair} functions")
        spec = WindowSpec(
            mode=Mode.OPEN, base_first=random.random() < 0.5, seed=random.randrange(2**31)
        )
        return Load(
            id=f"f{started.pair:03d}-{started.side}",
            base_url=f"http://{started.start.address}",
            path=self._plan.path,
            settle_s=self._plan.timing.first_settle_s,
            window_s=WINDOW_S,
            drain_limit_s=self._plan.timing.drain_limit_s,
            timeout_s=TIMEOUT_S,
            mode="open",
            rate_rps=rate_rps,
            arrivals="constant",
            max_in_flight=MAX_IN_FLIGHT,
            seed=spec.seed,
            shift_s=twin_s(spec, started.side, rate_rps),
            starts_at_s=starts_at_s,
        )

    def _texts(self, samples: Sequence[StartSamples]) -> Mapping[str, Mapping[str, str | None]]:
        """Return the text of each of the user's own files that was seen, in both versions."""
        names = call_paths.files_of(samples, self._servers, self._application)
        texts: dict[str, Mapping[str, str | None]] = {}
        for side in SideName:
            pids = self._pids(side, starts_of(self._stack, side)[0])
            texts[side] = {name: read_text(pids[0], name) if pids else None for name in names}
        return texts


def _user_ratio(before: Mapping[int, tuple[int, int]], pids: Sequence[int]) -> float | None:
    """Return the share of CPU that these processes had outside of the kernel since ``before``."""
    user = kernel = 0
    for pid in pids:
        now = procfs.modes_of(pid)
        if now < before[pid]:
            return None  # it has gone, and its time with it
        user += now[0] - before[pid][0]
        kernel += now[1] - before[pid][1]
    return round(user / (user + kernel), 4) if user > 0 and kernel >= 0 else None


def _rate_hz(processes: int) -> int:
    """Return how often each of so many processes is looked at: all together have a limit."""
    return max(SLOWEST_HZ, min(FASTEST_HZ, LOOKS_HZ // max(1, processes)))
