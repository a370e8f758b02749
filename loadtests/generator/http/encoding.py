"""Content encodings of bodies."""

from __future__ import annotations

import zlib

import brotli  # type: ignore[import-untyped]  # it has no types


def decompressed(body: bytes, encoding: str) -> bytes:
    """Return ``body`` without its content encoding; as it came if it is broken."""
    encoding = encoding.strip().lower()
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
