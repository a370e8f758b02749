"""Counts a user's ended requests, and tells the locustfile's own listeners of them."""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic, time
from typing import Any

from loadtests.generator.http.head import replica_of
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.session.load import SessionLoad
from loadtests.generator.session.response import UserResponse

UNJUDGED = (
    "{asked} is sent with catch_response=True, but not used in a with block. Locust would not count"
    " it; here it counts by its status."
)


class Counting:
    """The part of a session that counts; the session sets these fields."""

    _load: SessionLoad
    _handlers: list[Any]
    _stats: Any
    user: Any
    request_event: Any
    starting: bool

    def _count(self, response: UserResponse, context: Mapping[str, Any] | None) -> None:
        load, sent = self._load, response.sent_at
        meta = response.changed_meta
        name = response.name if meta is None else meta["name"]
        method, outcome = response._sent[0], response.outcome  # noqa: SLF001 - one unit
        recorder = load.recorder
        recorder.add(
            response.due,
            sent,
            sent + response.elapsed_s,
            response.status_code,
            outcome,
            recorder.replica_index(replica_of(response.raw)),
            load.names.index(method, name),
            response.wire_bytes,
        )
        if self.starting:
            load.count_start(outcome)
        if load.observe is not None:
            load.observe(self.user, response)
            if response.was_left:
                load.note(UNJUDGED.format(asked=f"{method} {name}"))
        if len(self._handlers) > load.own_handlers:
            self._fire(response, method, name, context)
        else:
            self._stats.log_request(method, name, response.elapsed_s * 1000, response.wire_bytes)
            if outcome is not Outcome.OK:
                self._stats.log_error(method, name, response.error)

    def _fire(
        self, response: UserResponse, method: str, name: str, context: Mapping[str, Any] | None
    ) -> None:
        """Tell the locustfile's own listeners of an ended request."""
        meta = response.changed_meta or {}
        self.request_event.fire(
            request_type=method,
            name=name,
            response_time=meta.get("response_time", response.elapsed_s * 1000),
            response_length=len(response.content or b""),
            response=response,
            context={**self.user.context(), **(context or {}), **meta.get("context", {})},
            exception=response.error,
            start_time=time() - (monotonic() - response.sent_at),
            url=response.url,
        )
