"""The tokens against forged requests (CSRF) that pages give and forms send back. PURE.

A token belongs to one session, so a recorded one is refused in the next. A page has it in a hidden
field, in a meta tag, among htmx's headers, or in a value of JSON. Some applications set it as a
cookie, too.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import replace

from loadtests.analysis.consistency.bodies import form
from loadtests.analysis.consistency.bodies.json_text import Place, json_in, key_of, leaves
from loadtests.analysis.consistency.conversation import PLACEHOLDER, Conversation
from loadtests.analysis.consistency.normal_form import MOST_CHARS
from loadtests.analysis.consistency.rewording import put, with_content
from loadtests.analysis.consistency.written import content_of, content_type
from loadtests.model.tested.workload import RequestSpec

NAME = re.compile(r"[cx]srf|authenticity_?token|__RequestVerificationToken|^_token$", re.IGNORECASE)
"""Names of Flask-WTF, Django, Rails, Laravel, Spring, Angular and ASP.NET."""

NO_TOKEN = re.compile(r"param|header|cookie", re.IGNORECASE)
"""Names of meta tags that say how a token is sent, such as ``csrf-param``."""

RENEWAL = "refresh"
"""What the name has of a token that is for no other request, such as ``csrf_refresh_token``."""

TAG = re.compile(r"<(?:input|meta)\b[^<>]{1,4000}>", re.IGNORECASE)

ATTRIBUTE = re.compile(
    r"(?<![\w:-])(?P<name>[\w:-]+)\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'"
    r"|(?P<bare>[^\s\"']+))"
)

HTMX = re.compile(
    r"\bhx-headers\s*=\s*(?:\"(?P<double>[^\"]{0,1000})\"|'(?P<single>[^']{0,1000})')"
)
"""The headers that htmx sends from a page, as JSON."""

ENCODED = re.compile(r"%([0-7][0-9A-Fa-f])")
"""An encoded character of ASCII; tokens have no others."""

Tokens = Mapping[str, str]
"""Tokens by their plain names."""


def plain(name: str) -> str:
    """Return the small letters of a name: ``csrftoken`` for ``csrf_token`` and ``X-CSRFToken``."""
    return re.sub(r"[^a-z]", "", name.lower().removeprefix("x-"))


def in_page(body: str) -> dict[str, str]:
    """Return the tokens of a page, or of an answer in JSON."""
    text = body[:MOST_CHARS]
    pairs = [(key_of(place), str(value)) for place, value in leaves(json_in(text))]
    for tag in TAG.findall(text):
        own = {
            match["name"].lower(): match["double"] or match["single"] or match["bare"] or ""
            for match in ATTRIBUTE.finditer(tag)
        }
        value = own.get("value") or own.get("content", "")
        pairs.append((own.get("name", ""), html.unescape(value)))
    for match in HTMX.finditer(text):
        headers = json_in(html.unescape(match["double"] or match["single"] or ""))
        pairs += [(key_of(place), str(value)) for place, value in leaves(headers)]
    return _tokens(pairs)


def in_cookies(cookies: str) -> dict[str, str]:
    """Return the tokens among cookies, which are the text of a header ``Cookie``."""
    pairs = (pair.strip().partition("=") for pair in cookies.split(";"))
    return _tokens((name, ENCODED.sub(_character, value)) for name, _, value in pairs)


def _character(encoded: re.Match[str]) -> str:
    return chr(int(encoded[1], 16))


def _tokens(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    return {plain(name): value for name, value in pairs if value and _is_token(name)}


def _is_token(name: str) -> bool:
    return NAME.search(name) is not None and NO_TOKEN.search(name) is None


def renewed(request: RequestSpec, tokens: Tokens) -> RequestSpec:
    """Return a request with these tokens in the place of its own, as far as they are known."""
    content, changed = content_of(request), False
    for place in _places(request):
        new = tokens.get(plain(key_of(place)))
        if new is not None:
            content, changed = put(content, place, new), True
    headers = {
        name: _for_header(name, tokens) or text if _is_token(name) else text
        for name, text in request.headers.items()
    }
    kept = with_content(request, content) if changed else request
    if repeated := _repeated_fields(request):
        known = {name: tokens[plain(name)] for name in repeated if plain(name) in tokens}
        kept = replace(kept, body=form.with_texts(kept.body or "", known))
    return replace(kept, headers=headers)


def _repeated_fields(request: RequestSpec) -> list[str]:
    """Return the fields with tokens of a form in which a name comes twice: it is no document."""
    body = request.body or ""
    if content_type(request) != form.TYPE or form.parsed(body) is not None:
        return []
    return [name for name in form.names_in(body) if _is_token(name)]


def lacks(request: RequestSpec, tokens: Tokens) -> bool:
    """Return whether a request sends a token that is not among these."""
    fields = [plain(key_of(place)) for place in _places(request)]
    fields += map(plain, _repeated_fields(request))
    headers = [name for name in request.headers if _is_token(name)]
    return any(name not in tokens for name in fields) or not all(
        _for_header(name, tokens) for name in headers
    )


def sends_any(request: RequestSpec) -> bool:
    """Return whether a request sends a token."""
    return lacks(request, {})


def _places(request: RequestSpec) -> list[Place]:
    """Return where a request has tokens in its query, form, JSON or body."""
    return [place for place, _ in leaves(content_of(request)) if _is_token(key_of(place))]


def _for_header(name: str, tokens: Tokens) -> str | None:
    """Return the token for a header: that of its name, or else the only one that there is.

    Flask-JWT-Extended has a second one, for the request alone that renews a login.
    """
    only = {value for own, value in tokens.items() if RENEWAL not in own}
    return tokens.get(plain(name)) or (only.pop() if len(only) == 1 else None)


def pages_of(talk: Conversation) -> dict[str, RequestSpec]:
    """Return the pages that a client reads, by their paths; a form is sent to that of its page."""
    reads = [read for read in (*talk.start, *talk.reads) if read.method.upper() == "GET"]
    return {
        read.path.partition("?")[0]: read
        for read in reversed(reads)
        if not PLACEHOLDER.search(f"{read.path} {dict(read.query)} {dict(read.headers)}")
    }
