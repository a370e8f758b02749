"""What users give that may be secret, and how it is written down. PURE.

The values of variables are never written down. Of headers, bodies and queries, those are left out
whose name is that of a secret, such as ``password``.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, cast

if TYPE_CHECKING:
    from pydantic import GetCoreSchemaHandler
    from pydantic_core import CoreSchema

HIDDEN = "***"
"""What files and JSON documents have in the place of a secret value."""

SECRET_NAME = re.compile(
    r"pass|pwd|secret|token|api.?key|credential|auth|cookie|private|\b(pin|otp|cvv|key|code)\b",
    re.IGNORECASE,
)
"""A part of the name of a header or a field that holds a secret."""

PLACEHOLDER = re.compile(r"\{[^{}]*\}")
"""A value that is made at run time, such as ``{token}`` or ``{1..9}``: it is no secret."""


VALUE_BEGINS = re.compile(r"[=:\s]")
"""What stands before a value, also where somebody mistyped it."""


@dataclass(frozen=True)
class _WrittenAs:
    """Tells pydantic how a value is written down. Pydantic is imported only when it is used."""

    write: Callable[[Any], Any]
    written: Any = dict[str, str]

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        from pydantic_core import core_schema

        schema: dict[str, Any] = dict(handler(source))
        schema["serialization"] = core_schema.plain_serializer_function_ser_schema(
            self.write, return_schema=handler.generate_schema(self.written)
        )
        return cast("CoreSchema", schema)


def _names_only(variables: Mapping[str, str]) -> dict[str, str]:
    return dict.fromkeys(variables, HIDDEN)


def is_secret(name: str) -> bool:
    """Return whether a header or a field is a secret by its name."""
    return SECRET_NAME.search(name) is not None


def name_only(text: str) -> str:
    """Return what should be NAME=VALUE without what may be its value, for a message: ``NAME=***``.

    In a mistyped one, the value may stand behind a colon or a space.
    """
    end = VALUE_BEGINS.search(text)
    return text if end is None else f"{text[: end.end()]}{HIDDEN}"


def without_secrets(value: Any, *, hide: bool = False) -> Any:
    """Return a value of JSON without the values of fields that are secret by their names.

    With ``hide`` it is in such a field itself. Placeholders are kept.
    """
    if isinstance(value, Mapping):
        return {
            name: without_secrets(inner, hide=hide or is_secret(str(name)))
            for name, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [without_secrets(inner, hide=hide) for inner in value]
    if not hide or value is None or isinstance(value, bool):
        return value
    return value if PLACEHOLDER.fullmatch(str(value)) else HIDDEN


def body_without_secrets(body: str) -> str:
    """Return the text of a body, a form or JSON, without its secrets.

    Of another text that names a secret, nothing is left.
    """
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = None
    if isinstance(parsed, dict | list):
        cleaned = without_secrets(parsed)
        return body if cleaned == parsed else json.dumps(cleaned)
    if FORM.fullmatch(body):
        return "&".join(map(_pair_without_secret, body.split("&")))
    return HIDDEN if is_secret(PLACEHOLDER.sub("", body)) else body


FORM = re.compile(r"[^=&\s]+=[^=&\s]*(&[^=&\s]+=[^=&\s]*)*")


def _pair_without_secret(pair: str) -> str:
    name, _, value = pair.partition("=")
    is_kept = not is_secret(name) or PLACEHOLDER.fullmatch(value)
    return pair if is_kept else f"{name}={HIDDEN}"


def path_without_secrets(path: str) -> str:
    """Return a path without the secrets of its query: ``/login?password=***``.

    A secret in the path itself has no name by which it is recognised.
    """
    target, question, query = path.partition("?")
    pairs = (_pair_without_secret(pair) if "=" in pair else pair for pair in query.split("&"))
    return target + question + "&".join(pairs)


def words_without_secrets(words: Sequence[str]) -> list[str]:
    """Return the words of a command without its secrets, as far as their names tell.

    Those are ``PGPASSWORD=…``, the value of an option with such a name, in the same word or the
    next one, and the secrets of a URL: in its query, and its user and password.
    """
    written, before = [], ""
    for word in words:
        name, equals, _ = word.partition("=")
        if before.startswith("-") and "=" not in before and is_secret(before):
            written.append(word if PLACEHOLDER.fullmatch(word) else HIDDEN)
        elif equals and is_secret(name) and "?" not in name:
            written.append(_pair_without_secret(word))
        else:
            written.append(URL_USER.sub(f"//{HIDDEN}@", path_without_secrets(word)))
        before = word
    return written


URL_USER = re.compile(r"(?<=:)//[^/@\s?#]*:[^/@\s?#]*@")
"""The user and the password of a URL."""


Words = Annotated[tuple[str, ...], _WrittenAs(words_without_secrets, list[str])]
"""The words of a command."""

Variables = Annotated[Mapping[str, str], _WrittenAs(_names_only)]
"""Environment variables; a plan that is written down has their names only."""

Headers = Annotated[Mapping[str, str], _WrittenAs(without_secrets)]
"""Headers of a request; a plan that is written down has no credentials of them."""

Fields = Annotated[Mapping[str, str], _WrittenAs(without_secrets)]
"""Fields of a form or a query."""

Json = Annotated[Any, _WrittenAs(without_secrets, Any)]
"""A value of JSON that is sent."""

Body = Annotated[str, _WrittenAs(body_without_secrets, str)]
"""The text of a body that is sent."""

Lists = Annotated[Mapping[str, tuple[str, ...]], _WrittenAs(without_secrets, dict[str, list[str]])]
"""Lists of values by their names, such as the columns of a table of users."""

UrlPath = Annotated[str, _WrittenAs(path_without_secrets, str)]
"""A path with its query."""
