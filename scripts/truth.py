#!/usr/bin/env python3
"""Check the verdicts: runs the harness on systems whose truth is known (``results/truth.json``).

    .venv/bin/python scripts/truth.py --times 3               # each member of the zoo three times
    .venv/bin/python scripts/truth.py --members perfect,errors
    .venv/bin/python scripts/truth.py --members clean --times 20
    .venv/bin/python scripts/truth.py --members context,cost  # isolation, and what checks cost
    .venv/bin/python scripts/truth.py --judge                 # the same runs by the present rules

A member runs until the file has ``--times`` of its rows, so the same command continues a stopped
campaign. Each run is its own process; a failed run is a row too. The machine should be idle
otherwise.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from loadtests import pipeline
from loadtests.model.errors import ProcessFailure
from loadtests.results import run_folder
from loadtests.tools import files, proc
from scripts.zoo.judging import row_of
from scripts.zoo.members import ALL, BY_NAME, CLEAN
from scripts.zoo.summary import Rows, summarised, table

PROJECT = Path(__file__).resolve().parent.parent
RESULTS = PROJECT / "results"

RUN_LIMIT_S = 400.0
"""Time limit of a run; it usually takes 25 to 200 s, and a longer one counts as hung."""

NAMES = tuple(member.name for member in ALL)
CLEAN_NAMES = tuple(member.name for member in CLEAN)
OTHERS = ("context", "cost")
"""Parts that are no systems of the zoo; each has its own program."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing, print the table, and return 1 if more than 2 % are wrong."""
    options = parse(argv)
    rows: Rows = json.loads(options.out.read_text())["rows"] if options.out.exists() else []
    if options.judge:
        rows = [judged(row) for row in rows]
        write(options.out, summarised(rows))
    todo = [] if options.judge else missing(options.members, rows, options.times)
    for number, name in enumerate(todo, start=1):
        started_s = time.monotonic()
        row = {"member": name, "run": 1 + counted(rows, name), **run_one(name, seed=len(rows) + 1)}
        rows.append(row | {"seconds": round(time.monotonic() - started_s, 1)})
        write(options.out, summarised(rows))
        say(f"{number} of {len(todo)}: {row_line(rows[-1])}")
    summary = summarised(rows)
    print(table(rows))
    print(json.dumps({key: value for key, value in summary.items() if key != "rows"}))
    return 0 if summary["right"] >= 0.98 * summary["runs"] and not summary["wrong_scales"] else 1


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; ``members`` are names of the zoo, in the order asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument(
        "--members", default=",".join(NAMES), help="names; clean, context, cost too"
    )
    parser.add_argument("--times", type=int, default=3, help="rows per member (default 3)")
    parser.add_argument("--judge", action="store_true", help="judge recorded runs, measure none")
    parser.add_argument("--out", type=Path, default=RESULTS / "truth.json")
    options = parser.parse_args(argv)
    options.members = [name for name in options.members.split(",") if name]
    valid = (*NAMES, *CLEAN_NAMES, "clean", *OTHERS)
    if unknown := [name for name in options.members if name not in valid]:
        parser.error(f"--members {', '.join(unknown)}: there are {', '.join(valid)}")
    return options


def missing(members: Sequence[str], rows: Rows, times: int) -> list[str]:
    """Return the members still to run, in turns; ``clean`` alternates between its two kinds."""
    names: list[str] = []
    for turn in range(times):
        for name in members:
            if name == "clean":
                names.append(CLEAN_NAMES[turn % len(CLEAN_NAMES)])
            elif name not in OTHERS or turn == 0:
                names.append(name)
    have = {name: counted(rows, name) for name in names}
    left = []
    for name in names:
        if have[name] > 0:
            have[name] -= 1
        else:
            left.append(name)
    return left


def counted(rows: Rows, name: str) -> int:
    """Return how many rows a member has."""
    return sum(row["member"] == name for row in rows)


def run_one(name: str, *, seed: int) -> dict[str, Any]:
    """Run one member in its own process, and return its row; a failure is a row too."""
    module = f"scripts.zoo.{name}" if name in OTHERS else "scripts.zoo.one_run"
    argv = (sys.executable, "-m", module, *(() if name in OTHERS else (name,)))
    runs = ("--seed", str(seed), "--runs", str(RESULTS / "truth-runs"))
    try:
        done = proc.run((*argv, *runs), cwd=PROJECT, timeout_s=RUN_LIMIT_S, check=False)
    except ProcessFailure as failure:
        return {"error": str(failure), "right": False, "wrong_scales": False}
    lines = done.stdout.splitlines()
    if done.code != 0 or not lines:
        return {
            "error": f"code {done.code}: {done.stderr[-2000:]}",
            "right": False,
            "wrong_scales": False,
        }
    row: dict[str, Any] = json.loads(lines[-1])
    return row


def judged(row: dict[str, Any]) -> dict[str, Any]:
    """Judge a row's run by the present rules; return it unchanged if the run is missing."""
    folder = RESULTS / "truth-runs" / row.get("run_id", "none")
    if not folder.is_dir():
        return row
    return row | row_of(BY_NAME[row["member"]], pipeline.conclude(run_folder.read(folder)))


def row_line(row: dict[str, Any]) -> str:
    """Return a row as one line of progress."""
    if "error" in row:
        return f"{row['member']}: FAILED: {row['error'].strip().splitlines()[-1][:200]}"
    verdict = " ".join((str(row.get("verdict", "")), *row.get("codes", ())))
    wrong = f" WRONG: {' '.join(row.get('wrong_because', ()))}" if not row["right"] else ""
    return f"{row['member']}: {verdict} ({row['seconds']:.0f} s){wrong}"


def write(path: Path, document: dict[str, Any]) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, json.dumps(document, indent=1, ensure_ascii=False) + "\n")


def say(line: str) -> None:
    """Write a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
