"""Types of values that several tables of the configuration share. PURE."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field

from loadtests.config import request_line
from loadtests.config.names import did_you_mean
from loadtests.config.tables.table import Fault, Lack, said
from loadtests.model.errors import UsageError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,39}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Value = TypeVar("Value")
Parsed = TypeVar("Parsed")


def in_words_of(parse: Callable[[Value], Parsed]) -> Callable[[Value], Parsed]:
    """Return a parser whose :class:`UsageError` is a mistake of the file."""

    def parsed(value: Value) -> Parsed:
        try:
            return parse(value)
        except UsageError as error:
            raise said(str(error)) from None

    return parsed


def _name(text: str) -> str:
    if _NAME.fullmatch(text) is None:
        raise said(
            f"The name {text!r} has to be of letters, digits, - and _, and at most 40 long."
            " Reports and files carry it."
        )
    return text


def _variable(text: str) -> str:
    if _VARIABLE.fullmatch(text) is None:
        raise said(f"{text!r} is no name of a variable: letters, digits and _ make one.")
    return text


def _one_line(text: str) -> str:
    if not text or "\n" in text or "\r" in text:
        raise said("A header's name and its value are each one line of text.")
    return text


def _words(value: Any) -> Any:
    """Return the words of a command that is written as a string; no shell reads it later."""
    if not isinstance(value, str):
        return value
    try:
        words = shlex.split(value)
    except ValueError as error:
        raise said(f"This is no command: {str(error).lower()}.") from None
    if not words:
        raise said("The command is empty.")
    return words


def _names(value: Any) -> Any:
    """Return the names of a list, which may be written as one string with commas."""
    if not isinstance(value, str):
        return value
    return [part.strip() for part in value.split(",") if part.strip()]


Text = Annotated[str, Field(min_length=1)]
Name = Annotated[str, AfterValidator(_name)]
Names = Annotated[
    list[str], Field(min_length=1), BeforeValidator(_names, json_schema_input_type=str | list[str])
]
Words = Annotated[
    list[str], Field(min_length=1), BeforeValidator(_words, json_schema_input_type=str | list[str])
]
HeaderText = Annotated[str, AfterValidator(_one_line)]
UrlPath = Annotated[str, AfterValidator(in_words_of(request_line.path_of))]
Method = Annotated[str, AfterValidator(in_words_of(request_line.method_of))]
Variables = dict[Annotated[str, AfterValidator(_variable)], str]


def unknown(
    values: Any,
    names: Iterable[str],
    *,
    what: str,
    at: tuple[str | int, ...],
    table: str | None = None,
) -> Iterator[Fault]:
    """Give a fault for each value that is no name of a list, or that comes twice.

    ``table`` is the key in the settings whose tables have such names.
    """
    choices = tuple(names)
    listed = _names(values)
    if not isinstance(listed, list):
        return
    texts = [value for value in listed if isinstance(value, str)]
    for index, value in enumerate(texts):
        place = at if isinstance(values, str) else (*at, index)
        if value not in choices:
            known = ", ".join(choices) or "none"
            text = f"Unknown {what} {value!r}.{did_you_mean(value, choices)} Known: {known}."
            lack = Lack(keys=(table,), up=len(place)) if table else None
            yield Fault(at=place, text=text, lack=lack)
        elif value in texts[:index]:
            yield Fault(at=place, text=f"The {what} {value!r} is given twice. Give it once.")


def unknown_name(
    value: str, names: Iterable[str], *, what: str, at: tuple[str | int, ...]
) -> Iterator[Fault]:
    """Give a fault for a value that is no name of a list."""
    for fault in unknown([value], names, what=what, at=at):
        yield replace(fault, at=at)


def only_one(data: Iterable[str], keys: Iterable[str], *, why: str) -> Iterator[Fault]:
    """Give a fault for each key after the first of those that exclude one another."""
    choices = tuple(keys)
    given = [key for key in data if key in choices]
    for key in given[1:]:
        yield Fault(at=(key,), text=f"{given[0]} is there too. {why}")
