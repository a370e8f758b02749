"""The requests of a list as bytes, with their placeholders, made once for each address."""

from __future__ import annotations

import json as json_format
import mimetypes
import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

from urllib3.filepost import encode_multipart_formdata

from loadtests.generator.http.outcome import Outcome
from loadtests.generator.request_list.placeholders import (
    Draw,
    Encode,
    Part,
    Template,
    Values,
    parse,
    range_of,
)
from loadtests.generator.user_load.orders import RequestOrder

SAFE_PATH = "!$%&'()*+,/:;=?@[]~"
WITH_LENGTH = frozenset({"POST", "PUT", "PATCH"})

DEFAULT_HEADERS = {"User-Agent": "twofold", "Accept": "*/*"}

Pieces = list[tuple[Part, Encode]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Prepared:
    """One request of a list. ``head`` ends before the cookies, ``body`` follows the header.

    ``fixed`` is all of it without cookies, where nothing is drawn.
    """

    method: str
    name: str
    path: str
    head: Template
    body: Template
    has_length: bool
    only_head: bool
    status: int | None
    contains: bytes | None
    fixed: bytes | None = None

    def wire(self, draw: Draw, cookies: bytes) -> bytes:
        """Return the bytes of one request with these ``cookies`` (a header line or nothing)."""
        head, body = self.head.render(draw), self.body.render(draw)
        if self.has_length:
            return b"%b%bContent-Length: %d\r\n\r\n%b" % (head, cookies, len(body), body)
        return b"%b%b\r\n%b" % (head, cookies, body)

    def judge(self, outcome: Outcome, status: int, body: bytes) -> Outcome:
        """Return the outcome by what the list expects."""
        if not status:
            return outcome
        if self.status is not None:
            outcome = Outcome.OK if status == self.status else Outcome.REJECTED
        if outcome is Outcome.OK and self.contains is not None and self.contains not in body:
            return Outcome.REJECTED
        return outcome

    def why_not(self, status: int) -> str:
        """Return why an answer with ``status`` is not what the list expects."""
        if self.status is not None and status != self.status:
            return f"the status {status} is not {self.status}"
        return f"the answer does not contain {(self.contains or b'').decode()!r}"


def prepare_request(
    order: RequestOrder, host: str, values: Values, headers: Mapping[str, str]
) -> Prepared:
    """Return the request ``order`` for ``host`` (with port); ``headers`` go with all requests."""
    body, kind = body_of(order, values)
    fields: dict[str, tuple[str, str]] = {}
    given = {**DEFAULT_HEADERS, **({"Content-Type": kind} if kind else {}), **headers}
    for name, value in (("Host", host), *given.items(), *order.headers.items()):
        fields[name.lower()] = (name, value)
    fields.pop("content-length", None)
    pieces: Pieces = [(f"{order.method} ", latin)]
    pieces += target_of(order, values)
    pieces.append((" HTTP/1.1\r\n", latin))
    for name, value in fields.values():
        pieces.append((f"{name}: ", latin))
        pieces += [(part, one_line) for part in parse(value, values)]
        pieces.append(("\r\n", latin))
    template = Template(body)
    prepared = Prepared(
        method=order.method,
        name=order.name,
        path=order.path.partition("?")[0],
        head=Template(pieces),
        body=template,
        has_length=order.method in WITH_LENGTH or template.fixed != b"",
        only_head=order.method == "HEAD",
        status=order.status,
        contains=order.contains.encode() if order.contains is not None else None,
    )
    if prepared.head.fixed is None or template.fixed is None:
        return prepared
    return replace(prepared, fixed=prepared.wire(Draw(random.Random(0), {}), b""))


def target_of(order: RequestOrder, values: Values) -> Pieces:
    """Return the path with its query."""
    path, question, query = order.path.partition("?")
    pieces: Pieces = [(part, quoted_path) for part in parse(path, values)]
    if question:
        pieces.append(("?", latin))
        pieces += [
            (part, quoted_path if isinstance(part, str) else quoted_value)
            for part in parse(query, values)
        ]
    for number, (name, value) in enumerate(order.query.items()):
        joint = "&" if question or number else "?"
        pieces.append((f"{joint}{quote_plus(name)}=", latin))
        pieces += [(part, quoted_value) for part in parse(value, values)]
    return pieces


def body_of(order: RequestOrder, values: Values) -> tuple[Pieces, str | None]:
    """Return the body and its content type."""
    if order.files:
        return multipart(order)
    if order.form is not None:
        return form(order.form, values), "application/x-www-form-urlencoded"
    if order.json is not None:
        return json_pieces(order.json, values), "application/json"
    if order.body is not None:
        return [(part, str.encode) for part in parse(order.body, values)], None
    return [("", str.encode)], None


def form(fields: Mapping[str, str], values: Values) -> Pieces:
    """Return a form."""
    pieces: Pieces = []
    for number, (name, value) in enumerate(fields.items()):
        pieces.append((f"{'&' if number else ''}{quote_plus(name)}=", latin))
        pieces += [(part, quoted_value) for part in parse(value, values)]
    return pieces or [("", latin)]


def json_pieces(value: Any, values: Values) -> Pieces:
    """Return a JSON value; a text that is a range and nothing else becomes a number."""
    if isinstance(value, str):
        if range_of(value) is not None:
            return [(part, str.encode) for part in parse(value, values)]
        inner: Pieces = [(part, json_text) for part in parse(value, values)]
        return [('"', str.encode), *inner, ('"', str.encode)]
    pieces: Pieces = []
    if isinstance(value, Mapping):
        for number, (name, entry) in enumerate(value.items()):
            pieces.append((f"{', ' if number else ''}{json_format.dumps(name)}: ", str.encode))
            pieces += json_pieces(entry, values)
        return [("{", str.encode), *pieces, ("}", str.encode)]
    if isinstance(value, list | tuple):
        for number, entry in enumerate(value):
            pieces += [(", ", str.encode)] * bool(number)
            pieces += json_pieces(entry, values)
        return [("[", str.encode), *pieces, ("]", str.encode)]
    return [(json_format.dumps(value), str.encode)]


def multipart(order: RequestOrder) -> tuple[Pieces, str]:
    """Return an upload of files, with the form's fields; its bytes are the same each time."""
    fields: dict[str, Any] = dict(order.form or {})
    for name, place in order.files.items():
        path = Path(place)
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        fields[name] = (path.name, path.read_bytes(), kind)
    body, kind = encode_multipart_formdata(fields)
    return [(body.decode("latin-1"), latin)], kind


def latin(text: str) -> bytes:
    """Return ``text`` in Latin-1."""
    return text.encode("latin-1", "replace")


def one_line(text: str) -> bytes:
    """Return ``text`` without line breaks, for a header."""
    return text.replace("\r", " ").replace("\n", " ").encode("latin-1", "replace")


def quoted_path(text: str) -> bytes:
    """Return a part of a path, quoted."""
    return quote(text, safe=SAFE_PATH).encode()


def quoted_value(text: str) -> bytes:
    """Return a value of a query or a form, quoted."""
    return quote_plus(text).encode()


def json_text(text: str) -> bytes:
    """Return what stands between the quotes of a JSON text."""
    return json_format.dumps(text)[1:-1].encode()
