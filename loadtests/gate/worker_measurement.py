"""Measures one worker model of a gate: brings up its stack, and puts loads on it."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial

from loadtests.environments.compose.images import ServiceImages
from loadtests.environments.keep_awake import AWAKE_LOG, kept_awake
from loadtests.environments.protocol import Say
from loadtests.gate.analysis import aa_noise, heading
from loadtests.gate.measurement.generator_pool import GeneratorPool, Key
from loadtests.gate.measurement.looks import START_BYTES, Session
from loadtests.gate.measurement.pair_runner import PairRunner
from loadtests.gate.measurement.scaling_blocks import BlockRunner
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.plan import fewest_starts
from loadtests.gate.profiling import profiler
from loadtests.gate.profiling.profiler import FunctionProfiler
from loadtests.gate.recorder import Recorder
from loadtests.gate.request import GateRequest
from loadtests.gate.stack import GateStack, open_stack, starts_of
from loadtests.gate.tested import resetting, serving
from loadtests.gate.tested.serving import Serving
from loadtests.measurement.generator_client import Agent


@dataclass(frozen=True, kw_only=True)
class WorkerMeasurement:
    """The measurement of one worker model; what it finds goes to ``recorder``."""

    worker: str
    request: GateRequest
    services: ServiceImages
    recorder: Recorder
    say: Say

    def run(self) -> None:
        """Bring up the worker model's stack, and measure on it.

        After an error the files are written at once: a CI system may kill this process 10 s later.
        """
        recorder = self.recorder
        with open_stack(
            self.request.root,
            recorder.plan,
            self.worker,
            recorder.sides,
            self.services,
            recorder.store.folder,
            self.say,
        ) as stack:
            try:
                self._measure_on(stack)
            except BaseException:
                with suppress(Exception):  # the original error is the one to report
                    recorder.write_all()
                raise

    def _measure_on(self, stack: GateStack) -> None:
        recorder, first = self.recorder, self._first()
        self.say(f"{self.worker}: bringing up {2 * first} starts")
        stack.grow(first)
        with ExitStack() as generators:
            pool = self._pool(stack, generators)
            pair_runner = PairRunner(stack, recorder.plan, self.worker, pool)
            pair_runner.wait_ready()
            seen = self._see(stack)
            if self._left_out():
                return
            session = Session(
                recorder.plan,
                self.worker,
                stack,
                pair_runner,
                BlockRunner(stack, recorder.plan, self.worker, pool, seen),
                recorder.evidence,
                recorder.keep,
                self.say,
                memory_bytes=recorder.machine.memory_bytes,
                grown=first,
                slots=seen.slots,
                start_bytes=_start_bytes(stack),
                reset=partial(resetting.reset, self.request.options, self.request.here),
            )
            if self.request.calibrate:
                session.calibrate(aa_noise.STARTS, aa_noise.REPEATS)
            elif self.request.functions_only:
                session.prepare(first)
            else:
                session.run()
            self._profile(stack, pool)
            recorder.evidence = serving.kept(recorder.evidence, serving.after_load(stack, seen))
            pool.end_users()
            recorder.note_replaced(pair_runner.identities, stack.identities())

    def _first(self) -> int:
        """Return how many starts of each version come up first."""
        plan = self.recorder.plan
        if self.request.calibrate:
            return aa_noise.STARTS
        if self.request.functions_only:
            return profiler.STEPS * len(plan.cores)
        return plan.looks[0] if self.request.append is None else fewest_starts(plan)

    def _pool(self, stack: GateStack, generators: ExitStack) -> GeneratorPool:
        """Start the generators, and what keeps the cores awake while they send."""
        recorder = self.recorder
        agents = self._agents(stack, generators)
        log = recorder.store.folder / AWAKE_LOG
        awake = generators.enter_context(kept_awake(stack.host_cores, log))
        keep = recorder.store.write_samples if self.request.keep_samples else None
        asked, seed = recorder.plan.asked, recorder.plan.seed
        return GeneratorPool(stack, self.worker, agents, awake, keep, asked=asked, seed=seed)

    def _agents(self, stack: GateStack, generators: ExitStack) -> dict[Key, Agent]:
        """Start a generator for each version in each lane."""
        lanes = range(len(self.recorder.plan.cores))
        keys = [(lane, side) for lane in lanes for side in SideName]
        agents = {key: Agent(generators.enter_context(stack.start_generator())) for key in keys}
        for agent in agents.values():
            agent.hello()
        return agents

    def _see(self, stack: GateStack) -> Serving:
        """Look what serves each version, say it, and note it with the ports that were found."""
        recorder = self.recorder
        seen = serving.see(stack, recorder.plan, self.worker)
        recorder.evidence = serving.kept(recorder.evidence, seen)
        name = heading.heading(recorder.plan, recorder.evidence, self.worker)
        if name != self.worker:
            self.say(f"{self.worker}: {name}")
        for line in heading.remarks(recorder.plan, recorder.evidence):
            self.say(line)
        addresses = {side: starts_of(stack, side)[0].address for side in SideName}
        recorder.note_ports(
            {side: int(address.rpartition(":")[2]) for side, address in addresses.items()}
        )
        return seen

    def _left_out(self) -> bool:
        """Leave a worker model out that is not in force, where the same was measured before."""
        recorder = self.recorder
        before = heading.same_as(recorder.plan, recorder.evidence, self.worker)
        if before is None:
            return False
        name = heading.heading(recorder.plan, recorder.evidence, self.worker)
        told = f"{self.worker} is not in force ({name}), as {before} was not, so it is left out."
        self.say(told)
        recorder.leave_out(self.worker)
        recorder.add_difference(told)
        return True

    def _profile(self, stack: GateStack, pool: GeneratorPool) -> None:
        """Profile functions after everything else, where that is wanted."""
        recorder = self.recorder
        if profiler.is_wanted(recorder.plan, recorder.evidence, self.worker):
            profiling = FunctionProfiler(
                stack, recorder.plan, self.worker, pool, recorder.evidence, self.say
            )
            profile = profiling.profile(self.request.here)
            recorder.keep(profiler.with_profile(recorder.evidence, profile))


def _start_bytes(stack: GateStack) -> int:
    """Return the memory that a start needs: what those that are up have, or what is usual."""
    used = stack.read([start.name for start in stack.replicas])
    return max((START_BYTES, *(reading.memory_bytes or 0 for reading in used)))
