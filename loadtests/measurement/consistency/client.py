"""One client of the application, who can ask each server directly."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote, urlencode, urlsplit

from loadtests.analysis.consistency import bearer, form_tokens
from loadtests.analysis.consistency.conversation import READING
from loadtests.analysis.consistency.judgement import TIME_OVER
from loadtests.analysis.consistency.rate_limits import Heard
from loadtests.analysis.shared.statuses import FIRST_ERROR_STATUS
from loadtests.measurement.generator_client import Agent
from loadtests.model.consistency import Seen
from loadtests.model.generator_records import Answer, Ask
from loadtests.model.tested.workload import RequestSpec
from loadtests.tools import proc

TIMEOUT_S = 5.0
"""Timeout of a request of the checks."""

SAFE = "!$%&'()*+,/:;=?@[]~"
"""Characters of a path that are not encoded; % is one, so nothing is encoded twice."""

LEFT_OUT = frozenset({"accept-encoding", "content-length", "host", "cookie"})
"""Headers of a load that a check sets itself; answers are compared as plain text."""

FORWARDED_FOR = "127.0.0.1"
"""The client's address, as a proxy would say it: the same for all servers."""

PROTO = "x-forwarded-proto"

WANTS_TLS = "a redirect to the same page over https; send it with --header X-Forwarded-Proto=https"
"""What an answer is worth that only asks for https."""

TOKEN_REFUSED = frozenset({400, 401, 403, 419, 422})
"""Statuses with which applications refuse a form's token."""

LIMIT_HEADERS = ("x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining")
LIMIT_IN_WORDS = re.compile(r"(?:remaining|\br)=([0-9]{1,18})")
"""In the header ``RateLimit`` of the IETF's drafts: ``limit=10, remaining=3`` or ``r=3``."""

WHOLE_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass
class Deadline:
    """A moment of the monotonic clock until which requests are sent, in seconds."""

    until_s: float = math.inf

    def left_s(self) -> float:
        """Return how many seconds are left; negative ones are over."""
        return self.until_s - proc.monotonic_s()


class Client:
    """A client with its cookies. ``addresses`` maps servers to ``ip:port``.

    ``host`` is the header ``Host`` that users send through the proxy. ``heard`` are all answers in
    order. No request waits beyond the ``deadline``, and none is sent after it. A form has the token
    of the last page that gave one; where there was none, its page in ``pages`` is read before. The
    token of a header ``Authorization`` is that of the last login.
    """

    def __init__(
        self,
        agent: Agent,
        addresses: Mapping[str, str],
        host: str,
        deadline: Deadline,
        pages: Mapping[str, RequestSpec] | None = None,
    ) -> None:
        self._agent = agent
        self._addresses = addresses
        self._host = host
        self._deadline = deadline
        self._pages = pages or {}
        self._tokens: dict[str, str] = {}
        self._token_page: RequestSpec | None = None
        """The last page that gave a token."""
        self._bearer: str | None = None
        self.cookies = ""
        self.heard: list[Heard] = []

    def log_in(self, server: str, request: RequestSpec) -> Seen:
        """Send a request as :meth:`send` does, and keep the token that its answer gives."""
        seen = self.send(server, request)
        if seen.status is not None and seen.status < FIRST_ERROR_STATUS:
            self._bearer = bearer.in_answer(seen.body) or self._bearer
        return seen

    def stranger(self) -> Client:
        """Return another client of the same servers, whom none of them knows yet."""
        return Client(self._agent, self._addresses, self._host, self._deadline, pages=self._pages)

    @property
    def has_token(self) -> bool:
        """Whether a login gave a token."""
        return self._bearer is not None

    @property
    def is_known(self) -> bool:
        """Whether a server may tell the client from a stranger: by a cookie, or a login's token."""
        return bool(self.cookies) or self.has_token

    def credential_of(self, request: RequestSpec) -> str:
        """Return by what a server may know the client that sends a request, in a word."""
        return "token" if self.has_token and bearer.is_in(request) else "cookie"

    def send(self, server: str, request: RequestSpec) -> Seen:
        """Send a request with the client's cookies, and keep those of the answer."""
        is_form = request.method.upper() not in READING
        page = self._pages.get(request.path.partition("?")[0]) if is_form else None
        if page is not None and form_tokens.lacks(request, self._known_tokens()):
            self._send(server, page)
        seen = self._send(server, request)
        if is_form and seen.status in TOKEN_REFUSED and self._has_renewed(server, request, page):
            return self._send(server, request)
        return seen

    def _has_renewed(self, server: str, request: RequestSpec, page: RequestSpec | None) -> bool:
        """Return whether a page that has a request's token, read again, gives another one.

        A login makes the tokens of earlier pages void.
        """
        again = page or self._token_page
        if again is None or not form_tokens.sends_any(request):
            return False
        before = form_tokens.renewed(request, self._known_tokens())
        self._send(server, again)
        return form_tokens.renewed(request, self._known_tokens()) != before

    def _send(self, server: str, request: RequestSpec) -> Seen:
        (answer,) = self._ask([(server, request)], self.cookies)
        if answer.error is None:
            self.cookies = answer.cookies
        if answer.status is not None and answer.status < FIRST_ERROR_STATUS:
            tokens = form_tokens.in_page(answer.body)
            self._tokens |= tokens
            if tokens and request.method.upper() in READING:
                self._token_page = request
        return self._kept(server, request, answer)

    def _known_tokens(self) -> dict[str, str]:
        return {**form_tokens.in_cookies(self.cookies), **self._tokens}

    def ask(
        self, asked: Sequence[tuple[str, RequestSpec]], *, as_stranger: bool = False
    ) -> tuple[Seen, ...]:
        """Send requests to servers, all at the same time; no cookie changes."""
        answers = self._ask(asked, None if as_stranger else self.cookies)
        return tuple(
            self._kept(server, request, answer, as_stranger=as_stranger)
            for (server, request), answer in zip(asked, answers, strict=True)
        )

    def _ask(
        self, asked: Sequence[tuple[str, RequestSpec]], cookies: str | None
    ) -> tuple[Answer, ...]:
        """Send requests with these cookies beside their own; None for a stranger, who has none.

        A stranger has no token of a login either.
        """
        if cookies is None and self._bearer is not None:
            asked = [(server, bearer.without(request)) for server, request in asked]
        if cookies is not None:
            tokens = self._known_tokens()
            asked = [
                (server, bearer.renewed(form_tokens.renewed(request, tokens), self._bearer))
                for server, request in asked
            ]
        asks = [self._as_ask(server, request, cookies) for server, request in asked]
        left_s = self._deadline.left_s()
        if left_s <= 0:
            return tuple(Answer(url=ask.url, status=None, error=TIME_OVER) for ask in asks)
        return self._agent.ask(asks, timeout_s=min(TIMEOUT_S, left_s))

    def _as_ask(self, server: str, request: RequestSpec, cookies: str | None) -> Ask:
        body, kind = encoded(request)
        headers = {
            name: value for name, value in request.headers.items() if name.lower() not in LEFT_OUT
        }
        if kind and "content-type" not in {name.lower() for name in headers}:
            headers["Content-Type"] = kind
        host = header_of(request.headers, "host") or self._host
        headers |= {
            "Host": host,
            "X-Forwarded-Host": host,
            "X-Forwarded-For": FORWARDED_FOR,
        }
        if not header_of(request.headers, PROTO):
            headers["X-Forwarded-Proto"] = "http"
        sent = "" if cookies is None else joined(header_of(request.headers, "cookie"), cookies)
        if sent:
            headers["Cookie"] = sent
        return Ask(
            url=f"http://{self._addresses[server]}{target(request)}",
            method=request.method.upper(),
            headers=headers,
            body=body,
        )

    def _kept(
        self, server: str, request: RequestSpec, answer: Answer, *, as_stranger: bool = False
    ) -> Seen:
        wants_tls = _wants_tls(request, answer)
        seen = Seen(
            replica=server,
            status=None if wants_tls else answer.status,
            body=answer.body,
            error=WANTS_TLS if wants_tls else answer.error,
            location=_location(answer, self._addresses.values(), self._host),
            limit_left=limit_left(answer.headers),
        )
        self.heard.append(
            Heard(
                seen=seen,
                request=f"{request.method.upper()} {request.path}",
                as_stranger=as_stranger,
                retry_after_s=retry_after_s(answer.headers),
            )
        )
        return seen


def target(request: RequestSpec) -> str:
    """Return the path of a request with its query."""
    path, question, query = request.path.partition("?")
    parts = [quote(query, safe=SAFE)] if question else []
    parts += [urlencode(request.query)] if request.query else []
    return quote(path, safe=SAFE) + (f"?{'&'.join(parts)}" if parts else "")


def encoded(request: RequestSpec) -> tuple[str, str | None]:
    """Return the body of a request and its content type."""
    if request.form is not None:
        return urlencode(request.form), "application/x-www-form-urlencoded"
    if request.json is not None:
        return json.dumps(request.json), "application/json"
    return request.body or "", None


def limit_left(headers: Mapping[str, str]) -> int | None:
    """Return how many more requests a rate limit allows, by an answer's headers."""
    for name in LIMIT_HEADERS:
        number = _whole_number(headers.get(name, ""))
        if number is not None:
            return number
    match = LIMIT_IN_WORDS.search(headers.get("ratelimit", ""))
    return int(match[1]) if match else None


def retry_after_s(headers: Mapping[str, str]) -> int | None:
    """Return the seconds of the header ``Retry-After``; None for a date or none."""
    return _whole_number(headers.get("retry-after", ""))


def _whole_number(text: str) -> int | None:
    """Return the number that a header is; None for other texts, such as a superscript two."""
    return int(text) if WHOLE_NUMBER.fullmatch(text.strip()) else None


def joined(own: str, cookies: str) -> str:
    """Return the header ``Cookie`` of a request: its own, with ``cookies`` that win over it."""
    pairs = (pair.strip() for pair in f"{own};{cookies}".split(";"))
    by_name = {pair.partition("=")[0]: pair for pair in pairs if pair}
    return "; ".join(by_name.values())


def header_of(headers: Mapping[str, str], name: str) -> str:
    """Return a header, by its name in small letters; "" where it is not there."""
    return next((text for key, text in headers.items() if key.lower() == name), "")


def _wants_tls(request: RequestSpec, answer: Answer) -> bool:
    """Return whether an answer only redirects to the same page over https."""
    is_redirect = answer.status is not None and 300 <= answer.status < 400
    if not is_redirect or header_of(request.headers, PROTO) == "https":
        return False
    try:
        parts = urlsplit(answer.headers.get("location", ""))
    except ValueError:  # the text is anybody's: http://[object Object]/
        return False
    asked = urlsplit(answer.url)
    there, here = ((url.path or "/", url.query) for url in (parts, asked))
    return parts.scheme == "https" and there == here


def _location(answer: Answer, addresses: object, host: str) -> str | None:
    """Return where an answer redirects to, without the server's own address."""
    location = answer.headers.get("location")
    if location is None:
        return None
    for origin in (*addresses, host):  # type: ignore[misc]  # a view of texts
        for scheme in ("http", "https"):
            if location.startswith(f"{scheme}://{origin}/"):
                return location.removeprefix(f"{scheme}://{origin}")
    return location
