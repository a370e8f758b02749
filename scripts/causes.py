#!/usr/bin/env python3
"""Ten planted causes: does the report name the right line, and the right kind of waiting?

    .venv/bin/python -m scripts.causes                       # all, gthread and sync: 25 minutes
    .venv/bin/python -m scripts.causes --causes lock,sleep --workers gthread
    .venv/bin/python -m scripts.causes --judge               # the same runs by the present rules

Each cause is an application in tests/causes/, whose comments mark the line to find. A run measures
one of them at 1 and 4 replicas, as processes of this machine. The file has a row for each run; runs
that it has are not made again. The machine should be idle otherwise, and PostgreSQL be installed.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from loadtests import pipeline
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.model.profiles.records import Waiting
from loadtests.model.result import RunResult
from loadtests.report.text import profiles
from loadtests.results import run_folder
from loadtests.tools import proc, signals
from scripts.zoo.surroundings import needed

PROJECT = Path(__file__).resolve().parent.parent
APPS = PROJECT / "tests" / "causes"
RESULTS = PROJECT / "results"
RUNS = RESULTS / "causes"

RUN_LIMIT_S = 600.0
"""A run takes 75 s; another one on this machine may have to be waited for."""
WORKERS = ("gthread", "sync", "gevent")
DEFAULT_WORKERS = ("gthread", "sync")
VARIANTS = {"gthread": "gthread", "sync": "sync", "gevent": "gevent-told"}
"""The variant of each worker model; gevent's has the helper (tests/causes/twofold.toml)."""
MARK = re.compile(r"# cause: (?P<workers>[\w, ]+)$")

COMPUTING = frozenset({Waiting.CPU, Waiting.GIL})
"""Requests that compute in threads of one process wait for the GIL: both words are right."""


@dataclass(frozen=True, kw_only=True)
class Cause:
    """A planted cause: its application, and what requests do at the marked line, by worker."""

    name: str
    gthread: frozenset[Waiting]
    sync: frozenset[Waiting]
    needs: tuple[str, ...] = ()
    variants: Mapping[str, str] = field(default_factory=dict)
    """Other variants than the usual ones, by worker model."""


def _of(
    name: str,
    kind: Waiting,
    *needs: str,
    sync: Waiting | None = None,
    variants: Mapping[str, str] | None = None,
) -> Cause:
    return Cause(
        name=name,
        gthread=frozenset({kind}),
        sync=frozenset({sync or kind}),
        needs=needs,
        variants=variants or {},
    )


CAUSES = (
    _of("lock", Waiting.LOCK, sync=Waiting.SLEEP),
    _of("hot_row", Waiting.STORE, "store"),
    _of("slow_query", Waiting.STORE, "store"),
    _of(
        "pool", Waiting.LOCK, "store", sync=Waiting.STORE, variants={"gthread": "gthread-of-eight"}
    ),
    _of("slow_service", Waiting.SOCKET, "service"),
    _of("sleep", Waiting.SLEEP),
    Cause(name="quadratic", gthread=COMPUTING, sync=COMPUTING),
    _of("logger", Waiting.LOCK, "log", sync=Waiting.FILE_LOCK),
    Cause(name="stampede", gthread=COMPUTING, sync=COMPUTING),
    _of("names", Waiting.DNS, "names"),
)
"""Where a lock of one process has no second thread to wait for it, requests spend their time behind
it: a worker with one thread is held up by the sleep in the lock, and by the query of the pool. With
4 threads, as many would be in the query as wait for the pool; with 8, most of them wait."""

BY_NAME = {cause.name: cause for cause in CAUSES}


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing, write the file, and return 1 if it shows less than it must."""
    options = parse(argv)
    rows: list[dict[str, Any]] = []
    if options.out.exists():
        rows = json.loads(options.out.read_text())["rows"]
    if options.judge:
        rows = [judged(row) for row in rows]
        write(options.out, rows)
    have = {(row["cause"], row["worker"]) for row in rows}
    todo = [(c, w) for c in options.causes for w in options.workers if (c, w) not in have]
    for name, worker in [] if options.judge else todo:
        with signals.handled():  # a signal ends the run, too
            rows.append(run_one(BY_NAME[name], worker))
        write(options.out, rows)
        print(f"{name} {worker}: {rows[-1]}", file=sys.stderr, flush=True)
    summary = summarised(rows)
    print(json.dumps({key: value for key, value in summary.items() if key != "rows"}))
    tried = summary["tried"]
    enough = summary["line_first"] >= 0.9 * tried and summary["kind_right"] == tried
    return 0 if tried and enough and not summary["certain_and_wrong"] else 1


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; unknown names end the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--causes", default=",".join(BY_NAME), help="names, separated by commas")
    parser.add_argument("--workers", default=",".join(DEFAULT_WORKERS), help=", ".join(WORKERS))
    parser.add_argument("--out", type=Path, default=RESULTS / "causes.json")
    parser.add_argument("--judge", action="store_true", help="judge the runs again; measure none")
    options = parser.parse_args(argv)
    for key, known in (("causes", tuple(BY_NAME)), ("workers", WORKERS)):
        names = getattr(options, key).split(",")
        unknown = sorted(set(names) - set(known))
        if unknown:
            parser.error(f"--{key} has {', '.join(unknown)}; known: {', '.join(known)}")
        setattr(options, key, names)
    return options


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write the summary and the rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(summarised(rows), indent=1, ensure_ascii=False) + "\n")


def summarised(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the counts that the campaign is about, with the rows."""
    return {
        "tried": len(rows),
        "line_first": sum(bool(row["line_first"]) for row in rows),
        "kind_right": sum(bool(row["kind_right"]) for row in rows),
        "certain_and_wrong": sum(bool(row["certain_and_wrong"]) for row in rows),
        "rows": list(rows),
    }


def marked_lines(cause: str, worker: str) -> set[int]:
    """Return the lines of an application that are the cause under a worker model."""
    lines = (APPS / f"{cause}.py").read_text().splitlines()
    marks = ((number, MARK.search(line)) for number, line in enumerate(lines, start=1))
    threaded = "sync" if worker == "sync" else "gthread"  # greenlets wait like threads
    return {number for number, mark in marks if mark and threaded in mark["workers"].split(", ")}


def run_one(cause: Cause, worker: str) -> dict[str, Any]:
    """Measure one cause under one worker model, and return its row."""
    started_s = time.monotonic()
    before = set(RUNS.glob("*")) if RUNS.exists() else set()
    try:
        with needed(cause.needs) as variables:
            proc.run(
                argv_of(cause, worker, variables),
                cwd=APPS,
                env=path(),
                timeout_s=RUN_LIMIT_S,
                check=False,
            )
        folders = sorted(set(RUNS.glob("*")) - before)
        if not folders:
            raise ProcessFailure("The run left no folder.")
        row = judged({"cause": cause.name, "worker": worker, "run": folders[-1].name})
    except (EnvironmentFailure, OSError) as error:
        row = {"cause": cause.name, "worker": worker, "run": None, "error": str(error)[-300:]}
        row |= {"line_first": False, "kind_right": False, "certain_and_wrong": False}
    return row | {"seconds": round(time.monotonic() - started_s, 1)}


def path() -> dict[str, str]:
    """Return the variables with which this checkout's package is found."""
    return {"PYTHONPATH": str(PROJECT)}


def argv_of(cause: Cause, worker: str, variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return the command of one run."""
    settings = [word for pair in variables.items() for word in ("--env", "=".join(pair))]
    return (
        *(sys.executable, "-m", "loadtests", "run", f"{cause.name}:app"),
        *(
            "--backend",
            "processes",
            "--workers",
            cause.variants.get(worker, VARIANTS[worker]),
            "--replicas",
            "1,2,4",
            "--rounds",
            "2",
        ),
        *("--request", "GET /", "--profile", "--out", str(RUNS), "--seed", "1", *settings),
    )


def judged(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with what its run says by the present rules."""
    if not row.get("run"):
        return dict(row)
    result = pipeline.conclude(run_folder.read(RUNS / str(row["run"])))
    return {**row, **said(result, BY_NAME[str(row["cause"])], str(row["worker"]))}


def said(result: RunResult, cause: Cause, worker: str) -> dict[str, Any]:
    """Return what a result says of its cause: whether line and kind are right, and the sentence."""
    expected = marked_lines(cause.name, worker)
    kinds = cause.sync if worker == "sync" else cause.gthread
    findings = profiles.largest(result)
    if not findings:
        unseen = [cell.unseen for cell in result.profiles.cells if cell.unseen]
        none = {"line_first": False, "kind_right": False, "certain_and_wrong": False}
        return {**none, "error": unseen[0] if unseen else "no finding"}
    found = findings[0]
    right_file = found.line.file.endswith(f"{cause.name}.py")
    line_first = right_file and found.line.line in expected
    kind_right = found.line.kind in kinds
    return {
        "line_first": line_first,
        "kind_right": kind_right,
        "certain_and_wrong": found.certain and not (line_first and kind_right),
        "certain": found.certain,
        "said": found.sentence.replace(f"{PROJECT}/", ""),
        "store": found.store,
        "looks": [cell.looks for cell in result.profiles.cells],
        "looking_cpus": [cell.looking_cpus for cell in result.profiles.cells],
        "verdict": str(result.verdict),
    }


if __name__ == "__main__":
    raise SystemExit(main())
