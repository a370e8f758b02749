"""Finds our table in a TOML document: ``[tool.twofold]``, or the whole file. PURE.

It does without pydantic, so that a command in a folder without a configuration starts fast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from loadtests.config.file import syntax
from loadtests.config.file.mistakes import Mistake, dotted, line_of
from loadtests.config.file.positions import Path
from loadtests.config.names import is_one_error_away
from loadtests.model.tested.target import TargetKind

TABLE = ("tool", "twofold")
PYPROJECT = "pyproject.toml"

FORMS = {
    "url": TargetKind.URL,
    "service": TargetKind.SERVICE,
    "dockerfile": TargetKind.DOCKERFILE,
    "app": TargetKind.IMPORT_STRING,
    "image": TargetKind.IMAGE,
}
"""The keys that name a target by its form; a test holds them to the registry of forms."""

SAMPLE = "sample"
"""The target that stands for the sample application."""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A document, and where our table is in it.

    ``data`` are the table's values as they were written, None where there is no such table.
    ``mistakes`` are those of the syntax and of the table's place.
    """

    data: Any
    prefix: Path
    document: syntax.Document
    mistakes: tuple[Mistake, ...] = ()

    @property
    def is_there(self) -> bool:
        """Whether the file configures us, or tries to."""
        return self.data is not None or bool(self.mistakes)


def find(text: str, *, file: str) -> Placed:
    """Return where a text configures us. All of ``twofold.toml`` does, if it has no such table."""
    document = syntax.parse(text)
    tool = document.values.get(TABLE[0])
    tables = tool if isinstance(tool, Mapping) else {}
    misspelt = _misspelt(tables, document)
    is_shared = file.endswith(PYPROJECT)
    if TABLE[1] not in tables and not is_shared and not misspelt:
        return Placed(
            data=document.values, prefix=(), document=document, mistakes=document.mistakes
        )
    outside = () if is_shared or TABLE[1] not in tables else _outside(document)
    mistakes = (*document.mistakes, *outside, *misspelt)
    if is_shared and TABLE[1] not in tables and not misspelt and ".".join(TABLE) not in text:
        mistakes = ()  # what is wrong in another tool's file is not ours to tell
    return Placed(data=tables.get(TABLE[1]), prefix=TABLE, document=document, mistakes=mistakes)


def mistake(path: Path, problem: str, document: syntax.Document) -> Mistake:
    """Return a mistake at a path of a document."""
    return Mistake(line=line_of(path, document.lines), key=dotted(path), problem=problem)


def _outside(document: syntax.Document) -> tuple[Mistake, ...]:
    problem = "This key has to stand in [tool.twofold], as the others do."
    return tuple(mistake((key,), problem, document) for key in document.values if key != TABLE[0])


def _misspelt(tables: Mapping[str, Any], document: syntax.Document) -> tuple[Mistake, ...]:
    problem = f"There is no such tool. Did you mean {'.'.join(TABLE)}?"
    return tuple(
        mistake((TABLE[0], name), problem, document)
        for name in tables
        if name != TABLE[1] and is_one_error_away(name, TABLE[1])
    )
