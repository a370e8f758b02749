"""Runs each trial on several machines at the same time, by their own clocks."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

from loadtests.generator.clock import now_s
from loadtests.generator.team import clocks
from loadtests.generator.team.clocks import Clock
from loadtests.generator.team.handshake import Unusable
from loadtests.generator.team.link import Link, Lost, Refusal
from loadtests.generator.team.merging import Part

Open = Callable[[], Link]
"""Connects to a machine's generator; raises ``Unusable``."""

Tell = Callable[[str, float], None]
TellStart = Callable[[int, int], None]

HELLO_LIMIT_S = 60.0
"""Time for a generator to start, which imports Locust."""

ASK_LIMIT_S = 10.0
"""Time for an answer to a question that takes no work."""

ROUND_TRIPS = 8
"""Round trips for each look at a clock; the shortest one counts."""

START_AHEAD_S = 0.3
"""Time between sending an order and its start, so that it reaches all machines first."""

ANSWER_LIMIT_S = 15.0
"""Time for a machine's samples to arrive after its draining must have ended."""

PREPARE_LIMIT_S = 600.0

DRAIN_LIMIT_S = 15.0
"""Of an order that does not say it; see ``order.TrialOrder``."""

RETURN_LIMIT_S = 10.0
"""Time for a machine that was lost to be there again."""

STEP_S = 0.02


@dataclass(kw_only=True)
class Member:
    """A machine: how it is reached, and its generator if it is there."""

    name: str
    open: Open
    link: Link | None = None

    def ready(self) -> Link:
        """Return the generator; raises ``Lost`` where it is not there."""
        if self.link is None:
            raise Lost(f"The generator at {self.name} is not there.")
        return self.link

    def drop(self) -> None:
        """End the connection."""
        if self.link is not None:
            self.link.close()
        self.link = None

    def ask(self, order: Mapping[str, Any], limit_s: float, event: str) -> dict[str, Any]:
        """Send an order and return its answer; raises ``Lost`` or ``Refusal``."""
        link = self.ready()
        link.say(order)
        return link.hear(limit_s, event)[1]

    def clock(self) -> Clock:
        """Return the machine's clock, by a few round trips."""
        link = self.ready()
        seen = []
        for _ in range(ROUND_TRIPS):
            sent_s = now_s()
            link.say({"op": "clock"})
            returned_s, event = link.hear(ASK_LIMIT_S, "clock")
            seen.append(
                clocks.of_round_trip(sent_s, event["received_s"], event["answered_s"], returned_s)
            )
        return clocks.best(seen)


@dataclass(frozen=True, kw_only=True)
class Window:
    """The common moments of a trial, by this machine's clock."""

    starts_s: float
    opens_s: float
    closes_s: float
    drained_s: float
    """When all of it must be over."""


def window_of(order: Mapping[str, Any], starts_s: float) -> Window:
    """Return the moments of a trial that starts then."""
    opens_s = starts_s + float(order["settle_s"])
    closes_s = opens_s + float(order["window_s"])
    drain_s = float(order.get("drain_limit_s") or DRAIN_LIMIT_S)
    return Window(
        starts_s=starts_s,
        opens_s=opens_s,
        closes_s=closes_s,
        drained_s=closes_s + drain_s + ANSWER_LIMIT_S,
    )


class Team:
    """The machines, in the order of their parts of the load."""

    def __init__(self, members: Sequence[Member]) -> None:
        self.members = tuple(members)
        self._pool = ThreadPoolExecutor(len(self.members))

    def complete(self) -> tuple[Member, ...]:
        """Connect to the machines that are not there; return those that are new.

        Raises ``Unusable`` where one does not come back.
        """
        missing = tuple(member for member in self.members if member.link is None)
        limit_s = now_s() + RETURN_LIMIT_S
        for member in missing:
            while member.link is None:
                try:
                    member.link = member.open()
                except Unusable:
                    if now_s() > limit_s:
                        raise
                    time.sleep(0.2)
        return missing

    def drop(self) -> None:
        """End all connections: the generators end with them."""
        for member in self.members:
            member.drop()

    def each(self, work: Callable[[Member], Any]) -> list[Any]:
        """Return what ``work`` returns for each machine, all at the same time."""
        return list(self._pool.map(work, self.members))

    def prepare(self, orders: Sequence[Mapping[str, Any]], tell: TellStart) -> None:
        """Let all machines start their users; raises ``Refusal``.

        A machine that is lost meanwhile is dropped, and counts as lost in the trial.
        """
        counts: dict[str, tuple[int, int]] = {}
        futures = [
            self._pool.submit(prepare_one, member, order, counts)
            for member, order in zip(self.members, orders, strict=True)
        ]
        while True:
            done, waiting = wait(futures, timeout=1.0)
            raise_first(done)
            if not waiting:
                return
            if counts:
                seen = tuple(counts.values())
                tell(sum(ready for ready, _ in seen), sum(users for _, users in seen))

    def run(
        self, orders: Sequence[Mapping[str, Any]], tell: Tell
    ) -> tuple[list[Part], Window, list[Member]]:
        """Run a trial; return the parts, the common moments and the machines that were lost.

        Raises ``Refusal`` where a machine cannot run it, and ``Lost`` where none finished.
        """
        before: list[Clock | None] = self.each(clock_of)
        window = window_of(orders[0], now_s() + START_AHEAD_S)
        futures = [
            self._pool.submit(part_of, member, order, clock, window)
            for member, order, clock in zip(self.members, orders, before, strict=True)
        ]
        for name, at_s in (("opened", window.opens_s), ("closed", window.closes_s)):
            wait_for(at_s, futures)
            tell(name, now_s())
        wait(futures)
        parts, lost = [], []
        for member, future in zip(self.members, futures, strict=True):
            error = future.exception()
            if isinstance(error, Lost):
                member.drop()
                lost.append(member)
            else:
                parts.append(future.result())
        if not parts:
            raise Lost(str(futures[0].exception()))
        return parts, window, lost


def wait_for(at_s: float, futures: Sequence[Future[Part]]) -> None:
    """Wait for a moment; raise as soon as a machine says that it cannot run the trial."""
    while (left_s := at_s - now_s()) > 0:
        raise_refused([future for future in futures if future.done()])
        time.sleep(min(left_s, STEP_S))


def raise_refused(done: Sequence[Future[Part]]) -> None:
    """Raise the first ``Refusal``; a lost machine is told later."""
    for future in done:
        error = future.exception()
        if isinstance(error, Refusal):
            raise error


def raise_first(done: set[Future[None]]) -> None:
    """Raise the first error."""
    for future in done:
        future.result()


def prepare_one(
    member: Member, order: Mapping[str, Any], counts: dict[str, tuple[int, int]]
) -> None:
    """Let one machine start its users; ``counts`` gets how many are ready, of how many."""
    try:
        link = member.ready()
        link.say({**order, "op": "prepare"})
        while True:
            _, event = link.hear(PREPARE_LIMIT_S, "starting", "prepared")
            if event["event"] == "prepared":
                return
            counts[member.name] = (int(event["ready"]), int(event["users"]))
    except Lost:
        member.drop()


def clock_of(member: Member) -> Clock | None:
    """Return a machine's clock, or None if it is lost."""
    try:
        return member.clock()
    except Lost:
        return None


def part_of(member: Member, order: Mapping[str, Any], before: Clock | None, window: Window) -> Part:
    """Run one machine's part of a trial; raises ``Lost`` or ``Refusal``."""
    link = member.ready()
    if before is None:
        raise Lost(f"The generator at {member.name} has ended.")
    link.say({**order, "op": "trial", "starts_at_s": before.theirs(window.starts_s)})
    late_s, packed = 0.0, bytearray()
    for name, at_s in (("opened", window.opens_s), ("closed", window.closes_s)):
        _, event = link.hear(at_s - now_s() + ANSWER_LIMIT_S, name)
        late_s = max(late_s, before.ours(event["at_s"]) - at_s)
    while True:
        _, event = link.hear(window.drained_s - now_s(), "samples", "finished")
        if event["event"] == "finished":
            break
        packed += base64.b64decode(event["data"])
    error_s = clocks.error_between(before, member.clock())
    return Part(
        name=member.name,
        finished=event,
        packed=bytes(packed),
        clock=before,
        error_s=error_s,
        late_s=late_s,
    )
