"""The harness's child for several machines: it speaks the generator's protocol, and asks others."""

from __future__ import annotations

import argparse
import json
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from typing import Any

from loadtests.generator import PROTOCOL
from loadtests.generator.order import BadOrder, read_trial
from loadtests.generator.team import handshake, link, merging
from loadtests.generator.team.folders import Folders
from loadtests.generator.team.handshake import Join, Unusable
from loadtests.generator.team.link import Lost, Refusal
from loadtests.generator.team.team import ASK_LIMIT_S, HELLO_LIMIT_S, Member, Team

PART_BYTES = 256 * 1024
"""Largest part of the packed samples in one line."""

CHECK_SLACK_S = 20.0
END_LIMIT_S = 5.0

ERROR_KINDS: dict[type[Exception], str] = {Unusable: "workers", Lost: "workers", BadOrder: "order"}

Event = dict[str, Any]


class Coordinator:
    """Executes the harness's orders on all machines; ``write`` answers them."""

    def __init__(self, team: Team, write: Callable[..., None], *, processes: int) -> None:
        self._team = team
        self._write = write
        self._processes = processes
        self._folders = Folders(team)
        self._greetings: dict[str, Event] = {}
        self._lost_between = 0
        """Processes lost between trials that no result has reported yet."""
        self._orders: dict[str, Callable[[Event], None]] = {
            "hello": self._hello,
            "fetch": self._fetch,
            "place": self._place,
            "check": self._check,
            "trial": self._trial,
            "end": self._end,
        }

    def follow(self, line: str) -> bool:
        """Execute the order in one line; return False for the order to quit."""
        if not line.strip():
            return True
        order: Any = None
        try:
            order = json.loads(line)
            if not isinstance(order, dict) or order.get("op") not in {*self._orders, "quit"}:
                raise BadOrder(f"{line.strip()[:200]!r} is no order that is known here.")
            if order["op"] == "quit":
                return False
            self._complete()
            self._orders[order["op"]](order)
        except (ValueError, Unusable, Lost, Refusal) as error:
            self._team.drop()  # whatever still runs there ends
            name = order.get("id") if isinstance(order, dict) else None
            kind = error.kind if isinstance(error, Refusal) else ERROR_KINDS.get(type(error))
            self._write("error", id=name, kind=kind or "order", detail=str(error))
        return True

    def _complete(self) -> None:
        """Have all machines there, with the same versions and the folders that were sent."""
        for member in self._team.members:
            if member.link is not None and member.link.has_ended:
                member.drop()
                self._lost_between += self._processes
        for member in self._team.complete():
            greeting = member.ask({"op": "hello"}, HELLO_LIMIT_S, "hello")
            if greeting.get("protocol") != PROTOCOL:
                raise Unusable(
                    f"The generator at {member.name} speaks version {greeting.get('protocol')} of"
                    f" the protocol, and this harness version {PROTOCOL}. Install the same version"
                    " of Twofold on all machines."
                )
            self._greetings[member.name] = greeting
            first = self._greetings[self._team.members[0].name]
            if greeting.get("locust") != first.get("locust"):
                raise Unusable(
                    f"The generator at {member.name} has locust {greeting.get('locust')}, and the"
                    f" first one {first.get('locust')}. Install the same version on all machines."
                )
            self._folders.give(member)

    def _hello(self, _order: Event) -> None:
        first = self._greetings[self._team.members[0].name]
        told = {name: value for name, value in first.items() if name != "event"}
        machines = [
            {"name": member.name, **self._greetings[member.name]} for member in self._team.members
        ]
        self._write("hello", **{**told, "pid": os.getpid(), "machines": machines})

    def _fetch(self, order: Event) -> None:
        limit_s = float(order.get("timeout_s") or ASK_LIMIT_S) + ASK_LIMIT_S
        self._pass_on(order, limit_s, "fetched")

    def _check(self, order: Event) -> None:
        self._pass_on(order, float(order.get("limit_s") or 0.0) + CHECK_SLACK_S, "checked")

    def _pass_on(self, order: Event, limit_s: float, event: str) -> None:
        """Let the first machine answer."""
        first = self._team.members[0]
        answer = first.ask(self._folders.of(first, order), limit_s, event)
        self._write(**answer)

    def _place(self, order: Event) -> None:
        self._write("placed", id=order.get("id"), folder=self._folders.place(order))

    def _end(self, order: Event) -> None:
        limit_s = float(order.get("limit_s") or END_LIMIT_S) + ASK_LIMIT_S
        self._team.each(lambda member: member.ask(order, limit_s, "ended"))
        self._write("ended", id=order.get("id"))

    def _trial(self, line: Event) -> None:
        order = read_trial(line)  # raises for what no machine could read
        name = order.id
        team = self._first_only() if order.replay else self._team
        orders = [self._folders.of(member, line) for member in team.members]
        team.prepare(
            orders,
            lambda ready, users: self._write("starting", id=name, ready=ready, users=users),
        )
        parts, window, lost = team.run(
            orders, lambda event, at_s: self._write(event, id=name, at_s=at_s)
        )
        edges = {
            "started_at_s": window.starts_s,
            "opened_at_s": window.opens_s,
            "closed_at_s": window.closes_s,
        }
        processes = len(lost) * self._processes + self._lost_between
        fields, packed = merging.merged(parts, edges, lost=processes)
        self._lost_between = 0
        for member in lost:
            print(f"The generator at {member.name} was lost in {name}.", file=sys.stderr)
        pieces = merging.lines_of(packed, PART_BYTES)
        for number, data in enumerate(pieces, 1):
            self._write("samples", id=name, part=number, parts=len(pieces), data=data)
        self._write("finished", id=name, **fields)

    def _first_only(self) -> Team:
        """Return the first machine alone, which has what the check trial recorded."""
        return Team(self._team.members[:1])


class Lines:
    """Standard output, reserved for the protocol; other prints go to standard error."""

    def __init__(self) -> None:
        self._fd = os.dup(1)
        os.dup2(2, 1)

    def write(self, event: str, **values: Any) -> None:
        """Write one whole line."""
        rest = memoryview((json.dumps({"event": event, **values}) + "\n").encode())
        while rest:
            rest = rest[os.write(self._fd, rest) :]


def member_of(place: str, join: Join) -> Member:
    """Return the machine at ``host:port``, or behind a command: ``{"name": …, "argv": […]}``."""
    if not place.startswith("{"):
        handshake.host_and_port(place)
        key = handshake.secret()
        return Member(name=place, open=lambda: link.connect(place, key, join))
    words = json.loads(place)
    return Member(
        name=str(words["name"]), open=lambda: link.run(words["argv"], join, name=words["name"])
    )


def main(words: Sequence[str] | None = None) -> int:
    """Execute orders until one says to quit, or until standard input ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the harness decides when its child ends
    parser = argparse.ArgumentParser(prog="python -m loadtests.generator.team", description=__doc__)
    parser.add_argument("--processes", type=int, default=1, help="processes on each machine")
    parser.add_argument("places", nargs="+", metavar="HOST:PORT")
    given = parser.parse_args(words)
    variables = {name: os.environ[name] for name in handshake.PASSED_ON if name in os.environ}
    try:
        members = [
            member_of(
                place,
                Join(
                    number=number,
                    of=len(given.places),
                    processes=given.processes,
                    variables=variables,
                ),
            )
            for number, place in enumerate(given.places)
        ]
    except Unusable as error:
        print(error, file=sys.stderr)
        return 2
    team = Team(members)
    coordinator = Coordinator(team, Lines().write, processes=given.processes)
    orders: queue.SimpleQueue[str] = queue.SimpleQueue()
    threading.Thread(target=read_into, args=(orders, team), daemon=True).start()
    while coordinator.follow(orders.get()):
        pass
    team.drop()
    return 0


def read_into(orders: queue.SimpleQueue[str], team: Team) -> None:
    """Put the lines of standard input into ``orders``; exit the program at its end."""
    for line in sys.stdin:
        orders.put(line)
    team.drop()
    os._exit(0)  # even during a trial: the harness that ordered it has ended


if __name__ == "__main__":
    sys.exit(main())
