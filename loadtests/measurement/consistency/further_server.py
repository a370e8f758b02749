"""Whether what home knows of a client outlives the start of a further server."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace

from loadtests.analysis.consistency import judgement, lasting, reading, written
from loadtests.analysis.consistency.judgement import Asked
from loadtests.analysis.consistency.reading import CONFIRM, Reading
from loadtests.measurement.consistency import own_words
from loadtests.measurement.consistency.beginning import MOST_VALUES
from loadtests.measurement.consistency.client import TIMEOUT_S, Deadline, target
from loadtests.measurement.consistency.examination import MOST_CONFIRMED, Examination
from loadtests.measurement.consistency.exchanges import Case
from loadtests.measurement.generator_client import Agent
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState, Seen
from loadtests.model.errors import EnvironmentFailure, GeneratorFailure
from loadtests.model.tested.workload import RequestSpec
from loadtests.tools import proc

TWICE = 2
"""How often home is asked what it still knows."""

START_NEEDS_S = 5.0
"""How long a further server usually takes: the engine needs one or two seconds to start it, and it
has to answer."""

CONTROL_LIMIT_S = 10.0
"""How much longer the control may take than the checks after which something was gone."""

FORGOTTEN = (
    "No further server was started: no request of the load always shows what the first one knows"
    " of its client."
)

LEAST_TIMEOUT_S = 0.1

START_LIMIT_S = 15.0
"""How long a further server may take to answer, without a CPU budget."""

Start = Callable[[str], AbstractContextManager[str]]
"""Starts one more replica of a worker model for a moment, and gives its address."""


class FurtherServer:
    """Starts a further server of each worker model once; ``start`` is None where nothing can.

    ``no_start`` says why there is none, where that is worth a line.
    """

    def __init__(self, agent: Agent, start: Start | None, no_start: str) -> None:
        self._agent = agent
        self._start = start
        self._no_start = no_start
        self._grown: set[str] = set()
        """Worker models of which a further replica was started; once is enough."""

    def check(
        self, examination: Examination, again: Callable[[float], Examination], end_s: float
    ) -> tuple[ProbeResult, ...]:
        """Return whether what home knows outlives the start of a further server.

        Where it does not, the same is done ``again`` without a start, for as many seconds. It is
        over at ``end_s``.
        """
        cases = remembered(examination)
        asked = examination.asked
        over = f"No further server was started: {judgement.TIME_OVER}."
        knows_client = bool(examination.talk.start or examination.talk.writes)
        if self._start is None:
            is_told = self._no_start and knows_client
            return (_not_started(asked, self._no_start),) if is_told else ()
        if asked.worker in self._grown:
            return ()
        if not cases:
            why = over if examination.is_over() else FORGOTTEN
            return (_not_started(asked, why),) if knows_client else ()
        # A start takes as long for many variants as for one, so it may have more than their share.
        deadline = examination.deadline
        longer_s = min(end_s, deadline.until_s + START_NEEDS_S)
        deadline.until_s = max(deadline.until_s, longer_s)
        if deadline.left_s() < START_NEEDS_S / 2:
            return (_not_started(asked, over),)
        known = still_known(examination, cases)
        if not known:
            why = over if examination.is_over() else _replaced(cases)
            return (_not_started(asked, why),)
        self._grown.add(asked.worker)
        try:
            with self._start(asked.worker) as address:
                self._wait_for(address, known[0].request, deadline)
                result = after_start(examination, known)
                elapsed_s = proc.monotonic_s() - examination.began_s
        except GeneratorFailure:
            raise
        except EnvironmentFailure as error:
            return (_not_started(asked, str(error)),)
        if result.state is not ProbeState.BREAKS:
            return (result,)
        return (self._controlled(result, again(elapsed_s), elapsed_s),)

    def _controlled(
        self, result: ProbeResult, control: Examination, elapsed_s: float
    ) -> ProbeResult:
        """Return the result, as a note if home forgets without a further server, too.

        The control makes the same writes, and waits until ``elapsed_s`` after it began.
        """
        with own_words.put_back_at_the_end(control.put_back):
            control.begin()
            control.write_elsewhere()
            known = still_known(control, remembered(control))
            left_s = control.began_s + elapsed_s - proc.monotonic_s()
            proc.sleep(max(0.0, left_s))
            lasts = known and after_start(control, known).state is ProbeState.OK
        return result if lasts else lasting.forgets_by_itself(result)

    def _wait_for(self, address: str, request: RequestSpec, deadline: Deadline) -> None:
        """Wait until a further server answers; raise :class:`EnvironmentFailure` if it does not."""
        limit_s = max(0.0, min(START_LIMIT_S, deadline.left_s()))
        proc.wait_until(
            lambda: self._answers(address, request, deadline),
            limit_s=limit_s,
            failure=f"A further server did not answer in {limit_s:.0f} s.",
        )

    def _answers(self, address: str, request: RequestSpec, deadline: Deadline) -> bool:
        timeout_s = max(LEAST_TIMEOUT_S, min(TIMEOUT_S, deadline.left_s()))
        (answer,) = self._agent.fetch([f"http://{address}{target(request)}"], timeout_s=timeout_s)
        return answer.status is not None


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


def _replaced(cases: Sequence[Case]) -> str:
    """Return why no further server was started: the checks wrote over what they compare."""
    names = ", ".join(case.reading.name for case in cases)
    return (
        "No further server was started: since the checks wrote at the other servers, too,"
        f" {cases[0].reading.home} does not answer {names} as before."
    )


def _not_started(asked: Asked, why: str) -> ProbeResult:
    return asked.result(ProbeKind.START, "a further server starts", ProbeState.UNCHECKED, why)
