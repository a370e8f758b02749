"""The response that a user's locustfile gets, with the API of Locust's two clients."""

from __future__ import annotations

import json as json_format
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType
from typing import Any, Self

from gevent import GreenletExit
from locust.exception import (
    CatchResponseError,
    InterruptTaskSet,
    LocustError,
    RescheduleTask,
    RescheduleTaskImmediately,
    ResponseError,
    StopTest,
    StopUser,
)
from requests import exceptions
from requests.cookies import RequestsCookieJar
from requests.structures import CaseInsensitiveDict
from requests.utils import get_encoding_from_headers, parse_header_links

from loadtests.generator.http.head import cookie_lines, final_head
from loadtests.generator.http.outcome import Outcome
from loadtests.generator.session.bodies import InPieces, decompressed
from loadtests.generator.session.headers import RequestView
from loadtests.generator.session.jar import jar_of

FLOW = (
    InterruptTaskSet,
    RescheduleTask,
    RescheduleTaskImmediately,
    StopUser,
    StopTest,
    GreenletExit,
)
"""Exceptions by which a task goes elsewhere; they say nothing about an answer."""

NO_WITH = "To use a response in a with block, pass catch_response=True to the request."
NO_JUDGE = "To call success() or failure(), pass catch_response=True and use a with block."

ENCODED = b"ontent-encoding:"
ENCODED_TITLE = b"ontent-Encoding:"

Report = Callable[["UserResponse"], None]
"""Counts an ended request."""


class UserResponse(InPieces):
    """One answer, or the failure to get one (``status_code`` 0).

    ``report`` counts it. Without ``catch_response`` that has been done when a task sees it.
    """

    due: float
    """When it was to be sent, and ``sent_at`` when it was, by the monotonic clock."""
    sent_at: float
    name: str
    js: Any
    """The body as JSON; set by Locust's ``rest``."""

    __slots__ = (
        "__weakref__",
        "_body",
        "_content",
        "_encoding",
        "_headers",
        "_judged",
        "_meta",
        "_report",
        "_sent",
        "_verdict",
        "due",
        "elapsed_s",
        "expected",
        "history",
        "js",
        "name",
        "outcome",
        "raw",
        "reason_given",
        "sent_at",
        "status_code",
        "url",
        "was_left",
    )

    def __init__(
        self, url: str, outcome: Outcome, status_code: int = 0, raw: bytes = b"", body: bytes = b""
    ) -> None:
        self.url = url
        self.outcome = outcome
        self.status_code = status_code
        self.raw = raw
        self.elapsed_s = 0.0
        self.expected = False  # whether the load itself calls this answer right
        self.history: list[UserResponse] = []
        self.reason_given: Exception | None = None
        self._body = body
        self._content: bytes | None = None
        self._headers: CaseInsensitiveDict[str] | None = None
        self._encoding: str | None = None
        self._report: Report | None = None
        self._judged = False
        self._verdict: Outcome | None = None
        self._meta: dict[str, Any] | None = None
        self._sent: tuple[str, bytes] = ("GET", b"")
        self.was_left = False

    def __repr__(self) -> str:
        return f"<Response [{self.status_code}]>"

    def __bool__(self) -> bool:
        return self.ok

    # -- the answer -----------------------------------------------------------------------------

    @property
    def ok(self) -> bool:
        """Whether a whole answer came, with a status below 400."""
        return 0 < self.status_code < 400 and self.outcome is not Outcome.MALFORMED

    @property
    def wire_bytes(self) -> int:
        """The length of the body as it came, before it is decompressed."""
        return len(self._body)

    @property
    def content(self) -> Any:
        """The body, decompressed; None where no answer came."""
        if self._content is None:
            if not self.status_code:
                return None
            raw = self.raw
            encoded = ENCODED in raw or ENCODED_TITLE in raw
            self._content = self._decompressed() if encoded else self._body
        return self._content

    def _decompressed(self) -> bytes:
        encoding = self.headers.get("content-encoding", "")
        return decompressed(self._body, encoding.strip().lower())

    @property
    def headers(self) -> CaseInsensitiveDict[str]:
        """The header's fields; a repeated one is joined."""
        if self._headers is None:
            fields: CaseInsensitiveDict[str] = CaseInsensitiveDict()
            head = (final_head(self.raw) or b"").decode("latin-1")
            for line in head.split("\r\n")[1:]:
                name, _, value = line.partition(":")
                value = value.strip()
                fields[name] = f"{fields[name]}, {value}" if name in fields else value
            self._headers = fields
        return self._headers

    @property
    def encoding(self) -> str | None:
        """The charset of the text, as the header says it."""
        if self._encoding is None:
            if b"charset=utf-8" in self.raw:
                self._encoding = "utf-8"
            else:
                self._encoding = get_encoding_from_headers(self.headers)
        return self._encoding

    @encoding.setter
    def encoding(self, encoding: str | None) -> None:
        self._encoding = encoding

    @property
    def text(self) -> str:
        """The body as text; empty where no answer came."""
        content = self.content or b""
        try:
            return str(content, self.encoding or "utf-8", errors="replace")
        except LookupError:
            return str(content, "utf-8", errors="replace")

    def json(self, **options: Any) -> Any:
        """Parse the body as JSON; raises the exception of ``requests``, which is a ValueError."""
        try:
            return json_format.loads(self.content or b"", **options)
        except (json_format.JSONDecodeError, UnicodeDecodeError) as error:
            text = self.text
            raise exceptions.JSONDecodeError(
                getattr(error, "msg", str(error)), text, getattr(error, "pos", 0)
            ) from None

    @property
    def reason(self) -> str:
        """The words after the status."""
        line = self.raw.partition(b"\r\n")[0].decode("latin-1")
        return line.split(" ", 2)[2] if line.count(" ") > 1 else ""

    @property
    def elapsed(self) -> timedelta:
        """The time from sending the request to the complete answer, with all redirects."""
        return timedelta(seconds=self.elapsed_s)

    @property
    def cookies(self) -> RequestsCookieJar:
        """The cookies that this answer set, in a jar that is made for who asks."""
        return jar_of(cookie_lines(self.raw))

    @property
    def links(self) -> dict[str, Any]:
        """The header ``Link``, parsed."""
        parsed = parse_header_links(self.headers.get("link", ""))
        return {link.get("rel") or link.get("url", ""): link for link in parsed}

    @property
    def is_redirect(self) -> bool:
        """Whether it is a redirect, which was not followed."""
        return self.status_code in {301, 302, 303, 307, 308} and "location" in self.headers

    @property
    def is_permanent_redirect(self) -> bool:
        """Whether it is a redirect that is to be remembered."""
        return self.is_redirect and self.status_code in {301, 308}

    @property
    def request(self) -> RequestView:
        """The request."""
        return RequestView(self._sent[0], self.url, self._sent[1])

    def close(self) -> None:
        """Do nothing: the body has been read."""

    # -- failures -------------------------------------------------------------------------------

    @property
    def error(self) -> Exception | None:
        """Why the request failed, or None."""
        if self.reason_given is not None and self.outcome is Outcome.REJECTED:
            return self.reason_given
        if self.outcome is Outcome.OK:
            return None
        if self.outcome is Outcome.REJECTED:
            return CatchResponseError(f"{self.status_code} is not what was expected")
        if self.outcome is Outcome.MALFORMED and self.status_code:
            return exceptions.InvalidHeader(f"malformed: the redirect of {self.url} is to no URL")
        if self.status_code:
            kind = "Client" if self.status_code < 500 else "Server"
            return exceptions.HTTPError(
                f"{self.status_code} {kind} Error: {self.reason} for url: {self.url}",
                response=self,  # type: ignore[arg-type]  # it looks like one
            )
        kind_of = exceptions.Timeout if self.outcome is Outcome.TIMEOUT else FAILED
        return kind_of(f"{self.outcome.name.lower()}: no answer from {self.url}")

    def raise_for_status(self) -> None:
        """Raise the exception of ``requests`` unless the request was good."""
        if (error := self.error) is not None:
            raise error

    # -- judging in a with block ----------------------------------------------------------------

    def described(self, method: str, name: str, error: Any) -> None:
        """Take over what another client says of its request."""
        self.name, self._sent = name, (method, b"")
        self.reason_given = error

    @property
    def method(self) -> str:
        """The method of the request."""
        return self._sent[0]

    def judged_by_task(self, report: Report) -> Self:
        """Leave it to a ``with`` block to count the request; without one it counts by itself."""
        self._judged = True
        self._report = report
        return self

    def success(self) -> None:
        """Count the request as good, whatever its status."""
        if not self._judged:
            raise LocustError(NO_JUDGE)
        self._verdict, self.reason_given, self.expected = Outcome.OK, None, True

    def failure(self, reason: Any) -> None:
        """Count the request as failed, for ``reason`` (a text or an exception)."""
        if not self._judged:
            raise LocustError(NO_JUDGE)
        self._verdict = Outcome.REJECTED
        self.reason_given = reason if isinstance(reason, Exception) else CatchResponseError(reason)

    @property
    def request_meta(self) -> dict[str, Any]:
        """What is counted; a task may change ``name`` and ``response_time``."""
        if self._meta is None:
            self._meta = {
                "request_type": self._sent[0],
                "name": self.name,
                "response_time": self.elapsed_s * 1000,
                "response_length": self.wire_bytes,
                "response": self,
                "exception": self.error,
                "context": {},
                "url": self.url,
            }
        return self._meta

    @property
    def changed_meta(self) -> dict[str, Any] | None:
        """What a task may have changed; None where it did not look."""
        return self._meta

    def __enter__(self) -> Self:
        if not self._judged:
            raise LocustError(NO_WITH)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if self._verdict is None and isinstance(error, Exception) and not isinstance(error, FLOW):
            self.failure(error)
        self.settle()
        return kind is None or isinstance(error, ResponseError)

    def settle(self) -> None:
        """Count the request now, by the task's verdict where there is one, and an answer came."""
        report, self._report = self._report, None
        if report is None:
            return
        if self._verdict is not None and self.status_code:
            self.outcome = self._verdict
        report(self)

    def __del__(self) -> None:
        # A response for a with block that never came counts all the same.
        if getattr(self, "_report", None) is not None:
            self.was_left = True
            self.settle()


FAILED = exceptions.ConnectionError
