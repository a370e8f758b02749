"""What all users of a locustfile share at one address, from trial to trial."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from loadtests.generator.http.outcome import Outcome
from loadtests.generator.http.pool import Pool
from loadtests.generator.load import Gate
from loadtests.generator.loops.limit import Limit
from loadtests.generator.recorder import Recorder
from loadtests.generator.session.names import Names
from loadtests.generator.session.places import place_of

if TYPE_CHECKING:
    from loadtests.generator.session.response import UserResponse
    from loadtests.generator.session.target import Target

Exchange = tuple[Outcome, int, bytes, bytes, float]
"""Outcome, status, header, body, and the moment at which the answer was complete."""


class Exchanger(Protocol):
    """Exchanges requests in another way than with the target alone."""

    def send(self, target: Target, wire: bytes, deadline: float, limit_s: float) -> Exchange:
        """Return the answer to ``wire``."""


class Elsewhere(Exception):
    """A request was for another address than the target's; it was not sent."""


class SessionLoad:
    """Pool, gate and recorder, and what the users' requests have in common.

    ``home`` is the target's scheme, host and port. ``headers`` go with every request.
    ``folder`` is that of the locustfile, to name its lines. ``notes`` are sentences for the user.
    ``limit`` is the process's own, which holds its gate, too.
    """

    def __init__(
        self,
        *,
        pool: Pool,
        gate: Gate,
        base_url: str,
        timeout_s: float,
        headers: dict[str, str],
        folder: Path | None = None,
        exchanger: Exchanger | None = None,
        limit: Limit | None = None,
    ) -> None:
        self.pool = pool
        self.gate = gate
        self.recorder = Recorder()
        self.names = Names(self.recorder)
        self.timeout_s = timeout_s
        self.headers = headers
        self.folder = folder
        self.exchanger = exchanger
        self._limit = limit
        parts = urlsplit(base_url)
        self.home = f"{parts.scheme}://{parts.netloc}"
        self.base_url = base_url
        self.path = "/"
        self.spread_s = 0.0
        self.host = parts.hostname or ""
        self.secure_too = forwarded_as_https(headers)
        self.targets: dict[tuple[str, bool], dict[tuple[str, str], Any]] = {}
        self.queried: dict[tuple[str, bool], dict[tuple[Any, ...], Any]] = {}
        """Targets that were made already, without and with parameters."""
        self.observe: Callable[[Any, UserResponse], None] | None = None
        """Called with the user and each ended request; the check trial looks at them so."""
        self.refused: dict[str, str] = {}
        """URLs of other addresses, each with the place in the locustfile that asked for it."""
        self.notes: dict[str, None] = {}
        self.start_requests = 0
        self.start_failed = 0
        self.own_handlers = 0
        """Listeners of Locust's event ``request`` that are not the locustfile's."""

    def held(self) -> float:
        """Return the present moment, once the most requests a second let another one pass.

        For requests that no gate admits: those before a user's first task, and redirects.
        """
        if self._limit is not None:
            self._limit.wait()
        return monotonic()

    def is_home(self, url: str) -> bool:
        """Return whether ``url`` belongs to the target."""
        return url.startswith(self.home) and url[len(self.home) : len(self.home) + 1] in HOME_ENDS

    def refuse(self, url: str) -> Elsewhere:
        """Remember that ``url`` was asked for; return the exception to raise."""
        where = self.place()
        if len(self.refused) < NOTES_MAX:
            self.refused.setdefault(url, where)
        return Elsewhere(
            f"{url} is not at the target {self.home}, so nothing was sent ({where})."
            " Ask for a path, such as /search."
        )

    def note(self, sentence: str) -> None:
        """Remember a sentence for the user, once."""
        if len(self.notes) < NOTES_MAX:
            self.notes.setdefault(sentence)

    def note_redirect(self, url: str) -> None:
        """Remember that a redirect to ``url``, which is another address, was not followed."""
        self.note(f"A redirect to {url.partition('?')[0][:URL_MAX]} was not followed.")

    def place(self) -> str:
        """Return the file and line of the user's code that is running."""
        return place_of(self.folder)

    def count_start(self, outcome: Outcome) -> None:
        """Count a request that a user sent before its first task."""
        self.start_requests += 1
        self.start_failed += outcome is not Outcome.OK


NOTES_MAX = 100
"""Sentences, and URLs of other addresses, that are kept: an application can make up any number."""

URL_MAX = 200
"""Characters of a URL in a sentence."""

HOME_ENDS = frozenset({"", "/", "?", "#"})
"""What may follow host and port in a URL of the target."""


def forwarded_as_https(headers: dict[str, str]) -> bool:
    """Return whether ``headers`` tell the application that it is behind TLS."""
    lower = {name.lower(): value.lower() for name, value in headers.items()}
    return lower.get("x-forwarded-proto") == "https" or "proto=https" in lower.get("forwarded", "")
