"""Finds the folders of runs, without reading what is in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadtests.model.errors import UsageError

PLAN = "plan.json"
"""The file that every run has, from before its first trial."""


def find_run(results: Path, name: str | None, *, going_on: Path | None = None) -> Path:
    """Return the folder of a run by its path or id, by default of the latest.

    ``going_on`` is the folder of a run that is still measured: it is the default only if there is
    no other one.

    Raises :class:`UsageError` where there is none.
    """
    if name is not None:
        with looked_up(name):
            return _named(results, name)
    runs = newest_first(results)
    if not runs:
        raise UsageError(f"There is no run in {results} yet. Make one: twofold run.")
    return next((run for run in runs if run != going_on), runs[0])


def _named(results: Path, name: str) -> Path:
    for folder in (Path(name), results / name):
        if (folder / PLAN).is_file():
            return folder
    if Path(name).exists():
        raise UsageError(
            f"{name} is not a run: it has no {PLAN}. Name the folder of a run, such as those in"
            f" {results}."
        )
    raise UsageError(f"There is no run {name!r}, neither as a path nor in {results}.")


@contextmanager
def looked_up(name: str) -> Iterator[None]:
    """Turn the system's refusal of a look-up in this block into :class:`UsageError`.

    The name may be too long for a file's, or lie in a folder that this user must not enter.
    """
    try:
        yield
    except OSError as error:
        raise UsageError(
            f"{name} cannot be read ({error.strerror}). Name a run or a gate by its id or its"
            " folder."
        ) from error


def newest_first(results: Path) -> tuple[Path, ...]:
    """Return the folders of all runs in a results folder, the latest first."""
    # Other folders, such as the published sample, have other names.
    runs = (path.parent for path in results.glob(f"[0-9]*-[0-9]*-*/{PLAN}"))
    return tuple(sorted(runs, reverse=True))
