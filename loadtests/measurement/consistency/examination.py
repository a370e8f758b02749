"""Asks the servers of one worker model the requests of one workload, as one client does.

The client begins at one server, its *home*, and writes there. Then all servers are asked what it
may read, with its cookies. Where one differs, both are asked again, in turns.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from loadtests.analysis.consistency import (
    conversation,
    judgement,
    normal_form,
    rate_limits,
    reading,
    written,
)
from loadtests.analysis.consistency.conversation import Conversation
from loadtests.analysis.consistency.judgement import Asked
from loadtests.analysis.consistency.reading import CONFIRM, Reading
from loadtests.analysis.consistency.turns import turns
from loadtests.measurement.consistency.client import Client, Deadline
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState, Seen
from loadtests.model.tested.workload import RequestSpec
from loadtests.tools import proc

SETTLE_S = 2.0
"""How long a difference must last: state may reach the other servers a little later."""

AT_ONCE_EACH = 6
"""Requests for each process that are sent to one server at the same time. One process of several
then gets none once in 400 times (e^−6)."""

MOST_AT_ONCE = 48

BURSTS = 4
"""How often that is repeated where processes seem to differ: 12 answers of each in each half."""

SUPPOSED_PROCESSES = 4
"""Processes of a server whose number is not known."""

MOST_CONFIRMED = 4
"""Requests of a workload that are asked again; one would be enough for the verdict."""

MOST_VALUES = 3

NUMBER = re.compile(r"\d+")


@dataclass(frozen=True, kw_only=True)
class Written:
    """A request that wrote, and its answer."""

    name: str
    request: RequestSpec
    answer: Seen


@dataclass(frozen=True, kw_only=True)
class _Origin:
    """The write that a read follows from, and the name of that read without its ids."""

    written_by: str
    check: str


@dataclass(kw_only=True)
class Case:
    """A request with its answers so far."""

    request: RequestSpec
    reading: Reading

    def add(self, server: str, *answers: Seen) -> None:
        """Add answers of a server."""
        kept = dict(self.reading.answers)
        kept[server] = (*kept.get(server, ()), *answers)
        self.reading = replace(self.reading, answers=kept)


@dataclass(kw_only=True)
class Examination:
    """The check of one worker model and workload.

    ``servers`` are its replicas, home first. ``processes`` is the number of processes of each; None
    where it is not known. ``deadline`` says how many seconds are left.
    """

    client: Client
    asked: Asked
    talk: Conversation
    servers: Sequence[str]
    processes: int | None
    rng: random.Random
    deadline: Deadline
    cases: list[Case] = field(default_factory=list)
    last_written: dict[str, Written] = field(default_factory=dict)
    """The last write of each name that another server than home accepted."""
    began_s: float = 0.0
    """When the client began, in seconds of the monotonic clock."""
    _writes: list[Written] = field(default_factory=list)

    def is_over(self) -> bool:
        """Return whether the time is up."""
        return self.deadline.left_s() <= 0

    @property
    def _home(self) -> str:
        return self.servers[0]

    @property
    def _others(self) -> Sequence[str]:
        return self.servers[1:]

    def run(self) -> tuple[ProbeResult, ...]:
        """Ask everything, and return what came of it."""
        self.begin()
        self._confirm(self.cases)
        # Only now: it may write at the other servers what they are found not to know.
        self._confirm(self.write_elsewhere())
        results = [judgement.judge(self.asked, case.reading) for case in self.cases]
        results += self._unread_writes()
        results += [self._left_out(name, why) for name, why in self.talk.left_out]
        limit = rate_limits.limits(self.asked, self.client.heard)
        return (*results, *([limit] if limit else []))

    # -- at home ----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin at home: start, read, write, and read again; then read everywhere."""
        self.began_s = proc.monotonic_s()
        for request in self.talk.start:
            self.client.send(self._home, self._filled(request))
        reads = conversation.unique([self._filled(read) for read in self.talk.reads])
        before = {_line(read): self.client.send(self._home, read) for read in reads}
        for write in self.talk.writes:
            request = self._filled(write)
            answer = self.client.send(self._home, request)
            name = conversation.name_of(write)
            self._writes.append(Written(name=name, request=request, answer=answer))
        derived: dict[str, _Origin] = {}
        followed: set[str | None] = set()
        for one in self._writes:
            if not _is_accepted(one.answer):
                continue
            ids = written.ids_of(one.answer)
            further = conversation.reads_of_answer(
                self.talk.reads, one.answer, ids, self.talk.headers
            )
            reads = conversation.unique([*reads, *(entry.request for entry in further)])
            derived |= {
                _line(entry.request): _Origin(
                    written_by=one.name,
                    check=entry.of or _same_in_every_run(conversation.name_of(entry.request)),
                )
                for entry in further
            }
            followed |= {entry.of for entry in further}
        for read in reads:
            earlier = before.get(_line(read))
            # What a placeholder named at random is not there; what was written is asked instead.
            if read.name in followed and earlier is not None and not _is_accepted(earlier):
                continue
            answer = self.client.send(self._home, read)
            self.cases.append(self._case(read, earlier, answer, derived))
        self._read_everywhere()

    def _case(
        self, read: RequestSpec, before: Seen | None, after: Seen, derived: Mapping[str, _Origin]
    ) -> Case:
        values: tuple[str, ...] = ()
        origin = derived.get(_line(read))
        written_by = origin.written_by if origin else None
        for one in self._writes:
            found = written.returned(
                written.values_of(one.request, one.answer), read, before, after
            )
            if found and _is_accepted(one.answer):
                values, written_by = found[:MOST_VALUES], one.name
                break
        return Case(
            request=read,
            reading=Reading(
                name=conversation.name_of(read),
                check=origin.check if origin else conversation.name_of(read),
                home=self._home,
                answers={self._home: (after,)},
                values=values,
                written_by=written_by,
                derived=_line(read) in derived,
            ),
        )

    def _filled(self, request: RequestSpec) -> RequestSpec:
        return conversation.filled(request, self.talk.values, self.rng)

    # -- everywhere -------------------------------------------------------------------------------

    def _read_everywhere(self) -> None:
        """Ask each server twice what home was asked, with the client's cookies."""
        there = [*self._others, self._home]
        for server in (*there, *reversed(there[:-1])):
            self._ask_all(server)
        if self.client.cookies and self.cases:
            for _ in range(2):
                self._ask_as_stranger(self.cases)
        if self.processes != 1:
            for case in self.cases:
                if not self.is_over():
                    self._ask_at_once(case)

    def _ask_all(self, server: str) -> None:
        if self.is_over():
            return
        answers = self.client.ask([(server, case.request) for case in self.cases])
        for case, answer in zip(self.cases, answers, strict=True):
            case.add(server, answer)

    def _ask_as_stranger(self, cases: Sequence[Case]) -> None:
        answers = self.client.ask([(self._home, case.request) for case in cases], as_stranger=True)
        for case, answer in zip(cases, answers, strict=True):
            case.reading = replace(case.reading, stranger=(*case.reading.stranger, answer))

    def _ask_at_once(self, case: Case) -> None:
        at_once = [(self._home, case.request)] * self._at_once
        case.add(self._home, *self.client.ask(at_once))

    @property
    def _at_once(self) -> int:
        return min(MOST_AT_ONCE, AT_ONCE_EACH * (self.processes or SUPPOSED_PROCESSES))

    def write_elsewhere(self) -> list[Case]:
        """Send each write to the other servers, too, and return those that seem to refuse it."""
        refused: list[Case] = []
        for one, write in zip(self._writes, self.talk.writes, strict=True):
            if not self._others or not _is_accepted(one.answer) or self.is_over():
                continue
            case = Case(
                request=write,
                reading=Reading(
                    name=one.name,
                    check=one.name,
                    home=self._home,
                    answers={self._home: (one.answer,)},
                    writing=True,
                ),
            )
            for server in self._others:
                request = self._filled(write)
                (answer,) = self.client.ask([(server, request)])
                case.add(server, answer)
                if _is_accepted(answer):
                    self.last_written[one.name] = Written(
                        name=one.name, request=request, answer=answer
                    )
            if reading.suspects(case.reading):
                refused.append(case)
        self.cases += refused
        return refused

    # -- again ------------------------------------------------------------------------------------

    def _confirm(self, cases: Sequence[Case]) -> None:
        """Ask again where servers, or the processes of home, seem to differ."""
        suspected = [case for case in cases if reading.suspects(case.reading)]
        mixed = [
            case
            for case in cases
            if self.processes != 1 and not case.reading.writing and reading.is_mixed(case.reading)
        ]
        if (not suspected and not mixed) or self.deadline.left_s() <= SETTLE_S:
            return
        proc.sleep(SETTLE_S)
        for case in mixed[:MOST_CONFIRMED]:
            self._confirm_home(case)
        for case in suspected[:MOST_CONFIRMED]:
            if case not in mixed:
                self._confirm_other(case, reading.suspects(case.reading)[0])

    def _confirm_home(self, case: Case) -> None:
        case.reading = replace(case.reading, answers={self._home: ()}, stranger=())
        for _ in range(BURSTS):
            self._ask_at_once(case)
            for _ in range(CONFIRM // BURSTS + 1):
                if self.client.cookies:
                    self._ask_as_stranger([case])
        for server in self._others:
            case.add(server, *self.client.ask([(server, case.request)] * CONFIRM))

    def _confirm_other(self, case: Case, other: str) -> None:
        case.reading = replace(case.reading, answers={self._home: (), other: ()}, stranger=())
        for is_home in turns(CONFIRM):
            server = self._home if is_home else other
            request = self._filled(case.request) if case.reading.writing else case.request
            case.add(server, *self.client.ask([(server, request)]))
            if is_home and self.client.cookies and not case.reading.writing:
                self._ask_as_stranger([case])

    # -- what is left -----------------------------------------------------------------------------

    def _unread_writes(self) -> list[ProbeResult]:
        """Return what is not known of writes that no read returned."""
        read = {case.reading.written_by for case in self.cases}
        results = []
        for one in self._writes:
            if one.name in read:
                continue
            detail = (
                f"No request of the load returns what {one.name} wrote, so nothing is compared."
            )
            if one.answer.error == judgement.TIME_OVER:
                detail = judgement.not_asked(one.name)
            elif not _is_accepted(one.answer):
                answer = judgement.in_words(one.answer)
                detail = f"{self._home} itself answered {one.name} with {answer}."
            results.append(
                self.asked.result(ProbeKind.WRITTEN, one.name, ProbeState.UNCHECKED, detail)
            )
        return results

    def _left_out(self, name: str, why: str) -> ProbeResult:
        return self.asked.result(
            ProbeKind.ANSWER, name, ProbeState.UNCHECKED, f"{name} was not asked: {why}."
        )


def _same_in_every_run(name: str) -> str:
    """Return the name of a read without the ids of what was written."""
    return NUMBER.sub("<n>", normal_form.normal(name))


def _line(request: RequestSpec) -> str:
    return f"{request.method} {request.path} {dict(request.query)}"


def _is_accepted(seen: Seen) -> bool:
    return reading.standing(seen) in {reading.Standing.ACCEPTED, reading.Standing.REDIRECTED}
