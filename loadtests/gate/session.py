"""One worker model's part of a gate: look after look, until it is settled or the time is up."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

from loadtests.environment.protocol import Say
from loadtests.gate import verdict
from loadtests.gate.measuring import Measuring
from loadtests.gate.model import (
    SIDE_BY_SIDE,
    EndpointName,
    EndpointResult,
    Evidence,
    GatePlan,
    GateVerdict,
    ScalingBlock,
    StartPair,
    WorkerLoad,
)
from loadtests.gate.plan import BLOCK_S, STEP_S
from loadtests.gate.stack import GateStack

FEWEST_STARTS = 4
"""Starts of each side that a stack has at least: a ring for the scaling blocks."""

START_BYTES = 64 << 20
"""Memory of an idle start (measured: 45 to 60 MiB under gthread)."""

Keep = Callable[[Evidence], None]
"""Writes down what there is, after each pair and block."""


class Session:
    """The measuring of one worker model on one stack."""

    def __init__(
        self,
        plan: GatePlan,
        worker: str,
        stack: GateStack,
        measuring: Measuring,
        evidence: Evidence,
        keep: Keep,
        say: Say,
        *,
        memory_bytes: int,
        grown: int,
    ) -> None:
        self._plan = plan
        self._worker = worker
        self._stack = stack
        self._measuring = measuring
        self._keep = keep
        self._say = say
        self.evidence = evidence
        self._pairs_before = len(self._pairs())
        self._blocks_before = len(self._blocks())
        self._most = max(FEWEST_STARTS, memory_bytes // 2 // START_BYTES // 2)
        self._grown = grown
        self._prepared = False

    def run(self, *, until: int | None = None) -> None:
        """Measure until every endpoint is settled, the time is up, or (calibrating) ``until``."""
        for look in self._plan.looks:
            if until is not None and look > until:
                return
            if look <= min(len(self._pairs()), self._blocks_done()):
                continue
            if until is None and self._settled():
                return
            if self._pairs() and not self._affordable(look):
                self._say("The next look does not fit the time or the memory")
                return
            self._measure_to(look, always=until is not None)

    def _settled(self) -> bool:
        """Tell whether nothing is open, or one endpoint is shown to be worse."""
        endpoints = self._endpoints()
        if any(each.verdict is GateVerdict.REGRESSED for each in endpoints):
            return True
        return all(each.verdict is not GateVerdict.INCONCLUSIVE for each in endpoints)

    def _measure_to(self, look: int, *, always: bool) -> None:
        """Go on to a look with what is still open: pairs, then blocks."""
        if always or self._open(*SIDE_BY_SIDE):
            self._have(look - self._pairs_before)
            load = self._load()
            lanes = len(self._plan.cores)
            while (done := len(self._pairs())) < look:
                numbers = range(done + 1, min(done + lanes, look) + 1)
                self._say(f"{self._worker}: starts side by side, {numbers[-1]} of {look}")
                found = self._measuring.pairs(numbers, load, before=self._pairs_before)
                self._add(pairs=(*self.evidence.pairs, *found))
        if self._regressed() and not always:
            return
        if self._plan.scaling and (always or self._open(EndpointName.SCALING)):
            self._have(FEWEST_STARTS)
            load = self._load()
            if not self._prepared:
                self._measuring.prepare_blocks()
                self._prepared = True
            with self._measuring.metronome() as metronome:
                for number in range(len(self._blocks()) + 1, look + 1):
                    self._say(f"{self._worker}: one and two replicas in turns, {number} of {look}")
                    block = self._measuring.block(number, load, metronome)
                    self._add(blocks=(*self.evidence.blocks, block))

    def _have(self, starts: int) -> None:
        """Have so many starts of each side, ready."""
        wanted = max(FEWEST_STARTS, starts)
        if wanted <= self._grown:
            return
        self._say(f"{self._worker}: bringing up {2 * (wanted - self._grown)} starts")
        self._stack.grow(wanted)
        self._measuring.wait_ready()
        self._grown = wanted

    def _load(self) -> WorkerLoad:
        for known in self.evidence.loads:
            if known.worker == self._worker:
                return known
        self._measuring.check_path()
        load = self._measuring.calibrate()
        self._say(f"{self._worker}: {load.users} users, {load.rate_rps:.0f} requests/s when open")
        self._add(loads=(*self.evidence.loads, load))
        return load

    def _add(
        self,
        *,
        loads: tuple[WorkerLoad, ...] | None = None,
        pairs: tuple[StartPair, ...] | None = None,
        blocks: tuple[ScalingBlock, ...] | None = None,
    ) -> None:
        self.evidence = replace(
            self.evidence,
            loads=self.evidence.loads if loads is None else loads,
            pairs=self.evidence.pairs if pairs is None else pairs,
            blocks=self.evidence.blocks if blocks is None else blocks,
        )
        self._keep(self.evidence)

    def _endpoints(self) -> list[EndpointResult]:
        return [
            each
            for each in verdict.judge_endpoints(self._plan, self.evidence)
            if each.worker == self._worker or each.endpoint is EndpointName.ERRORS
        ]

    def _open(self, *names: EndpointName) -> bool:
        return any(
            each.verdict is GateVerdict.INCONCLUSIVE
            for each in self._endpoints()
            if each.endpoint in names
        )

    def _regressed(self) -> bool:
        return any(each.verdict is GateVerdict.REGRESSED for each in self._endpoints())

    def _affordable(self, look: int) -> bool:
        spent_s = math.fsum(
            (
                *(pair.wall_s for pair in self._pairs()[self._pairs_before :]),
                *(block.wall_s for block in self._blocks()[self._blocks_before :]),
            )
        )
        pairs = look - len(self._pairs()) if self._open(*SIDE_BY_SIDE) else 0
        blocks = look - self._blocks_done() if self._open(EndpointName.SCALING) else 0
        more_s = (
            math.ceil(max(0, pairs) / len(self._plan.cores)) * STEP_S + max(0, blocks) * BLOCK_S
        )
        fits = pairs <= 0 or look - self._pairs_before <= self._most
        return fits and spent_s + more_s <= 60 * self._plan.max_minutes

    def _pairs(self) -> list[StartPair]:
        return [pair for pair in self.evidence.pairs if pair.worker == self._worker]

    def _blocks(self) -> list[ScalingBlock]:
        return [block for block in self.evidence.blocks if block.worker == self._worker]

    def _blocks_done(self) -> int:
        return len(self._blocks()) if self._plan.scaling else len(self._pairs())
