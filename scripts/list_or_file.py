#!/usr/bin/env python3
"""Do a request list and a locustfile give the same factor? The same application, the same load.

    .venv/bin/python scripts/list_or_file.py        # two runs of about five minutes

Each run has both loads as workloads, on the processes backend, so their cells are measured in turns
in the same rounds. The two factors of a worker agree if their 95 % intervals overlap. The table
goes to results/list-or-file.json: ``tried`` how many pairs there are, ``agreeing`` how many agree,
and a row for each. It is written after each run.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from loadtests.analysis import intervals
from loadtests.environments.child_python import python_path
from loadtests.model.errors import EXIT_VERDICTS
from loadtests.model.result import Estimate

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"

RUNS = 2
ROUNDS = 6
"""Rounds of a run; its intervals then have half-widths of 2 to 4 %."""

APPLICATION = """\
from flask import Flask

app = Flask(__name__)


def work(steps):
    return str(sum(number * number for number in range(steps)))


@app.get("/cheap")
def cheap():
    return work(20_000)


@app.get("/dear")
def dear():
    return work(60_000)
"""

LOCUSTFILE = """\
from locust import HttpUser, task


class Visitor(HttpUser):
    @task(3)
    def cheap(self):
        self.client.get("/cheap")

    @task(1)
    def dear(self):
        self.client.get("/dear")
"""

CONFIGURATION = """\
app = "shop:app"
health = "/cheap"

[workloads.list]
requests = ["3 GET /cheap", "1 GET /dear"]

[workloads.file]
locustfile = "locustfile.py"
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the campaign; return 0 if all pairs agree, 1 if not, or the exit code of a failed run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=int, default=RUNS)
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="as for twofold run")
    parser.add_argument("--workers", default="gthread,sync,gevent", help="as for twofold run")
    parser.add_argument("--out", type=Path, default=RESULTS / "list-or-file.json")
    given = parser.parse_args(argv)
    words = ("--workers", given.workers, "--rounds", str(given.rounds))
    rows: list[dict[str, Any]] = []
    given.out.parent.mkdir(exist_ok=True)
    for number in range(1, given.runs + 1):
        print(f"run {number} of {given.runs}", file=sys.stderr, flush=True)
        rows += pairs_of(measure(words))
        given.out.write_text(json.dumps(table_of(rows), indent=1) + "\n")
    table = table_of(rows)
    print(json.dumps({key: table[key] for key in ("tried", "agreeing")}))
    return 0 if table["agreeing"] == table["tried"] else 1


def measure(words: Sequence[str]) -> dict[str, Any]:
    """Run both loads on the application, and return the result; exit where there is none."""
    argv = (
        *(sys.executable, "-m", "loadtests", "run", "--json"),
        *("--backend", "processes", "--replicas", "1,2", "--workload", "list,file"),
        *("--no-profile", "--out", str(RESULTS / "list-or-file-runs"), *words),
    )
    with tempfile.TemporaryDirectory(prefix="twofold-list-or-file-") as name:
        folder = Path(name)
        for file, text in files().items():
            (folder / file).write_text(text)
        done = subprocess.run(
            argv,
            cwd=folder,
            env=os.environ | python_path(),
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
    if done.returncode not in EXIT_VERDICTS:
        raise SystemExit(done.returncode)
    result: dict[str, Any] = json.loads(done.stdout)
    return result


def files() -> dict[str, str]:
    """Return the files of the application's project, by their names."""
    return {
        "shop.py": APPLICATION,
        "locustfile.py": LOCUSTFILE,
        "twofold.toml": CONFIGURATION,
    }


def pairs_of(run: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return a row for each worker of a run, with the factors of the list and of the file."""
    by_load: dict[str, dict[str, Mapping[str, Any]]] = {"list": {}, "file": {}}
    for row in run["doublings"]:
        by_load[row["workload"]][row["worker"]] = row
    rows = []
    for worker, of_list in by_load["list"].items():
        of_file = by_load["file"][worker]
        rows.append(
            {
                "run_id": run["run_id"],
                "rounds": run["rounds"],
                "worker": worker,
                **{f"list_{key}": of_list[key] for key in ("factor", "low", "high", "verdict")},
                **{f"file_{key}": of_file[key] for key in ("factor", "low", "high", "verdict")},
                "agrees": agree(of_list, of_file),
            }
        )
    return rows


def agree(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether the intervals of two doublings overlap; only what is valid can agree."""
    valid = "invalid" not in {one["verdict"], other["verdict"]}
    return valid and intervals.overlap(factor_of(one), factor_of(other))


def factor_of(doubling: Mapping[str, Any]) -> Estimate:
    """Return the factor of a doubling, with its interval."""
    return Estimate(estimate=doubling["factor"], low=doubling["low"], high=doubling["high"])


def table_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the table: the number of pairs, how many agree, and the rows."""
    return {
        "agreement": "the 95 % intervals of the two factors overlap",
        "tried": len(rows),
        "agreeing": sum(bool(row["agrees"]) for row in rows),
        "rows": list(rows),
    }


if __name__ == "__main__":
    sys.exit(main())
