"""Measures one worker model, look by look, until the verdict is clear or the time is up."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

from loadtests.environments.protocol import Say
from loadtests.gate.analysis import consistency_guard, findings, verdict
from loadtests.gate.measurement.pair_runner import PairRunner
from loadtests.gate.measurement.scaling_blocks import BlockRunner
from loadtests.gate.model.evidence import Evidence, ScalingBlock, StartPair, WorkerLoad
from loadtests.gate.model.plan import GatePlan
from loadtests.gate.model.result import EndpointResult
from loadtests.gate.model.vocabulary import SIDE_BY_SIDE, EndpointName, GateVerdict
from loadtests.gate.plan import block_steps, fewest_starts, load_now, measuring_s
from loadtests.gate.stack import GateStack
from loadtests.gate.tested import refusals
from loadtests.model.errors import EnvironmentFailure, UnusableLoad
from loadtests.model.vocabulary import RuleCode

START_BYTES = 64 << 20
"""Memory of an idle start: 45 to 60 MiB under gthread, rounded up."""

OVERTIME = 1.5
"""Multiple of the allowed minutes after which a look is stopped. A slow machine needs a little
longer than planned, and requests that hang delay every window."""

Reset = Callable[[], None]
"""Takes back what the load left behind, of both versions."""

Keep = Callable[[Evidence], None]
"""Saves the evidence so far, after each pair and block."""


class Session:
    """The measurement of one worker model on one stack."""

    def __init__(
        self,
        plan: GatePlan,
        worker: str,
        stack: GateStack,
        pair_runner: PairRunner,
        block_runner: BlockRunner,
        evidence: Evidence,
        keep: Keep,
        say: Say,
        *,
        memory_bytes: int,
        grown: int,
        slots: int | None = None,
        start_bytes: int = START_BYTES,
        reset: Reset = lambda: None,
    ) -> None:
        """``slots`` are those of a start of base; ``start_bytes`` is what a start needs.

        ``reset`` is called before each step of pairs and each block.
        """
        self._reset = reset
        self._slots = slots
        self._is_checked = False
        self._in_block = False
        self._plan = plan
        self._worker = worker
        self._stack = stack
        self._pair_runner = pair_runner
        self._block_runner = block_runner
        self._keep = keep
        self._say = say
        self.evidence = evidence
        self._pairs_before = len(self._pairs())
        self._blocks_before = len(self._blocks())
        self._most = max(fewest_starts(plan), memory_bytes // 2 // start_bytes // 2)
        self._grown = grown

    def run(self) -> None:
        """Measure until the verdict is clear or the time is up, then check the answers.

        The checks come last, so that every start is measured fresh. They are skipped if requests
        fail, since each check would then wait for its timeouts. Where users do not get to their
        first task, further tries or, at two replicas, the checks show whether head breaks.
        """
        try:
            self._measure()
        except UnusableLoad as error:
            with suppress(EnvironmentFailure):
                if self._in_block:
                    self._probe()
                else:
                    self._begin_again()
                if self._note_refusals():
                    told = findings.told_refusals(self.evidence)
                    raise UnusableLoad(f"{error} {told}") from error
            raise
        if not self._requests_fail():
            self._probe()
        if self._requests_fail() or self._regressed():
            self._note_refusals()

    def _begin_again(self) -> None:
        """Let users begin at further starts; note it where base's do in all tries, head's in none.

        For two equal versions this happens by chance as seldom as wrong answers in all tries.
        """
        load = self.evidence.load_of(self._worker)
        if load is None:  # it is base that was loaded
            return
        failures: list[str] = []
        for number in range(1, consistency_guard.TRIES + 1):
            self._say(f"{self._worker}: users begin again, try {number}")
            base, head = self._pair_runner.begin_again(number, load)
            if base is not None or head is None:
                return
            failures.append(head)
        not_begun = {**self.evidence.not_begun, self._worker: tuple(failures)}
        self._add(not_begun=not_begun)

    def _measure(self) -> None:
        """Measure look by look.

        Pairs come first, because they take less time. Decided endpoints are not measured further.
        """
        while not self._settled():
            pairs = self._next(self._plan.looks, self._pairs(), *SIDE_BY_SIDE)
            blocks = self._next(self._plan.block_looks, self._blocks(), EndpointName.SCALING)
            if pairs is None and blocks is None:
                return
            if self.evidence.pairs and not self._affordable(pairs, blocks):
                self._say("The next look needs more time or memory than allowed")
                return
            if pairs is not None:
                self._measure_pairs(pairs)
            if blocks is not None and not self._regressed() and not self._overtime():
                self._measure_blocks(blocks)

    def calibrate(self, starts: int, repeats: int) -> None:
        """Measure ``starts`` pairs of starts, each ``repeats`` times."""
        self._bring_up(starts)
        load = self._load()
        for before in range(0, starts * repeats, starts):
            numbers = range(before + 1, before + starts + 1)
            for step in self._steps(numbers):
                self._measure_step(step, load, before=before, last=numbers[-1])

    def prepare(self, starts: int) -> None:
        """Bring up ``starts`` starts of each version, and find their load; nothing is measured."""
        self._bring_up(starts)
        self._load()

    def _next(
        self, looks: Sequence[int], done: Sequence[object], *names: EndpointName
    ) -> int | None:
        """Return the next look if one of these endpoints is inconclusive, or None."""
        if not self._open(*names):
            return None
        return next((look for look in looks if look > len(done)), None)

    def _settled(self) -> bool:
        """Return whether no endpoint is inconclusive, one has regressed, or requests fail."""
        verdicts = {endpoint.verdict for endpoint in self._endpoints()}
        return (
            self._requests_fail()
            or GateVerdict.REGRESSED in verdicts
            or GateVerdict.INCONCLUSIVE not in verdicts
        )

    def _requests_fail(self) -> bool:
        """Return whether so many requests fail that the other endpoints need no measurement."""
        return findings.head_fails_more(self._plan, self.evidence) or any(
            finding.code is RuleCode.ERRORS and not finding.warning
            for finding in findings.check(self._plan, self.evidence)
        )

    def _note_refusals(self) -> bool:
        """Note where a version's store refused connections; return whether a log says so.

        That is looked for only where it may be the reason of something: logs may be long.
        """
        found = refusals.seen(self._stack)
        if not (found.stores or found.by_head):
            return False
        stores = {**self.evidence.store_refusals, **found.stores}
        head = found.by_head or self.evidence.head_refusal
        self._add(store_refusals=stores, head_refusal=head)
        return True

    def _measure_pairs(self, look: int) -> None:
        self._bring_up(look - self._pairs_before)
        load = self._load()
        for step in self._steps(range(len(self._pairs()) + 1, look + 1)):
            if self._overtime():
                return
            self._measure_step(step, load, before=self._pairs_before, last=look)

    def _steps(self, numbers: range) -> Iterator[range]:
        """Yield the numbers of the pairs that are measured at the same time, one per lane."""
        lanes = len(self._plan.cores)
        for first in numbers[::lanes]:
            yield range(first, min(first + lanes, numbers.stop))

    def _measure_step(self, step: range, load: WorkerLoad, *, before: int, last: int) -> None:
        self._say(f"{self._worker}: starts side by side, {step[-1]} of {last}")
        self._reset()
        now = load_now(self._plan, load, self._pairs()[self._pairs_before :])
        pairs = self._pair_runner.pairs(step, now, before=before)
        self._add(pairs=(*self.evidence.pairs, *pairs))

    def _measure_blocks(self, look: int) -> None:
        self._bring_up(fewest_starts(self._plan))
        load = self._load()
        self._block_runner.prepare()
        with self._block_runner.metronome() as metronome:
            for step in block_steps(range(len(self._blocks()) + 1, look + 1)):
                if self._overtime():
                    return
                self._say(f"{self._worker}: one and two replicas in turns, {step[-1]} of {look}")
                self._reset()
                self._in_block = True
                blocks = self._block_runner.blocks(step, load, metronome)
                self._in_block = False
                self._add(blocks=(*self.evidence.blocks, *blocks))

    def _probe(self) -> None:
        """Check two replicas of each version for consistency; repeat where only head fails."""
        for _ in range(consistency_guard.MOST_ROUNDS):
            checks = consistency_guard.to_try(self.evidence, self._worker, self._plan.checks)
            asks = consistency_guard.is_to_ask(self.evidence, self._worker)
            if not checks and not asks:
                return
            self._say(f"{self._worker}: checking whether two replicas give consistent answers")
            self._block_runner.prepare()
            probes = self._block_runner.probe(checks)
            if self._plan.asked is not None:
                self._check_load()
            number = consistency_guard.times_asked(self.evidence, self._worker) + 1
            checked = self._pair_runner.checked
            asked = self._block_runner.ask_servers(checked, number=number) if asks else ()
            self._add(probes=(*self.evidence.probes, *probes, *asked))
            if not probes and not asked:  # there is nothing to ask
                return

    def _bring_up(self, starts: int) -> None:
        """Bring up at least ``starts`` starts of each version, and wait until they are ready."""
        needed = max(fewest_starts(self._plan), starts)
        if needed <= self._grown:
            return
        self._say(f"{self._worker}: bringing up {2 * (needed - self._grown)} starts")
        self._stack.grow(needed)
        self._pair_runner.wait_ready()
        self._grown = needed

    def _load(self) -> WorkerLoad:
        known = self.evidence.load_of(self._worker)
        if known is not None:
            return known
        self._check_load()
        load = self._pair_runner.calibrate(self._slots)
        self._say(
            f"{self._worker}: {load.users} users, {load.rate_rps:.0f} requests/s in the open loop"
        )
        self._add(loads=(*self.evidence.loads, load))
        return load

    def _check_load(self) -> None:
        """Check the load on base, once; a session that is appended to has not done so."""
        if not self._is_checked:
            self._pair_runner.check_load()
            self._is_checked = True

    def _add(self, **found: Any) -> None:
        """Put fields into the evidence, and save it."""
        self.evidence = replace(self.evidence, **found)
        self._keep(self.evidence)

    def _endpoints(self) -> list[EndpointResult]:
        return [
            result
            for result in verdict.judge_endpoints(self._plan, self.evidence)
            if result.worker == self._worker or result.endpoint is EndpointName.ERRORS
        ]

    def _open(self, *names: EndpointName) -> bool:
        return any(
            result.verdict is GateVerdict.INCONCLUSIVE
            for result in self._endpoints()
            if result.endpoint in names
        )

    def _regressed(self) -> bool:
        return any(result.verdict is GateVerdict.REGRESSED for result in self._endpoints())

    def _affordable(self, pairs: int | None, blocks: int | None) -> bool:
        """Return whether measuring up to these looks fits the session's minutes and the memory."""
        more_pairs = 0 if pairs is None else pairs - len(self._pairs())
        more_blocks = 0 if blocks is None else blocks - len(self._blocks())
        more_s = measuring_s(more_pairs, more_blocks, lanes=len(self._plan.cores))
        fits = pairs is None or pairs - self._pairs_before <= self._most
        return fits and self._spent_s() + more_s <= 60 * self._plan.max_minutes

    def _overtime(self) -> bool:
        """Return whether the session has far exceeded its minutes."""
        return self._spent_s() > OVERTIME * 60 * self._plan.max_minutes

    def _spent_s(self) -> float:
        """Return the measuring time of this session, in seconds."""
        return math.fsum(
            (
                *(pair.wall_s for pair in self._pairs()[self._pairs_before :]),
                *(block.wall_s for block in self._blocks()[self._blocks_before :]),
            )
        )

    def _pairs(self) -> tuple[StartPair, ...]:
        return self.evidence.pairs_of(self._worker)

    def _blocks(self) -> tuple[ScalingBlock, ...]:
        return self.evidence.blocks_of(self._worker)
