"""The files that a configuration names: whether they are there, and the values in them."""

from __future__ import annotations

import csv
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.config.file.mistakes import Mistake
from loadtests.config.file.place import FORMS
from loadtests.config.file.reading import Configuration
from loadtests.config.names import did_you_mean
from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Target
from loadtests.targets import registry
from loadtests.targets.application.folders import is_within
from loadtests.targets.configuration.project_file import ProjectFile, named

CODE = (("locustfile",), ("requirements",))
"""Keys of a workload that name its code, which may lie anywhere; others name data to be sent."""


def with_its_files(
    configuration: Configuration, folder: Path, given: Collection[str] = ()
) -> ProjectFile:
    """Return the configuration with what its files hold; raise with every mistake of all.

    ``given`` are the variables that the command line sets.
    """
    files = _Files(configuration, folder, given)
    target, columns = files.target(), files.columns()
    files.check()
    settings = replace(configuration, mistakes=(*configuration.mistakes, *files.mistakes)).checked()
    return ProjectFile(
        file=configuration.file,
        folder=folder,
        settings=settings,
        target=target,
        values={
            name: {
                word: columns.get((name, word), tuple(table.items or ()))
                for word, table in workload.values.items()
            }
            for name, workload in settings.workloads.items()
        },
    )


class _Files:
    """The files that a configuration names, and the mistakes in them.

    It goes by the values as they were written, so that a mistake elsewhere hides none here.
    """

    def __init__(self, configuration: Configuration, folder: Path, given: Collection[str]) -> None:
        self.mistakes: list[Mistake] = []
        self._configuration = configuration
        self._data = configuration.data
        self._folder = folder
        self._given = given

    def target(self) -> Target | None:
        """Return the target that the file names, if it names one."""
        for key in ("target", *FORMS):
            text = self._data.get(key)
            if not isinstance(text, str) or not text:
                continue
            try:
                if key == "target":
                    return named(text, self._folder)
                return registry.named(FORMS[key], text, self._folder)
            except UsageError as error:
                self._add((key,), str(error))
            except (OSError, ValueError) as error:  # no path, such as one that is too long
                self._add((key,), f"This cannot be looked for: {error}.")
        return None

    def columns(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Return the values that come from files, by the workload's and the placeholder's name."""
        columns = {}
        for name, workload in _tables(self._data.get("workloads")):
            tables = dict(_tables(workload.get("values")))
            for word, table in tables.items():
                if isinstance(table.get("file"), str):
                    same = {
                        other: of
                        for other, of in tables.items()
                        if isinstance(of.get("file"), str)
                        and self._place(of["file"]) == self._place(table["file"])
                    }
                    at = ("workloads", name, "values", word)
                    may_end = not _belong_together(workload, same)
                    columns[name, word] = self._column(table, at, same.values(), may_end=may_end)
        return columns

    def _place(self, file: str) -> Path:
        """Return where a file lies, however it is written."""
        with suppress(OSError, ValueError, RuntimeError):  # no path; a link that leads to itself
            return (self._folder / file).resolve()
        return self._folder / file

    def check(self) -> None:
        """Note the files that are named and not there, and the variables that are not set."""
        for name, workload in _tables(self._data.get("workloads")):
            for path, file in _files_of(workload):
                self._need(file, ("workloads", name, *path))
        passed, own = self._data.get("pass-env"), self._data.get("env")
        known = {*os.environ, *self._given, *(own if isinstance(own, Mapping) else ())}
        for index, variable in enumerate(passed if isinstance(passed, list) else ()):
            if isinstance(variable, str) and variable not in known:
                self._add(
                    ("pass-env", index),
                    f"{variable} is not set in this shell. Set it, or give it: --env"
                    f" {variable}=VALUE.",
                )

    def _column(
        self,
        table: Mapping[str, Any],
        at: tuple[str, ...],
        same: Collection[Mapping[str, Any]],
        *,
        may_end: bool,
    ) -> tuple[str, ...]:
        """Return the values of a column; ``same`` are all tables of that file.

        Values of one file belong to the same row, so that a cell is not left out which is empty
        beside one that is not: all values below it would move up. With ``may_end`` the columns are
        lists for themselves, so that one may end before another.
        """
        file, column = table["file"], table.get("column")
        if not self._need(file, (*at, "file")):
            return ()
        try:
            with (self._folder / file).open(newline="", encoding="utf-8-sig") as stream:
                reader = csv.DictReader(stream)
                lines = [(reader.line_num, row) for row in reader]
        except (OSError, UnicodeDecodeError, csv.Error) as error:
            self._add((*at, "file"), f"{file} cannot be read: {error}.")
            return ()
        heads = tuple(lines[0][1]) if lines else ()
        if column is None and heads:
            column = heads[0]
        if column not in heads:
            near = did_you_mean(str(column), map(str, heads))
            known = f"Its columns: {', '.join(map(str, heads))}." if lines else "It has no rows."
            self._add((*at, "column"), f"{file} has no column {column!r}.{near} {known}")
            return ()
        used = {other.get("column") or heads[0] for other in same}
        rows = [(line, row) for line, row in lines if any(row.get(other) for other in used)]
        is_right = may_end and all(_is_whole([row.get(other) for _, row in rows]) for other in used)
        for line, row in rows:
            if not row[column] and not is_right:
                self._add(
                    (*at, "file"),
                    f"Line {line} of {file} has no value in the column {column!r}, and other"
                    " columns of it are used, whose values belong to the same row. Fill it in, or"
                    " put the column into a file of its own.",
                )
                return ()
        return tuple(row[column] for _, row in rows if row[column])

    def _need(self, file: str, at: tuple[str | int, ...]) -> bool:
        with suppress(OSError, ValueError):  # no path, such as one that is too long
            path, is_code = self._folder / file, at[2:] in CODE
            if path.is_file() and (is_code or is_within(path, self._folder)):
                return True
            if path.is_file():
                self._add(
                    at,
                    f"{file} lies outside of {self._folder} and of its checkout. A load is sent to"
                    " the application, so such a file is not read for it. Copy it there.",
                )
                return False
        self._add(at, f"There is no file {file} in {self._folder}.")
        return False

    def _add(self, at: tuple[str | int, ...], problem: str) -> None:
        mistake = self._configuration.mistake(at, problem)
        if mistake.key not in {other.key for other in self._configuration.mistakes}:
            self.mistakes.append(mistake)


def _tables(value: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Give the tables of a table, by their names."""
    for name, table in value.items() if isinstance(value, Mapping) else ():
        if isinstance(table, Mapping):
            yield name, table


def _belong_together(workload: Mapping[str, Any], words: Collection[str]) -> bool:
    """Return whether values of ``words`` are used together, as a user and a password are.

    A request has both, or a user keeps its row: that of the words in ``start``.
    """
    requests = workload.get("requests")
    headers = str(workload.get("headers", ""))
    texts = [f"{request}{headers}" for request in requests] if isinstance(requests, list) else []
    start = f"{workload.get('start', '')}"
    return any(f"{{{word}}}" in start for word in words) or any(
        sum(f"{{{word}}}" in text for word in words) > 1 for text in texts
    )


def _is_whole(cells: Sequence[Any]) -> bool:
    """Return whether no cell is empty before one that is not."""
    filled = [bool(cell) for cell in cells]
    return filled == sorted(filled, reverse=True)


def _files_of(workload: Mapping[str, Any]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    for key in ("locustfile", "requirements"):
        if isinstance(workload.get(key), str):
            yield (key,), workload[key]
    for key in ("requests", "start"):
        requests = workload.get(key)
        for index, request in enumerate(requests if isinstance(requests, list) else ()):
            files = request.get("files") if isinstance(request, Mapping) else None
            for name, file in files.items() if isinstance(files, Mapping) else ():
                if isinstance(file, str):
                    yield (key, index, "files", name), file
