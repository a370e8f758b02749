"""Whether what home knows of a client outlives the start of a further server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loadtests.analysis.consistency import lasting, reading, written
from loadtests.analysis.consistency.reading import CONFIRM, Reading
from loadtests.measurement.consistency.beginning import MOST_VALUES
from loadtests.measurement.consistency.examination import MOST_CONFIRMED, Examination
from loadtests.measurement.consistency.exchanges import Case
from loadtests.model.consistency import ProbeResult, Seen

TWICE = 2
"""How often home is asked what it still knows."""


def remembered(examination: Examination) -> list[Case]:
    """Return the requests by which home shows what it knows of the client."""
    return [
        case
        for case in examination.cases
        if not case.reading.writing and reading.is_remembered(case.reading)
    ][:MOST_CONFIRMED]


def still_known(examination: Examination, cases: Sequence[Case]) -> list[Case]:
    """Return the cases that home still answers rightly after the writes at the other servers.

    These writes replace what was written at home where all servers share it. The case then goes on
    with what was written last.
    """
    known = []
    for case in cases:
        home = (case.reading.home, case.request)
        answers = examination.client.ask([home] * TWICE)
        found = case.reading
        if not _all_right(found, answers):
            found = _as_written_last(examination, case, answers)
        if _all_right(found, answers):
            known.append(Case(request=case.request, reading=found))
    return known


def _as_written_last(examination: Examination, case: Case, answers: Sequence[Seen]) -> Reading:
    """Return what was read, with the values of the last write, if home's ``answers`` have any."""
    found = case.reading
    last = examination.last_written.get(found.written_by or "")
    if last is None or not found.values:
        return found
    values = written.values_of(last.request, last.template, last.answer)
    new = written.returned(values, case.request, found.at_home[:1], answers[-1:])
    if not new:
        return found
    return replace(
        found, values=new[:MOST_VALUES], words=(), answers={found.home: tuple(answers)}, stranger=()
    )


def _all_right(found: Reading, answers: Sequence[Seen]) -> bool:
    return all(reading.is_right(found, seen) for seen in answers)


def after_start(examination: Examination, cases: Sequence[Case]) -> ProbeResult:
    """Return whether home still knows the client, now that a further server has started."""
    pairs = []
    for case in cases:
        home = (case.reading.home, case.request)
        asked = [examination.client.ask([home])[0] for _ in range(CONFIRM)]
        pairs.append((case.reading, tuple(asked)))
    return lasting.after_start(examination.asked, pairs)
