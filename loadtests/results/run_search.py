"""Finds the folder of a run, without reading what is in it."""

from __future__ import annotations

from pathlib import Path

from loadtests.model.errors import UsageError

PLAN = "plan.json"
"""The file that every run has, from before its first trial."""


def find_run(results: Path, name: str | None) -> Path:
    """Give the folder of a run by its path or id, or the latest one; raise where there is none."""
    if name is not None:
        for folder in (Path(name), results / name):
            if (folder / PLAN).is_file():
                return folder
        if Path(name).exists():
            raise UsageError(
                f"{name} is not a run: it has no {PLAN}. Runs are the folders in {results}; their"
                " files are read together."
            )
        raise UsageError(f"There is no run {name!r}, neither as a path nor in {results}.")
    # Others, such as a published sample, have names of their own.
    runs = sorted(path.parent for path in results.glob(f"[0-9]*-[0-9]*-*/{PLAN}"))
    if not runs:
        raise UsageError(f"There is no run in {results} yet. Make one: twofold run.")
    return runs[-1]
