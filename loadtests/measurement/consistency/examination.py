"""Asks the servers of one worker model the requests of one workload, as one client does.

The client begins at one server, its *home*, and writes there. Then all servers are asked what it
may read, with its cookies. Where one differs, both are asked again, in turns.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from loadtests.analysis.consistency import (
    counting,
    judgement,
    processes,
    rate_limits,
    reading,
    written,
)
from loadtests.analysis.consistency.conversation import Conversation
from loadtests.analysis.consistency.judgement import Asked
from loadtests.analysis.consistency.reading import CONFIRM, Reading, turns
from loadtests.measurement.consistency import own_words
from loadtests.measurement.consistency.beginning import Beginning
from loadtests.measurement.consistency.client import TIMEOUT_S, Client, Deadline
from loadtests.measurement.consistency.exchanges import (
    Case,
    Written,
    is_accepted,
    unread_writes,
)
from loadtests.measurement.consistency.writer import Writer
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
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

MOST_TRIES = 3
"""How often that is begun anew while one process answers everything, as one may that is quick, or
while each shows one of the last words alone."""

SUPPOSED_PROCESSES = 4
"""Processes of a server whose number is not known."""

MOST_CONFIRMED = 4
"""Requests of a workload that are asked again; one would be enough for the verdict."""

COUNTS = 5
"""Answers of each server by which it is seen to count for itself."""


@dataclass(kw_only=True)
class Examination:
    """The check of one worker model and workload.

    ``servers`` are its replicas, home first. ``processes`` is the number of processes of each; None
    where it is not known. ``write_rng`` draws for placeholders that only writes have, and ``rng``
    for the others. ``deadline`` says how many seconds are left. What seems to break is asked until
    ``confirm_until_s`` of the monotonic clock.
    """

    client: Client
    asked: Asked
    talk: Conversation
    servers: Sequence[str]
    processes: int | None
    rng: random.Random
    write_rng: random.Random
    deadline: Deadline
    confirm_until_s: float = -math.inf
    cases: list[Case] = field(default_factory=list)
    last_written: dict[str, Written] = field(default_factory=dict)
    """The last write of each name that another server than home accepted."""
    words: random.Random = field(default_factory=random.SystemRandom)
    """What draws new words: never the same in two checks."""
    began_s: float = 0.0
    """When the client began, in seconds of the monotonic clock."""
    _left_out: Sequence[tuple[str, str]] = ()
    _reworded: set[str] = field(default_factory=set)
    """Names of writes of which more were sent, each with another word."""

    def __post_init__(self) -> None:
        self.writer = Writer(
            client=self.client,
            talk=self.talk,
            home=self._home,
            rng=self.write_rng,
            words=self.words,
        )

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
        results = [self._judged(case) for case in self.cases]
        results += unread_writes(self.asked, self._home, self.writer.writes, self.cases)
        results += [self._not_asked(name, why) for name, why in self._left_out]
        limit = rate_limits.limits(self.asked, self.client.heard)
        return (*results, *([limit] if limit else []))

    # -- at home ----------------------------------------------------------------------------------

    def begin(self) -> None:
        """Begin at home: start, read, write, and read again; then read everywhere."""
        self.began_s = proc.monotonic_s()
        beginning = Beginning(
            writer=self.writer,
            others=self._others,
            at_once=1 if self.processes == 1 else self._at_once,
            rng=self.rng,
        )
        for cases_of in (beginning.cases, beginning.page_cases):
            cases = cases_of()
            self._read_everywhere(cases)
            self.cases += cases
        self._left_out = (*self.talk.left_out, *beginning.left_out)

    @property
    def logins(self) -> Sequence[RequestSpec]:
        """The start, and the logins among the writes, as home got them."""
        return self.writer.logins

    def log_in_at_home(self, client: Client) -> None:
        """Send the logins for another client."""
        for request in self.logins:
            (client.log_in if self.talk.recorded else client.send)(self._home, request)

    # -- everywhere -------------------------------------------------------------------------------

    def _read_everywhere(self, cases: Sequence[Case]) -> None:
        """Ask each server twice what home was asked, with the client's cookies."""
        if not cases:
            return
        there = [*self._others, self._home]
        for server in (*there, *reversed(there[:-1])):
            answers = self.client.ask([(server, case.request) for case in cases])
            for case, answer in zip(cases, answers, strict=True):
                case.add(server, answer)
        if self.client.is_known:
            for _ in range(2):
                self._ask_as_stranger(cases)

    def _ask_as_stranger(self, cases: Sequence[Case]) -> None:
        answers = self.client.ask([(self._home, case.request) for case in cases], as_stranger=True)
        for case, answer in zip(cases, answers, strict=True):
            case.add_strangers(answer)

    @property
    def _at_once(self) -> int:
        return min(MOST_AT_ONCE, AT_ONCE_EACH * (self.processes or SUPPOSED_PROCESSES))

    def write_elsewhere(self) -> list[Case]:
        """Send each write to the other servers, too, and return those that seem to refuse it."""
        refused: list[Case] = []
        for one in self.writer.writes:
            write = one.template
            if not self._others or not is_accepted(one.answer) or self.is_over():
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
                request = self.writer.filled_anew(write)
                (answer,) = self.client.ask([(server, request)])
                case.add(server, answer)
                if is_accepted(answer):
                    self.last_written[one.name] = Written(
                        name=one.name,
                        template=write,
                        request=request,
                        answer=answer,
                        first=request,
                    )
            if reading.suspects(case.reading):
                refused.append(case)
        self.cases += refused
        return refused

    def put_back(self) -> None:
        """Write at home what the load itself writes, where the checks wrote a word of their own.

        That is done although the time may be over.
        """
        names = self._reworded | {one.name for one in self.writer.writes if one.word}
        reworded = [one.first for one in self.writer.writes if one.name in names]
        if not reworded:
            return
        until_s = self.deadline.until_s
        self.deadline.until_s = max(until_s, proc.monotonic_s() + TIMEOUT_S)
        self.client.ask([(self._home, request) for request in reworded])
        self.deadline.until_s = until_s

    # -- again ------------------------------------------------------------------------------------

    def _confirm(self, cases: Sequence[Case]) -> None:
        """Ask again where servers, or the processes of home, seem to differ."""
        suspected = [case for case in cases if reading.suspects(case.reading)]
        mixed = [case for case in cases if self._is_mixed(case)]
        if not suspected and not mixed:
            return
        self.deadline.until_s = max(self.deadline.until_s, self.confirm_until_s)
        if self.deadline.left_s() <= SETTLE_S:
            return
        proc.sleep(SETTLE_S)
        for case in mixed[:MOST_CONFIRMED]:
            self._confirm_home(case)
        for case in suspected[:MOST_CONFIRMED]:
            if case not in mixed:
                self._confirm_other(case, reading.suspects(case.reading)[0])
                if self._is_mixed(case):  # its processes differ, as the first answers did not show
                    self._confirm_home(case)

    def _is_mixed(self, case: Case) -> bool:
        """Return whether the processes of home seem to differ."""
        found = case.reading
        return self.processes != 1 and not found.writing and processes.is_mixed(found)

    def _confirm_home(self, case: Case) -> None:
        """Ask home's processes again; once more where that may not have shown them as they are."""
        for _ in range(MOST_TRIES):
            self._ask_processes(case)
            is_open = bool(case.reading.words) and processes.shows_the_latest_alone(case.reading)
            if self.is_over() or (self._is_mixed(case) and not is_open):
                return

    def _ask_processes(self, case: Case) -> None:
        own = self._write_words(case)
        other = next(iter(reading.suspects(case.reading)), None)
        case.reading = replace(case.reading, answers={self._home: ()}, stranger=())
        for _ in range(BURSTS):
            for server in (self._home, *([other] if other is not None else [])):
                case.add(server, *self.client.ask([(server, case.request)] * self._at_once))
            self._ask_strangers(case)
        for server in self._others:
            if server != other:
                case.add(server, *self.client.ask([(server, case.request)] * CONFIRM))
        shown = [word for word in own.all if written.is_in(word, case.reading.at_home)]
        if shown:
            case.reading = replace(
                case.reading,
                values=(shown[0],),
                words=own.all,
                latest=own.latest,
                bursts=own.bursts,
                processes=self.processes or SUPPOSED_PROCESSES,
            )
        case.reading = reading.without_gone(case.reading)

    def _ask_strangers(self, case: Case) -> None:
        """Ask as strangers: as many as the client's own, where these name the client."""
        if not self.client.is_known:
            return
        if case.reading.names:
            asked = [(self._home, case.request)] * self._at_once
            case.add_strangers(*self.client.ask(asked, as_stranger=True))
            return
        for _ in range(CONFIRM // BURSTS + 1):
            self._ask_as_stranger([case])

    def _write_words(self, case: Case) -> own_words.Words:
        """Write words of our own at home, where that can show whose they are."""
        found = case.reading
        writes = [one for one in self.writer.writes if one.name == found.written_by]
        if found.derived or not found.sent or not writes:
            return own_words.NONE
        self._reworded.add(writes[0].name)
        most = self.processes or SUPPOSED_PROCESSES
        return own_words.written(self.client, self._home, writes[0], self.words, processes=most)

    def _confirm_other(self, case: Case, other: str) -> None:
        case.reading = replace(case.reading, answers={self._home: (), other: ()}, stranger=())
        for is_home in turns(CONFIRM):
            server = self._home if is_home else other
            request = case.request
            if case.reading.writing:
                request = self.writer.filled_anew(request)
            case.add(server, *self.client.ask([(server, request)]))
            if is_home and self.client.is_known and not case.reading.writing:
                self._ask_as_stranger([case])
        case.reading = reading.without_gone(case.reading)

    def _judged(self, case: Case) -> ProbeResult:
        """Return the result of a case; where servers seem to count alone, ask them in turns."""
        result = judgement.judge(self.asked, case.reading)
        is_open = result.state in {ProbeState.OK, ProbeState.NOTE} and not case.reading.writing
        other = counting.alone(case.reading) if is_open else None
        if other is None or self.is_over():
            return result
        again = Case(request=case.request, reading=replace(case.reading, answers={}))
        for server in [self._home, other] * COUNTS:
            again.add(server, *self.client.ask([(server, case.request)]))
        alone = counting.alone(again.reading)
        return result if alone is None else counting.note(self.asked, again.reading, alone)

    # -- what is left -----------------------------------------------------------------------------

    def _not_asked(self, name: str, why: str) -> ProbeResult:
        return self.asked.result(
            ProbeKind.ANSWER, name, ProbeState.UNCHECKED, f"{name} was not asked: {why}."
        )
