"""The response that a locustfile gets, with the API of Locust's ``FastHttpUser``."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from locust.exception import LocustError, ResponseError

from loadtests.generator.http.head import final_head, headers_of
from loadtests.generator.http.outcome import Outcome, RequestFailed

HOW_TO_JUDGE = "To judge a response, pass catch_response=True and use it in a with block."


class Headers(dict[str, str]):
    """The fields of a header; names are case-insensitive."""

    def __getitem__(self, name: str) -> str:
        return super().__getitem__(name.lower())

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and super().__contains__(name.lower())

    def get(self, name: str, default: Any = None) -> Any:
        """Return the field ``name``, or ``default``."""
        return super().get(name.lower(), default)


class Response:
    """The result of one request; ``status_code`` is 0 if no answer came."""

    __slots__ = ("content", "elapsed_s", "outcome", "raw", "status_code", "url")

    def __init__(
        self,
        url: str,
        outcome: Outcome,
        status_code: int = 0,
        raw: bytes = b"",
        content: bytes = b"",
    ) -> None:
        self.url = url
        self.outcome = outcome
        self.status_code = status_code
        self.raw = raw
        self.content = content
        self.elapsed_s = 0.0

    @property
    def ok(self) -> bool:
        """Whether a whole answer came, with a status below 400."""
        return self.outcome is Outcome.OK

    @property
    def headers(self) -> Headers:
        """The header's fields."""
        return Headers(headers_of(final_head(self.raw) or b""))

    @property
    def text(self) -> str:
        """The body, decoded with the header's charset (default UTF-8)."""
        _, _, charset = self.headers.get("content-type", "").lower().partition("charset=")
        try:
            return self.content.decode(charset.split(";")[0].strip(' "') or "utf-8", "replace")
        except LookupError:
            return self.content.decode("utf-8", "replace")

    @property
    def elapsed(self) -> timedelta:
        """The time from sending the request to the complete answer."""
        return timedelta(seconds=self.elapsed_s)

    @property
    def error(self) -> RequestFailed | None:
        """Why the request failed, or None."""
        if self.outcome is Outcome.OK:
            return None
        return RequestFailed(self.outcome, str(self.status_code) if self.status_code else "")

    def json(self) -> Any:
        """Parse the body as JSON; raises ``ValueError``."""
        return json.loads(self.content)

    def raise_for_status(self) -> None:
        """Raise ``RequestFailed`` unless the request was ``ok``."""
        if (error := self.error) is not None:
            raise error

    def success(self) -> None:
        """Refuse: only a response in a ``with`` block can be judged."""
        raise LocustError(HOW_TO_JUDGE)

    def failure(self, reason: object) -> None:
        """Refuse: only a response in a ``with`` block can be judged."""
        raise LocustError(f"{reason}: {HOW_TO_JUDGE}")

    def __enter__(self) -> Self:
        raise LocustError(HOW_TO_JUDGE)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool | None:
        return None


class JudgedResponse(Response):
    """A response that is counted at the end of its ``with`` block, by the locustfile's verdict."""

    __slots__ = ("_verdict", "at_exit", "js", "reason")

    at_exit: Callable[[], None]
    """Called once, at the end of the ``with`` block."""
    js: Any
    """The body as JSON; set by Locust's ``rest``."""

    def __init__(self, response: Response) -> None:
        """Copy ``response``."""
        super().__init__(
            response.url, response.outcome, response.status_code, response.raw, response.content
        )
        self.elapsed_s = response.elapsed_s
        self.reason: str | None = None
        self._verdict: Outcome | None = None

    def success(self) -> None:
        """Count the request as ``ok``, whatever its status."""
        self._verdict, self.reason = Outcome.OK, None

    def failure(self, reason: object) -> None:
        """Count the request as ``rejected``, with ``reason`` in Locust's statistics."""
        self._verdict, self.reason = Outcome.REJECTED, str(reason)

    @property
    def error(self) -> RequestFailed | None:
        """Why the request failed, or None."""
        if self.reason is not None and self.outcome is Outcome.REJECTED:
            return RequestFailed(self.outcome, self.reason)
        return super().error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if error is not None and self._verdict is None:
            self.failure(error)
        if self._verdict is not None and (self.status_code or self._verdict is Outcome.REJECTED):
            self.outcome = self._verdict
        self.at_exit()
        return kind is None or isinstance(error, ResponseError)
