"""Whether a second login of an account ends the first session: the control of refused users.

Two clients log in at home, one after the other, so no other server has a part in what comes of it.
Users who share accounts are refused then whatever the number of servers is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from loadtests.analysis.consistency import lasting, reading
from loadtests.analysis.consistency.reading import CONFIRM
from loadtests.measurement.consistency.client import Client
from loadtests.measurement.consistency.examination import Examination
from loadtests.measurement.consistency.exchanges import Case
from loadtests.model.consistency import ProbeResult, ProbeState, Seen


def results(examination: Examination, found: Sequence[ProbeResult]) -> tuple[ProbeResult, ...]:
    """Return a note where the second client's login ends the first one's session; else nothing.

    Where servers were ``found`` to break, nothing is asked: a session may not be known by chance.
    """
    breaks = any(result.state is ProbeState.BREAKS for result in found)
    cases = examination.cases
    shown = next((case for case in cases if reading.tells_clients_apart(case.reading)), None)
    if breaks or shown is None or not examination.logins:
        return ()
    first = examination.client.stranger()
    examination.log_in_at_home(first)
    answer = _asked(first, shown)
    # What a client wrote may be another one's, so answers are compared with a stranger's alone.
    plain = replace(shown.reading, values=(), answers={shown.reading.home: (answer,)})
    if not reading.is_right(plain, answer):
        return ()
    second = examination.client.stranger()
    examination.log_in_at_home(second)
    ended: list[Seen] = []
    for _ in range(CONFIRM):
        ended.append(_asked(first, shown))
        is_ended = reading.is_wrong(plain, ended[-1])
        if not is_ended or not reading.is_right(plain, _asked(second, shown)):
            return ()
    return (lasting.second_login(examination.asked, plain, ended),)


def _asked(client: Client, case: Case) -> Seen:
    (answer,) = client.ask([(case.reading.home, case.request)])
    return answer
