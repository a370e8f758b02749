"""Writes and reads a gate's result files, its history, and its output for CI."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from loadtests.analysis.profiles import function_pairs
from loadtests.gate.analysis import history
from loadtests.gate.model.result import GateResult
from loadtests.gate.report import github, html, junit, markdown, verdict_json
from loadtests.model.errors import UsageError
from loadtests.results import github_job, run_search
from loadtests.results.run_folder import Store
from loadtests.tools import files

VERDICT = "verdict.json"
REPORT = "report.html"
HISTORY = "history.jsonl"

FILES: dict[str, Callable[[GateResult], str]] = {
    VERDICT: verdict_json.render,
    REPORT: html.render,
    "report.md": markdown.render,
    "junit.xml": junit.render,
}


def write_all(store: Store, result: GateResult) -> None:
    """Write every file of a gate into its folder."""
    for name, render in FILES.items():
        store.write(name, render(result))
    for profile in result.evidence.profiles:
        for ending, stacks in function_pairs.collapsed(profile).items():
            store.write_stacks(f"{profile.worker}.{ending}", stacks)


def add_to_history(
    results: Path, result: GateResult, *, release: str | None, continues: str | None = None
) -> None:
    """Append a gate to ``history.jsonl``; raise if it cannot be written.

    ``continues`` is the id of the gate whose evidence it has too, and whose line it stands for.
    """
    line = history.line(history.merge_of(result, release=release, continues=continues))
    files.append_line(results / HISTORY, line.encode())


def read_history(results: Path) -> tuple[history.Merge, ...]:
    """Return the history; raise :class:`UsageError` if it is missing or invalid."""
    path = results / HISTORY
    try:
        lines = files.whole_lines(files.read_plain(path))
        return history.read([line.decode(errors="replace") for line in lines])
    except OSError as error:
        raise UsageError(
            f"{path} cannot be read ({error.strerror}). Add gates to it: twofold gate --history."
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(
            f"{path} has a line that is not a gate of this version ({first['msg']}). Use the"
            " version that wrote it, or remove the line."
        ) from error


def tell_ci(result: GateResult) -> str:
    """Append the report to GitHub's job summary, and return the annotations to print."""
    return github_job.tell(lambda: github.render(result), lambda: markdown.render(result))


def read(path: Path) -> GateResult:
    """Return the gate at a path, which is its verdict.json or its folder.

    A path that is no folder may be a pipe.
    """
    file = path
    try:
        if path.is_dir():
            file = path / VERDICT
            data = files.read_plain(file)
        else:
            data = file.read_bytes()
        return verdict_json.parse(data, name=str(file))
    except OSError as error:
        raise UsageError(
            f"{file} cannot be read ({error.strerror}). Name the verdict.json of a gate, or its"
            " folder in results/."
        ) from error


def find(results: Path, name: str) -> GateResult:
    """Return the gate with a path or an id; raise :class:`UsageError` if there is none."""
    with run_search.looked_up(name):
        for path in (Path(name), results / name):
            if path.is_dir() or path.is_file():
                return read(path)
    raise UsageError(f"There is no gate {name!r}, neither as a path nor in {results}.")
