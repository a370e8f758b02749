"""The body of a form: names and texts, as a browser sends them (URL Living Standard, 5.1). PURE."""

from __future__ import annotations

import re
from collections.abc import Mapping

TYPE = "application/x-www-form-urlencoded"

PLAIN = frozenset(b"*-._0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
"""Bytes that stand for themselves."""

ENCODED = re.compile(rb"%([0-9A-Fa-f]{2})")


def parsed(body: str) -> dict[str, str] | None:
    """Return the texts of a body by their names; None where a name comes twice."""
    pairs = [part.partition("=") for part in body.split("&") if part]
    found = {_decoded(name): _decoded(text) for name, _, text in pairs}
    return found if len(found) == len(pairs) else None


def with_texts(body: str, texts: Mapping[str, str]) -> str:
    """Return a body with these texts in the place of its own of these names; names may repeat."""
    parts = [part.partition("=") for part in body.split("&")]
    return "&".join(
        f"{name}{sign}{_encoded(texts[_decoded(name)]) if _decoded(name) in texts else text}"
        for name, sign, text in parts
    )


def names_in(body: str) -> tuple[str, ...]:
    """Return the names of a body's texts, each once."""
    parts = (part.partition("=")[0] for part in body.split("&") if part)
    return tuple(dict.fromkeys(_decoded(name) for name in parts))


def encoded(texts: Mapping[str, str]) -> str:
    """Return the body with these texts."""
    return "&".join(f"{_encoded(name)}={_encoded(text)}" for name, text in texts.items())


def _decoded(text: str) -> str:
    raw = text.replace("+", " ").encode(errors="surrogatepass")
    return ENCODED.sub(lambda match: bytes([int(match[1], 16)]), raw).decode(errors="replace")


def _encoded(text: str) -> str:
    characters = (chr(byte) if byte in PLAIN else f"%{byte:02X}" for byte in text.encode())
    return "".join(characters).replace("%20", "+")
