"""Whether asking another server ends the session that home gave.

Django keeps sessions in the database, signed with its key. A server with another key cannot read
such a session. Where it writes into it, such as an empty cart, home cannot read it any more, and
gives the client the page of a stranger. So nothing is left to compare. Further clients log in and
are asked at home alone first, then once at another server, and then at home again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loadtests.analysis.consistency import lasting, reading
from loadtests.analysis.consistency.reading import CONFIRM, Reading
from loadtests.measurement.consistency.client import Client
from loadtests.measurement.consistency.examination import Examination
from loadtests.measurement.consistency.exchanges import Case
from loadtests.model.consistency import ProbeResult, ProbeState, Seen

RIGHT = (4, 6)
"""Answers at home before another server is asked, for each of two logins: ``CONFIRM`` in all. They
differ, because a session that ends by itself after some requests would end at one place."""

WRONG = CONFIRM // len(RIGHT)
"""Answers at home since then, for each login."""


def judged(examination: Examination, found: Sequence[ProbeResult]) -> tuple[ProbeResult, ...]:
    """Return what was ``found``, with a break where another server ends home's sessions.

    That is asked only where nothing breaks, and no request shows that home knows its client.
    """
    breaks = any(result.state is ProbeState.BREAKS for result in found)
    others = examination.servers[1:2]
    is_known = any(reading.tells_clients_apart(case.reading) for case in examination.cases)
    if breaks or is_known or not examination.logins or not others:
        return tuple(found)
    case = _shown_to_a_user(examination)
    if case is None:
        return tuple(found)
    alone: list[Seen] = []
    since: list[Seen] = []
    for times in RIGHT:
        before, after = _asked_elsewhere(examination, case, others[0], times)
        if len(after) < WRONG:
            return tuple(found)
        alone += before
        since += after
    result = lasting.lost_session(examination.asked, case.reading, others[0], alone, since)
    return (*(one for one in found if one.check != result.check), result)


def _reads(examination: Examination) -> list[Case]:
    return [case for case in examination.cases if not case.reading.writing]


def _as_answered(case: Case, answer: Seen, strangers: Sequence[Seen] = ()) -> Reading:
    """Return the reading with an answer that home gives to a client who has just logged in."""
    found = case.reading
    return replace(
        found, values=(), answers={found.home: (answer,)}, stranger=(*found.stranger, *strangers)
    )


def _logged_in(examination: Examination) -> Client:
    client = examination.client.stranger()
    examination.log_in_at_home(client)
    return client


def _shown_to_a_user(examination: Examination) -> Case | None:
    """Return a read by which home tells a client who has just logged in from a stranger."""
    cases = [case for case in _reads(examination) if case.reading.stranger]
    if not cases:
        return None
    client = _logged_in(examination)
    answers = client.ask([(case.reading.home, case.request) for case in cases])
    for case, answer in zip(cases, answers, strict=True):
        if reading.tells_clients_apart(_as_answered(case, answer)):
            return case
    return None


def _asked_elsewhere(
    examination: Examination, case: Case, other: str, times: int
) -> tuple[list[Seen], list[Seen]]:
    """Return home's answers to one login before the other server is asked, and those since.

    The latter are none where home does not know its client by then, or still does afterwards.
    """
    client, home = _logged_in(examination), [(case.reading.home, case.request)]
    alone = [client.ask(home)[0] for _ in range(times)]
    plain = _as_answered(case, alone[0], client.ask(home, as_stranger=True))
    is_known = all(reading.is_right(plain, seen) for seen in alone)
    if not is_known or not reading.tells_clients_apart(plain):
        return alone, []
    reads = [each.request for each in _reads(examination)]
    there = client.ask([(other, read) for read in reads])[reads.index(case.request)]
    since = [client.ask(home)[0] for _ in range(WRONG)]
    is_lost = all(reading.is_wrong(plain, seen) for seen in (there, *since))
    return alone, since if is_lost else []
