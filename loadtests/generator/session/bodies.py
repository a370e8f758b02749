"""Makes the bodies of requests, and reads those of answers, as ``requests`` does."""

from __future__ import annotations

import json as json_format
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import brotli  # type: ignore[import-untyped]  # it has no types
from requests.compat import chardet  # type: ignore[attr-defined]  # its types leave it out
from requests.utils import requote_uri

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

PLAIN_TARGET = re.compile(r"[/?][A-Za-z0-9/_.~?=&%+:@,;!$'()*\-]*")
"""A path with query that needs no quoting; a percent sign is one that is quoted already."""

STRICT = json_format.JSONEncoder(allow_nan=False)
"""What ``requests`` makes anew for each body."""

Body = tuple[bytes, str | None]
"""The bytes of a body, and its content type where it has one by itself."""


def encode_like_requests(data: Any, json: Any) -> Body:
    """Return the body that ``requests`` would send."""
    if data:
        if isinstance(data, bytes):
            return data, None
        if isinstance(data, str):
            return data.encode(), None
        if isinstance(data, Mapping | list | tuple):
            return encode_pairs(data).encode(), FORM
        return read_whole(data), None
    if json is not None:
        return STRICT.encode(json).encode(), JSON
    return b"", None


def encode_like_fasthttp(data: Any, json: Any) -> Body:
    """Return the body that Locust's ``FastHttpUser`` would send."""
    if data:
        if isinstance(data, bytes | bytearray):
            return bytes(data), "application/octet-stream"
        if isinstance(data, str):
            return data.encode(), "text/plain; charset=utf-8"
        if isinstance(data, Mapping):
            return urlencode(data).encode(), f"{FORM}; charset=utf-8"
        if isinstance(data, list | tuple):
            return encode_pairs(data).encode(), f"{FORM}; charset=utf-8"
        return read_whole(data), "application/octet-stream"
    if json is not None:
        return json_format.dumps(json).encode(), JSON
    return b"", None


def encode_pairs(pairs: Any) -> str:
    """Return a mapping, or pairs, as a query or a form; None values are left out."""
    if isinstance(pairs, str | bytes):
        return pairs if isinstance(pairs, str) else pairs.decode()
    entries = pairs.items() if isinstance(pairs, Mapping) else pairs
    flat: list[tuple[Any, Any]] = []
    for name, value in entries:
        if isinstance(value, str | bytes) or not isinstance(value, Iterable):
            if value is not None:
                flat.append((name, value))
        else:
            flat += [(name, part) for part in value if part is not None]
    return urlencode(flat, doseq=True)


def read_whole(data: Any) -> bytes:
    """Return the bytes of a file, or of an iterable of bytes."""
    if hasattr(data, "read"):
        content = data.read()
        return content.encode() if isinstance(content, str) else bytes(content)
    return b"".join(part.encode() if isinstance(part, str) else part for part in data)


def target_of(url: str) -> str:
    """Return path and query of an absolute ``url`` as a request line has them."""
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if PLAIN_TARGET.fullmatch(target):
        return target
    quoted: str = requote_uri(target)
    return quote(quoted, safe="!#$%&'()*+,/:;=?@[]~")


def decompressed(body: bytes, encoding: str) -> bytes:
    """Return ``body`` without its content ``encoding``; as it came if it is broken."""
    try:
        if encoding in {"gzip", "x-gzip"}:
            return zlib.decompress(body, 16 + zlib.MAX_WBITS)
        if encoding == "deflate":
            try:
                return zlib.decompress(body)
            except zlib.error:
                return zlib.decompress(body, -zlib.MAX_WBITS)
        if encoding == "br":
            return bytes(brotli.decompress(body))
    except (zlib.error, brotli.error):
        return body
    return body


class InPieces:
    """Gives the body of an answer in pieces, as a response of ``requests`` does."""

    __slots__ = ()

    content: Any
    encoding: str | None

    def iter_content(
        self,
        chunk_size: int | None = 1,
        decode_unicode: bool = False,  # noqa: FBT001, FBT002 - the signature of requests
        **_options: Any,
    ) -> Iterator[Any]:
        """Yield the body in pieces; it has been read as a whole."""
        content = self._decoded(decode_unicode)
        size = chunk_size or len(content) or 1
        for start in range(0, len(content), size):
            yield content[start : start + size]

    def iter_lines(
        self,
        chunk_size: int | None = None,  # noqa: ARG002 - likewise
        decode_unicode: bool = False,  # noqa: FBT001, FBT002 - likewise
        delimiter: Any = None,
    ) -> Iterator[Any]:
        """Yield the body's lines, or what is between ``delimiter``."""
        content = self._decoded(decode_unicode)
        yield from content.split(delimiter) if delimiter else content.splitlines()

    def __iter__(self) -> Iterator[Any]:
        return self.iter_content(PIECE)

    @property
    def apparent_encoding(self) -> Any:
        """The charset that the body seems to have."""
        detector: Any = chardet
        return detector.detect(self.content or b"")["encoding"] if detector else "utf-8"

    def _decoded(self, is_wanted: bool) -> Any:  # noqa: FBT001 - an option that is handed on
        """Return the body as bytes; as text where that is wanted and its charset is known."""
        content = self.content or b""
        if not is_wanted or self.encoding is None:
            return content
        return content.decode(self.encoding, errors="replace")


PIECE = 128
"""Bytes of a piece where nobody says how many, as ``requests`` has it."""
