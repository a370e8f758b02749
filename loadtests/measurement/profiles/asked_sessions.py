"""Looks at the sessions of a store that is asked by its own client, while a load is on."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from loadtests.analysis.profiles import statements
from loadtests.measurement.profiles.store_sessions import StoreLooking
from loadtests.model.errors import ProcessFailure

ASKED_PER_S = 4.0
"""A question to a store's own client costs some 10 ms of CPU in its container."""


class AskedLooking(StoreLooking):
    """Looks at the sessions of a MySQL or MariaDB by its own client; ``ask`` gives them.

    It asks once before the load is on, because to start the client takes a while.
    """

    program = "MySQL"

    def __init__(self, member: str, ask: Callable[[str], Sequence[tuple[str, str, str]]]) -> None:
        super().__init__((), ())
        self._address = f"{member} ({self.program})"
        self._member = member
        self._ask = ask
        self._sessions()

    def _run(self) -> None:
        while not self._stopped.is_set() and not self.failure:
            for kind, event, query in self._sessions():
                self._counts[kind, event, statements.mysql_shape_of(query)] += 1
            self._looks += not self.failure
            self._stopped.wait(1 / ASKED_PER_S)

    def _sessions(self) -> Sequence[tuple[str, str, str]]:
        try:
            return self._ask(self._member)
        except (ProcessFailure, ValueError) as error:
            reason = str(error).strip().partition("\n")[0].rstrip(".")
            self.failure = f"The sessions of {self._address} were not looked at: {reason}."
            return ()
