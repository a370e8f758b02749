"""Reads a configuration's text, and says every mistake in it at once. PURE."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from loadtests.config.file import syntax
from loadtests.config.file.mistakes import Mistake, dotted, failure, line_of
from loadtests.config.file.positions import Path
from loadtests.config.file.settings import Settings
from loadtests.config.file.table import Known, Lack
from loadtests.config.names import is_one_error_away

TABLE = ("tool", "twofold")
PYPROJECT = "pyproject.toml"


@dataclass(frozen=True, kw_only=True)
class Configuration:
    """A configuration as it was read; ``file`` is its name in messages.

    ``settings`` is None where the mistakes leave none. ``lines`` has the line of each path below
    the settings' table, and ``prefix`` is that table's name.
    """

    file: str
    settings: Settings | None
    prefix: Path
    lines: dict[Path, int]
    mistakes: tuple[Mistake, ...] = field(default=())

    def mistake(self, path: Path, problem: str) -> Mistake:
        """Return a mistake at a path below the settings' table."""
        whole = (*self.prefix, *path)
        return Mistake(line=line_of(whole, self.lines), key=dotted(whole), problem=problem)

    def checked(self) -> Settings:
        """Return the settings; raise :class:`UsageError` with every mistake."""
        if self.mistakes or self.settings is None:
            raise failure(self.file, self.mistakes)
        return self.settings


def read(text: str, *, file: str, known: Known) -> Configuration | None:
    """Return what a text configures; None for a ``pyproject.toml`` without our table."""
    document = syntax.parse(text)
    is_pyproject = file.endswith(PYPROJECT)
    prefix, mistakes = _place(document.values, is_pyproject=is_pyproject, lines=document.lines)
    data = _at(document.values, prefix)
    if data is None and is_pyproject and not mistakes and not _mentions_us(text, document):
        return None
    settings: Settings | None = None
    try:
        settings = Settings.model_validate(data if data is not None else {}, context=known)
    except ValidationError as error:
        mistakes += [
            _mistake((*prefix, *each["loc"]), each["msg"], document.lines)
            for each in _causes(error.errors(include_url=False), readable=not document.mistakes)
        ]
    return Configuration(
        file=file,
        settings=settings,
        prefix=prefix,
        lines=document.lines,
        mistakes=(*document.mistakes, *mistakes),
    )


def _causes(errors: Sequence[ErrorDetails], *, readable: bool) -> Iterator[ErrorDetails]:
    """Give the errors that do not follow from a misspelt key, or from a line that is unreadable."""
    meant = {
        (each["loc"][:-1], each["ctx"]["meant"]) for each in errors if each["ctx"].get("meant")
    }
    for each in errors:
        lack: Lack | None = each["ctx"].get("lack")
        if lack is None:
            yield each
        elif readable:
            table = each["loc"][: len(each["loc"]) - lack.up]
            if not meant & {(table, key) for key in lack.keys}:
                yield each


def _mentions_us(text: str, document: syntax.Document) -> bool:
    """Tell whether a file that cannot be read may hold our table."""
    return bool(document.mistakes) and ".".join(TABLE) in text


def _place(
    values: Mapping[str, Any], *, is_pyproject: bool, lines: dict[Path, int]
) -> tuple[Path, list[Mistake]]:
    """Return the path of the settings' table, and what is wrong with where it stands."""
    tool = values.get(TABLE[0])
    tables = tool if isinstance(tool, Mapping) else {}
    if TABLE[1] in tables:
        beside = [] if is_pyproject else [key for key in values if key != TABLE[0]]
        problem = "This key has to stand in [tool.twofold], as the others do."
        mistakes = [_mistake((key,), problem, lines) for key in beside]
        return TABLE, [*mistakes, *_misspelt(tables, lines)]
    mistakes = _misspelt(tables, lines)
    return (TABLE if is_pyproject or mistakes else ()), mistakes


def _misspelt(tables: Mapping[str, Any], lines: dict[Path, int]) -> list[Mistake]:
    problem = f"There is no such tool. Did you mean {'.'.join(TABLE)}?"
    return [
        _mistake((TABLE[0], name), problem, lines)
        for name in tables
        if name != TABLE[1] and is_one_error_away(name, TABLE[1])
    ]


def _mistake(path: Path, problem: str, lines: dict[Path, int]) -> Mistake:
    return Mistake(line=line_of(path, lines), key=dotted(path), problem=problem)


def _at(values: Any, path: Path) -> Any:
    for key in path:
        if not isinstance(values, Mapping) or key not in values:
            return None
        values = values[key]
    return values
