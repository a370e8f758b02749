"""Runs single steps of a check trial: a task, an ``on_start``; none of them can hang it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import gevent
from locust.exception import (
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopTest,
    StopUser,
)

from loadtests.generator.http.outcome import Outcome
from loadtests.generator.session.names import without_secrets
from loadtests.generator.session.places import error_place, place_of
from loadtests.generator.session.response import UserResponse
from loadtests.generator.user_load import pace
from loadtests.generator.user_load.crowd import Crowd
from loadtests.generator.user_load.guard import told_by_the_file
from loadtests.generator.user_load.runner import first_line
from loadtests.generator.user_load.watchdog import NeverEnds, Watchdog

IDLE_LIMIT_S = 2.0
"""Longest time that a step may take between two of its requests."""

LOOK_S = 0.02

REQUESTS_MAX = 100
"""Requests of one attempt that are described."""

TEXT_MAX = 20_000
"""Bytes of an answer in which a field for a password is looked for."""

TOO_MANY_REQUESTS = 429

BODY_MAX = 20_000
"""Bytes of a request's body that are told."""

OWN_HEADERS = frozenset({"host", "accept-encoding", "cookie", "content-length", "connection"})
"""Headers that any client sends by itself."""

USUAL = frozenset({("accept", "*/*"), ("user-agent", "twofold")})
"""Headers that it sends where the load has no other: an application may answer others otherwise."""

Facts = dict[str, Any]
"""Values of JSON."""


@dataclass(kw_only=True)
class Attempt:
    """One try of a step. ``ending`` is ``ok``, ``raised``, ``stuck``, ``stop_user`` or ``quit``.

    ``place`` is the line of the user's that it is about.
    """

    ending: str = "ok"
    detail: str = ""
    place: str = ""
    kind: str = ""
    requests: list[Facts] = field(default_factory=list)

    @classmethod
    def raised_by(cls, error: BaseException, place: str) -> Attempt:
        """Return the attempt that ``error`` ended."""
        return cls(
            ending="raised", detail=first_line(str(error)), place=place, kind=type(error).__name__
        )

    @property
    def is_good(self) -> bool:
        """Whether it ended by itself, and all its requests were good."""
        return self.ending == "ok" and all(request["good"] for request in self.requests)

    @property
    def is_limited(self) -> bool:
        """Whether a limit of the rate refused one of its requests."""
        return any(request["status"] == TOO_MANY_REQUESTS for request in self.requests)


@dataclass(kw_only=True, eq=False)
class Step:
    """One thing that a user does; ``share`` is its share of all tasks that are executed.

    ``unready`` says that what comes before it had failed, so that it may fail for that reason.
    """

    name: str
    kind: str
    share: float = 0.0
    unready: bool = False
    attempts: list[Attempt] = field(default_factory=list)

    @property
    def may_get_better(self) -> bool:
        """Whether another try may go well; what hangs or ends its user costs seconds only."""
        return not self.attempts or self.attempts[-1].ending in {"ok", "raised"}

    @property
    def facts(self) -> Facts:
        """The step as values of JSON."""
        return {
            "name": self.name,
            "kind": self.kind,
            "share": round(self.share, 6),
            "unready": self.unready,
            "attempts": [vars(attempt) for attempt in self.attempts],
        }


class StepRunner:
    """Runs steps of the users of ``crowd`` until ``limit``, a moment of the monotonic clock."""

    def __init__(self, crowd: Crowd, watchdog: Watchdog, limit: float) -> None:
        self._crowd = crowd
        self._watchdog = watchdog
        self._limit = limit
        self._attempt = Attempt()
        self.tells_itself = False
        """Whether the file told Locust of a request of a client of its own, which counts so."""
        crowd.load.observe = self._observe

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return monotonic() >= self._limit

    def note_stops(self, user: Any) -> None:
        """Note where ``user`` stops itself: Locust's own ``stop`` needs the greenlet of a load."""

        def stop(force: bool = False) -> bool:  # noqa: FBT001, FBT002 - Locust's own signature
            self._attempt.ending = "stop_user"
            self._attempt.place = place_of(self._crowd.load.folder)
            if force:
                raise gevent.GreenletExit
            return force

        user.stop = stop

    def run(self, user: Any, call: Callable[[], Any]) -> Attempt:
        """Run ``call`` for ``user``, and return how it went."""
        attempt = self._attempt = Attempt()
        runner = self._crowd.runner
        runner.stopped_at = None
        with self._watchdog.watching(IDLE_LIMIT_S):
            greenlet = gevent.spawn(self._call, user, call, attempt)
            with pace.short_sleeps(greenlet):
                self._wait(user, greenlet, attempt)
        if runner.stopped_at is not None:
            attempt.ending, attempt.place = "quit", runner.stopped_at
        return attempt

    def _call(self, _user: Any, call: Callable[[], Any], attempt: Attempt) -> None:
        folder = self._crowd.load.folder
        try:
            call()
        except (InterruptTaskSet, RescheduleTask, RescheduleTaskImmediately):
            pass
        except (StopUser, StopTest) as error:
            attempt.ending = "stop_user"
            attempt.place = error_place(folder, error.__traceback__)
        except gevent.GreenletExit:
            pass  # _wait says why
        except NeverEnds as error:
            attempt.ending = "stuck"
            attempt.place = error_place(folder, error.__traceback__)
        except BaseException as error:  # noqa: BLE001 - it is anybody's code
            place = error_place(folder, error.__traceback__)
            raised = Attempt.raised_by(error, place)
            attempt.ending, attempt.detail = raised.ending, raised.detail
            attempt.place, attempt.kind = raised.place, raised.kind

    def _wait(self, user: Any, greenlet: Any, attempt: Attempt) -> None:
        """Wait until a step is over; end one that does nothing, or for which no time is left."""
        client: Any = getattr(user, "client", None)
        sent, moved = -1, monotonic()
        while not greenlet.join(timeout=LOOK_S) and not greenlet.dead:
            now = monotonic()
            # Another client may be there meanwhile: one of Locust's own.
            client = getattr(user, "client", client)
            if getattr(client, "in_flight", 0) or getattr(client, "sent", -1) != sent:
                sent, moved = getattr(client, "sent", -1), now
            if now - moved > IDLE_LIMIT_S or now > self._limit:
                attempt.ending = "stuck" if now - moved > IDLE_LIMIT_S else "slow"
                attempt.place = place_of(self._crowd.load.folder, greenlet.gr_frame)
                greenlet.kill(block=False)
                gevent.sleep(LOOK_S)
                return

    def _observe(self, _user: Any, response: UserResponse) -> None:
        self.tells_itself |= told_by_the_file(sys._getframe(1))  # noqa: SLF001 - who tells of it
        if len(self._attempt.requests) < REQUESTS_MAX:
            secrets = self._crowd.load.names.secrets
            self._attempt.requests.append(described(response, secrets))


def sent(response: UserResponse) -> Facts:
    """Return what was sent, so that it can be asked again; ``body`` is None where it is no text."""
    view = response.request
    content = view.body or b""
    body: str | None = None
    if len(content) <= BODY_MAX:
        with suppress(UnicodeDecodeError):
            body = content.decode()
    headers = {
        name: value
        for name, value in view.headers.items()
        if name.lower() not in OWN_HEADERS and (name.lower(), value) not in USUAL
    }
    return {"target": view.path_url, "headers": headers, "body": body}


LOGOUT = re.compile(rb"(?:log|sign)[\s_-]?(?:out|off)\b|abmelden|cerrar sesi|d\xc3\xa9connexion")
"""What a page offers to a user who is logged in, in small letters: as a link, a form or a text."""


def described(response: UserResponse, secrets: frozenset[str] = frozenset()) -> Facts:
    """Return what is worth knowing of a request; ``secrets`` are values that no name may have."""
    error = response.error
    location = response.headers.get("location") if response.raw else None
    text = (response.content or b"")[:TEXT_MAX].lower() if response.status_code else b""
    return {
        "method": response.method,
        "name": without_secrets(response.name, secrets),
        "path": urlsplit(response.history[0].url if response.history else response.url).path,
        "final_path": urlsplit(response.url).path,
        "host": urlsplit(response.url).hostname,
        "status": response.status_code,
        "good": response.outcome is Outcome.OK,
        "expected": response.expected,
        "outcome": response.outcome.name.lower(),
        "error": None if error is None else first_line(str(error)),
        "location": location,
        "redirects": [
            {"status": hop.status_code, "location": hop.headers.get("location")}
            for hop in response.history
        ],
        "bytes": response.wire_bytes,
        **sent(response),
        "has_password_field": b'type="password"' in text or b"type='password'" in text,
        "offers_logout": LOGOUT.search(text) is not None,
        "names_csrf": b"csrf" in text,
    }
