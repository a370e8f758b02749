#!/usr/bin/env python3
"""Is the verdict true? Runs the harness on systems whose truth is known: ``results/truth.json``.

    .venv/bin/python scripts/truth.py --times 3               # each member of the zoo three times
    .venv/bin/python scripts/truth.py --members perfect,errors
    .venv/bin/python scripts/truth.py --members clean --times 20
    .venv/bin/python scripts/truth.py --members context,cost  # isolation, and what checks cost
    .venv/bin/python scripts/truth.py --judge                 # the same runs by the present rules

Rows add up: a member is run until the file has ``--times`` of its rows, so a campaign that was
stopped goes on with the same command. Each run is a process of its own, and one that fails is a row
too. The machine should have nothing else to do.
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
from loadtests.tools import proc
from scripts.zoo.judging import row_of
from scripts.zoo.members import BY_NAME, CLEAN, MEMBERS
from scripts.zoo.summary import Rows, summarised, table

PROJECT = Path(__file__).resolve().parent.parent
RESULTS = PROJECT / "results"

RUN_LIMIT_S = 400.0
"""A run takes 25 to 200 s; one that takes so long hangs, and is a row with an error."""

NAMES = tuple(member.name for member in MEMBERS)
CLEAN_NAMES = tuple(member.name for member in CLEAN)
OTHERS = ("context", "cost")
"""Parts that are no system of the zoo, and are measured by programs of their own."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run what is missing, print the table, and give 1 where more than 2 % are not right."""
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
        say(f"{number} of {len(todo)}: {told(rows[-1])}")
    found = summarised(rows)
    print(table(rows))
    print(json.dumps({key: value for key, value in found.items() if key != "rows"}))
    return 0 if found["right"] >= 0.98 * found["runs"] and not found["wrong_scales"] else 1


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; ``members`` are names of the zoo, in the order asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument(
        "--members", default=",".join(NAMES), help="names; clean, context, cost too"
    )
    parser.add_argument("--times", type=int, default=3, help="rows that each is to have")
    parser.add_argument("--judge", action="store_true", help="judge recorded runs, measure none")
    parser.add_argument("--out", type=Path, default=RESULTS / "truth.json")
    options = parser.parse_args(argv)
    options.members = [name for name in options.members.split(",") if name]
    known = (*NAMES, *CLEAN_NAMES, "clean", *OTHERS)
    if unknown := [name for name in options.members if name not in known]:
        parser.error(f"--members {', '.join(unknown)}: there are {', '.join(known)}")
    return options


def missing(members: Sequence[str], rows: Rows, times: int) -> list[str]:
    """Return what has to be run, all members in turn; ``clean`` are its two kinds in turn."""
    wanted: list[str] = []
    for turn in range(times):
        for name in members:
            if name == "clean":
                wanted.append(CLEAN_NAMES[turn % len(CLEAN_NAMES)])
            elif name not in OTHERS or turn == 0:
                wanted.append(name)
    have = {name: counted(rows, name) for name in wanted}
    left = []
    for name in wanted:
        if have[name] > 0:
            have[name] -= 1
        else:
            left.append(name)
    return left


def counted(rows: Rows, name: str) -> int:
    """Return how many rows a member has."""
    return sum(row["member"] == name for row in rows)


def run_one(name: str, *, seed: int) -> dict[str, Any]:
    """Run one member in a process of its own, and give its row; a failure is a row as well."""
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
    """Return a row as the present rules judge its run; as it is where that is not there."""
    folder = RESULTS / "truth-runs" / row.get("run_id", "none")
    if not folder.is_dir():
        return row
    return row | row_of(BY_NAME[row["member"]], pipeline.conclude(run_folder.read(folder)))


def told(row: dict[str, Any]) -> str:
    """Return a row in a line, for whoever watches."""
    if "error" in row:
        return f"{row['member']}: FAILED: {row['error'].strip().splitlines()[-1][:200]}"
    verdict = " ".join((str(row.get("verdict", "")), *row.get("codes", ())))
    wrong = f" WRONG: {' '.join(row.get('wrong_because', ()))}" if not row["right"] else ""
    return f"{row['member']}: {verdict} ({row['seconds']:.0f} s){wrong}"


def write(path: Path, found: dict[str, Any]) -> None:
    """Write the file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft")
    draft.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")
    draft.replace(path)


def say(line: str) -> None:
    """Tell a person how far it is."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
