"""Reads a configuration's table, and says every mistake in it at once. PURE."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from loadtests.config.file import place
from loadtests.config.file.known import Known
from loadtests.config.file.mistakes import Mistake, failure
from loadtests.config.file.place import Placed
from loadtests.config.file.positions import Path
from loadtests.config.tables.settings import Settings
from loadtests.config.tables.table import Lack

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
CONTROL = "This string has a control character. Leave it out."


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A configuration as it was read; ``file`` is its name in messages.

    ``settings`` is None where the mistakes leave none. ``placed`` has the values as they were
    written, and their lines.
    """

    file: str
    settings: Settings | None
    placed: Placed
    mistakes: tuple[Mistake, ...] = ()

    @property
    def data(self) -> Mapping[str, Any]:
        """The values as they were written, with any mistake."""
        return self.placed.data if isinstance(self.placed.data, Mapping) else {}

    def mistake(self, path: Path, problem: str) -> Mistake:
        """Return a mistake at a path below the settings' table."""
        return place.mistake((*self.placed.prefix, *path), problem, self.placed.document)

    def checked(self) -> Settings:
        """Return the settings; raise :class:`UsageError` with every mistake."""
        if self.mistakes or self.settings is None:
            raise failure(self.file, self.mistakes)
        return self.settings


def read(placed: Placed, *, file: str, known: Known) -> Configuration:
    """Return what a table configures, with the mistakes in it."""
    settings: Settings | None = None
    mistakes = list(placed.mistakes)
    data = {} if placed.data is None else placed.data
    mistakes += [
        place.mistake((*placed.prefix, *path), CONTROL, placed.document) for path in _controls(data)
    ]
    try:
        settings = Settings.model_validate(data, context=known)
    except ValidationError as error:
        is_readable = not placed.document.mistakes
        mistakes += [
            place.mistake((*placed.prefix, *each["loc"]), each["msg"], placed.document)
            for each in _causes(error.errors(include_url=False), is_readable=is_readable)
        ]
    return Configuration(file=file, settings=settings, placed=placed, mistakes=tuple(mistakes))


def _controls(value: Any, path: Path = ()) -> Iterator[Path]:
    """Give the paths of strings with a control character that text does not have."""
    if isinstance(value, str):
        if _CONTROL.search(value):
            yield path
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _controls(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _controls(inner, (*path, index))


def _causes(errors: Sequence[ErrorDetails], *, is_readable: bool) -> Iterator[ErrorDetails]:
    """Give the errors that do not follow from a misspelt key, or from a line that is unreadable."""
    meant = {
        (each["loc"][:-1], each["ctx"]["meant"]) for each in errors if each["ctx"].get("meant")
    }
    for each in errors:
        lack: Lack | None = each["ctx"].get("lack")
        if lack is None:
            yield each
        elif is_readable:
            table = each["loc"][: len(each["loc"]) - lack.up]
            if not meant & {(table, key) for key in lack.keys}:
                yield each
