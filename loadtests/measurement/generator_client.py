"""The client of the generator's protocol (docs/reference/generator-protocol.md)."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError

from loadtests.model.errors import (
    GeneratorFailure,
    ListTooShort,
    ProcessFailure,
    TwofoldError,
    UnusableLoad,
    UsageError,
)
from loadtests.model.generator_records import Answer, Ask, Finished, Load, LoadDone
from loadtests.tools.proc import Child

PROTOCOL = 1

HELLO_LIMIT_S = 60.0
"""Timeout of the generator's first answer, in seconds, with its start."""

SLACK_S = 20.0
"""Seconds beyond the planned time after which an answer counts as missing."""

START_SLACK_S = 60.0
"""The same for a load whose users first log in: the generator itself gives up after 45 s."""

ERRORS: Mapping[str, type[TwofoldError]] = {
    "elsewhere": UsageError,
    "list": ListTooShort,
    "users": UnusableLoad,
}
"""The exceptions for errors of the user's own load, by their kind; their details say it all."""


_ANSWERS = TypeAdapter(list[Answer])
_FINISHED = TypeAdapter(Finished)


class Agent:
    """A running generator, which handles one request at a time."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._count = 0
        self.greeting: Mapping[str, Any] = {}
        """What the generator said of itself."""

    def hello(self) -> dict[str, Any]:
        """Return the generator's versions; raise :class:`GeneratorFailure` for another protocol."""
        self._say({"op": "hello"})
        self.greeting = greeting = self._hear("hello", HELLO_LIMIT_S)
        if greeting.get("protocol") != PROTOCOL:
            raise GeneratorFailure(
                f"The generator uses protocol {greeting.get('protocol')!r}, and twofold"
                f" {PROTOCOL}. Rebuild its image: run `twofold down`, then start again."
            )
        return greeting

    def fetch(self, urls: Sequence[str], *, timeout_s: float = 5.0) -> tuple[Answer, ...]:
        """Get all URLs at the same time, and return the answers in the same order."""
        return self._fetched({"urls": list(urls)}, timeout_s) if urls else ()

    def ask(self, asks: Sequence[Ask], *, timeout_s: float = 5.0) -> tuple[Answer, ...]:
        """Send all requests at the same time, and return the answers in the same order."""
        return self._fetched({"requests": [vars(ask) for ask in asks]}, timeout_s) if asks else ()

    def _fetched(self, request: dict[str, Any], timeout_s: float) -> tuple[Answer, ...]:
        self._count += 1
        self._say({"op": "fetch", "id": f"f{self._count}", **request, "timeout_s": timeout_s})
        event = self._hear("fetched", timeout_s + SLACK_S)
        try:
            return tuple(_ANSWERS.validate_python(event["answers"]))
        except (KeyError, ValidationError) as error:
            raise GeneratorFailure(f"The generator's answer is invalid: {error}") from error

    def place(
        self,
        folder: str,
        *,
        probe: str | None = None,
        sha256: str | None = None,
        packed: Sequence[bytes] = (),
    ) -> str | None:
        """Return where the generator has a folder of the user's; None if it does not have it.

        With ``packed``, the parts of a compressed tar file, the folder is sent. Without, the
        generator looks whether it has it: ``probe`` is a file in it, and ``sha256`` its hash.
        """
        order = {"op": "place", "id": "place", "folder": folder}
        if not packed:
            self._say({**order, "probe": probe, "sha256": sha256})
            return _folder(self._hear("placed", SLACK_S))
        place = None
        for number, part in enumerate(packed, start=1):
            data = base64.b64encode(part).decode()
            self._say({**order, "part": number, "parts": len(packed), "data": data})
            place = _folder(self._hear("placed", SLACK_S))
        return place

    def check(self, base_url: str, fields: Mapping[str, Any], *, limit_s: float) -> dict[str, Any]:
        """Run the check trial of a user's own load, and return what was seen.

        ``fields`` are those of the load. The protocol describes the answer.
        """
        order = {"op": "check", "id": "check", "base_url": base_url, "limit_s": limit_s}
        self._say({**order, **fields})
        return self._hear("checked", limit_s + SLACK_S)

    def end_users(self, *, limit_s: float = 5.0) -> None:
        """End the users who live from trial to trial."""
        self._say({"op": "end", "id": "end", "limit_s": limit_s})
        self._hear("ended", limit_s + SLACK_S)

    def load(
        self, load: Load, *, on_opened: Callable[[], None], on_closed: Callable[[], None]
    ) -> LoadDone:
        """Run one load with callbacks at the window's edges, and return all samples."""
        self.begin(load)
        self.wait_opened(load)
        on_opened()
        self.wait_closed(load)
        on_closed()
        return self.collect(load)

    def begin(self, load: Load) -> None:
        """Start one load without waiting, so that several generators can start together."""
        fields = {name: value for name, value in vars(load).items() if value is not None}
        self._say({"op": "trial", **fields})

    def wait_opened(self, load: Load) -> None:
        """Wait until the window of a started load opens; its users start before the load does."""
        while True:
            limit_s = load.settle_s + (START_SLACK_S if load.is_users else SLACK_S)
            if self._hear(("opened", "starting"), limit_s)["event"] == "opened":
                return

    def wait_closed(self, load: Load) -> None:
        """Wait until the open window closes."""
        self._hear("closed", load.window_s + SLACK_S)

    def collect(self, load: Load) -> LoadDone:
        """Wait for the requests in flight after the window, and return all samples."""
        parts: list[bytes] = []
        while True:
            event = self._hear(("samples", "finished"), load.drain_limit_s + SLACK_S)
            if event["event"] == "finished":
                break
            parts.append(_decoded(event))
        try:
            finished = _FINISHED.validate_python(
                {key: value for key, value in event.items() if key != "event"}
            )
        except ValidationError as error:
            raise GeneratorFailure(f"The generator's answer is invalid: {error}") from error
        return LoadDone(finished=finished, samples=b"".join(parts))

    def _say(self, message: dict[str, Any]) -> None:
        try:
            self._child.send(json.dumps(message))
        except ProcessFailure as error:
            raise GeneratorFailure(str(error)) from error

    def _hear(self, expected: str | tuple[str, ...], timeout_s: float) -> dict[str, Any]:
        names = (expected,) if isinstance(expected, str) else expected
        try:
            line = self._child.receive(timeout_s)
        except ProcessFailure as error:
            raise GeneratorFailure(str(error)) from error
        event = _parsed(line)
        if event.get("event") == "error":
            if kind := ERRORS.get(str(event.get("kind"))):
                raise kind(str(event.get("detail")))
            raise GeneratorFailure(
                f"The generator failed: {event.get('kind')}: {event.get('detail')}."
                f" Its log: {self._child.log}"
            )
        if event.get("event") not in names:
            raise GeneratorFailure(
                f"The generator sent {event.get('event')!r} instead of {' or '.join(names)}."
            )
        return event


def _parsed(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError as error:
        raise GeneratorFailure(f"The generator wrote {line[:200]!r}, not JSON.") from error
    if not isinstance(event, dict):
        raise GeneratorFailure(f"The generator wrote {line[:200]!r}, not an object.")
    return event


def _folder(event: Mapping[str, Any]) -> str | None:
    folder = event.get("folder")
    return None if folder is None else str(folder)


def _decoded(event: dict[str, Any]) -> bytes:
    try:
        return base64.b64decode(event["data"], validate=True)
    except (KeyError, TypeError, ValueError) as error:
        raise GeneratorFailure(f"The generator's samples cannot be read: {error!r}") from error
