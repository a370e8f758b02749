#!/usr/bin/env python3
"""Compares web servers and Pythons on the sample application, and writes results/servers/.

    .venv/bin/python -m scripts.servers --set-up              # their environments, once
    .venv/bin/python -m scripts.servers --days 1              # all four workloads, a run each
    .venv/bin/python -m scripts.servers --days 1 --workloads cpu,io
    .venv/bin/python -m scripts.servers --judge               # the files again; measures nothing

Variants are those of results/servers/twofold.toml whose interpreter is set up. A run measures one
workload under all of them, at 1 and 2 replicas, as processes of this machine, in random order in
each round. PyPy is left out where requests use the store. What a run says is kept in
results/servers/day-1-cpu.json and the like, so a campaign can be stopped and resumed, also on
another machine: what has such a file is not measured again. Remove the file to measure it again.
The same with ``--days 2``, on another day, shows whether it repeats: results/servers/repeat.json.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from loadtests import pipeline
from loadtests.model.errors import ProcessFailure
from loadtests.model.result import Estimate, RunResult
from loadtests.report.formats import terminal
from loadtests.report.text import variants as tables
from loadtests.results import run_folder
from loadtests.tools import files, proc, signals
from scripts import server_environments

PROJECT = Path(__file__).resolve().parent.parent
OUT = PROJECT / "results/servers"
CONFIG = OUT / "twofold.toml"
RUNS = PROJECT / "results/servers-runs"

WORKLOADS = ("cpu", "io", "db", "mixed")
ROUNDS = 8
MOST_HALF_WIDTH_RATIO = 0.05
LEAST_AGREEING = 0.93
"""Two equal runs agree in 95 % of ratios, since each interval is one of 95 %."""

WIDTH = 100
"""Characters in a line of the report."""

IO_S = 0.05
"""How long a request of the workload ``io`` waits."""

NO_STORE = "-pypy"
"""How the names of variants end that are left out where requests use the store: psycopg, which the
sample application uses, does not connect on Debian's PyPy 7.3.11 ("cannot create weak reference to
'weakref' object")."""

WITH_STORE = frozenset({"db", "mixed"})

RUN_LIMIT_S = 5400.0


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is missing, write the files, and return 1 if they show less than they must."""
    options = parse(argv)
    if options.set_up:
        return server_environments.set_up(dict(text.split("=", 1) for text in options.interpreter))
    todo = [
        (day, workload)
        for day in options.days
        for workload in options.workloads
        if not record_of(day, workload).exists()
    ]
    for day, workload in [] if options.judge else todo:
        here = variants_here(workload)
        print(f"day {day}, {workload}: {len(here)} variants", file=sys.stderr, flush=True)
        words = argv_of(
            workload, here, rounds=options.rounds, seed=int(day), latency=options.latency
        )
        with signals.handled():  # a signal ends the run, too
            name = run(workload, words)
        files.write(record_of(day, workload), as_json(record(day, workload, name)))
    for path in sorted(OUT.glob("day-*.json")) if options.judge else ():
        kept = json.loads(path.read_text())
        if (RUNS / kept["run"]).is_dir():  # else what it said stands
            files.write(path, as_json(record(kept["day"], kept["workload"], kept["run"])))
    return judge([json.loads(path.read_text()) for path in sorted(OUT.glob("day-*.json"))])


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; unknown workloads end the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--set-up", action="store_true", help="make the environments")
    parser.add_argument(
        "--interpreter",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help=f"the program of {', '.join(server_environments.INTERPRETERS)}, where PATH has it not",
    )
    parser.add_argument("--judge", action="store_true", help="write the files; measure nothing")
    parser.add_argument("--days", default="1", help="1, 2 or 1,2: which series")
    parser.add_argument("--workloads", default=",".join(WORKLOADS), help="names, with commas")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument(
        "--latency", action="store_true", help="also measure response times at 70 %% of capacity"
    )
    options = parser.parse_args(argv)
    for key, allowed in (("workloads", WORKLOADS), ("days", ("1", "2"))):
        names = getattr(options, key).split(",")
        unknown = sorted(set(names) - set(allowed))
        if unknown:
            parser.error(f"--{key} has {', '.join(unknown)}; known: {', '.join(allowed)}")
        setattr(options, key, names)
    return options


def variants_here(workload: str) -> tuple[str, ...]:
    """Return the variants whose interpreter is set up, and which can serve the workload."""
    tables_of = tomllib.loads(CONFIG.read_text())["variants"]
    return tuple(
        name
        for name, table in tables_of.items()
        if (OUT / table["python"]).exists()
        and not (workload in WITH_STORE and name.endswith(NO_STORE))
    )


# -- runs -------------------------------------------------------------------------------------


def record_of(day: str, workload: str) -> Path:
    """Return the file that keeps what a run said."""
    return OUT / f"day-{day}-{workload}.json"


def run(workload: str, argv: Sequence[str]) -> str:
    """Measure one workload, and return the name of its run; raise if it does not finish."""
    before = set(RUNS.glob("*")) if RUNS.exists() else set()
    done = proc.run(
        argv,
        cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT)},
        timeout_s=RUN_LIMIT_S,
        check=False,
    )
    folders = sorted(set(RUNS.glob("*")) - before)
    if not folders or done.code in {2, 4}:
        raise ProcessFailure(f"{workload} was not measured.", output=done.stderr)
    return folders[-1].name


def argv_of(
    workload: str, variants: Sequence[str], *, rounds: int, seed: int, latency: bool = False
) -> tuple[str, ...]:
    """Return the command of one run."""
    return (
        *(sys.executable, "-m", "loadtests", "run", "--backend", "processes"),
        *("--config", str(CONFIG.relative_to(PROJECT)), "--workers", ",".join(variants)),
        *("--workload", workload, "--replicas", "1,2", "--rounds", str(rounds)),
        *("--no-profile", "--out", str(RUNS), "--seed", str(seed)),
        *(("--latency",) if latency else ()),
    )


# -- what they say ----------------------------------------------------------------------------


def record(day: str, workload: str, name: str) -> dict[str, Any]:
    """Return what a run says: its figures, its ratios, and the table of ``twofold compare``."""
    folder = RUNS / name
    recorded = run_folder.read(folder)
    result = pipeline.with_latency(pipeline.conclude(recorded), recorded, folder)
    return {
        "day": day,
        "workload": workload,
        "run": name,
        "date": f"{name[:4]}-{name[4:6]}-{name[6:8]}",
        "processor": result.machine.cpu_model,
        "verdict": result.verdict,
        "broken": sorted({finding.code for finding in result.broken}),
        "variants": list(figures(day, result)),
        "ratios": list(ratios(day, result)),
        "slots": list(slots(result)),
        "table": compared(result),
    }


def judge(records: Sequence[Mapping[str, Any]]) -> int:
    """Write figures, report and repeat; return 1 if they show less than they must."""
    rows = [row for kept in records for row in kept["variants"]]
    pairs = [row for kept in records for row in kept["ratios"]]
    if not records:
        print("Nothing is measured yet.")
        return 1
    files.write(OUT / "figures.json", as_json({"variants": rows, "ratios": pairs}))
    files.write(OUT / "report.md", report(records))
    again = repeat(pairs)
    files.write(OUT / "repeat.json", as_json(again))
    wide = [row for row in pairs if row["half_width"] > MOST_HALF_WIDTH_RATIO]
    broken = {f"{kept['day']}/{kept['workload']}": kept["broken"] for kept in records}
    print(
        f"{len(pairs)} ratios, {len(wide)} wider than {MOST_HALF_WIDTH_RATIO:.0%};"
        f" {again['agreeing']} of {again['ratios']} repeat; broken rules: {broken}"
    )
    repeats = again["ratios"] > 0 and again["agreeing"] >= LEAST_AGREEING * again["ratios"]
    return 0 if not wide and repeats and not any(broken.values()) else 1


def as_json(document: object) -> str:
    """Return a document as a file's text."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def figures(day: str, result: RunResult) -> Iterator[dict[str, Any]]:
    """Yield the figures of each variant; rates in requests per second, times in their units."""
    factors = {(each.worker, each.workload): each.factor for each in result.doublings}
    for row in tables.variants(result):
        yield {
            "day": day,
            "workload": row.workload,
            "variant": row.worker,
            "replicas": row.replicas,
            "rps": bounds(row.throughput_rps),
            "rps_per_core": rounded(row.per_core_rps),
            "rps_per_gigabyte": rounded(row.per_gigabyte_rps),
            "p50_ms": rounded(row.p50_ms),
            "p99_ms": rounded(row.p99_ms),
            "start_s": rounded(row.start_s),
            "doubling": bounds(factors[row.worker, row.workload]),
            "equal_to": list(row.level_with),
        }


def ratios(day: str, result: RunResult) -> Iterator[dict[str, Any]]:
    """Yield the ratio of each pair of variants at the most replicas, with its half-width."""
    most = max(result.plan.replica_counts)
    for pair in result.comparisons:
        low, high = pair.ratio.low, pair.ratio.high
        if pair.replicas == most and low and high:
            yield {
                "day": day,
                "workload": pair.workload,
                "variant": pair.worker,
                "against": pair.against,
                "ratio": bounds(pair.ratio),
                "half_width": round(math.sqrt(high / low) - 1, 4),
            }


def slots(result: RunResult) -> Iterator[dict[str, Any]]:
    """Yield what one replica answers on ``io``, over what its slots can: each waits for 50 ms."""
    seen = {entry.worker: entry.slots for entry in result.in_force}
    for cell in result.cells:
        of, rate = cell.cell, cell.throughput_rps.estimate
        if of.workload == "io" and of.replicas == 1 and rate and seen.get(of.worker):
            most = (seen[of.worker] or 0) / IO_S
            yield {
                "variant": of.worker,
                "slots": seen[of.worker],
                "rps": rounded(rate),
                "ratio": rounded(rate / most),
            }


def repeat(pairs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how many ratios of the first day the second one repeats.

    Two estimates agree where the interval of their difference contains none: the square of the
    difference of logarithms is at most the sum of the squared half-widths.
    """
    by_day: dict[str, dict[tuple[str, ...], Mapping[str, float]]] = {"1": {}, "2": {}}
    for row in pairs:
        by_day[row["day"]][row["workload"], row["variant"], row["against"]] = row["ratio"]
    both = sorted(by_day["1"].keys() & by_day["2"].keys())
    apart = [key for key in both if not agree(by_day["1"][key], by_day["2"][key])]
    return {
        "ratios": len(both),
        "agreeing": len(both) - len(apart),
        "apart": [
            {
                **dict(zip(("workload", "variant", "against"), key, strict=True)),
                "day 1": by_day["1"][key],
                "day 2": by_day["2"][key],
            }
            for key in apart
        ],
    }


def agree(one: Mapping[str, float], other: Mapping[str, float]) -> bool:
    """Return whether two estimates differ by no more than their intervals together allow."""
    apart = math.log(one["estimate"] / other["estimate"])
    widths = [math.log(each["high"] / each["low"]) / 2 for each in (one, other)]
    return apart**2 <= sum(width**2 for width in widths)


def report(records: Sequence[Mapping[str, Any]]) -> str:
    """Return a page with the table of every run, as ``twofold compare`` prints it."""
    parts = ["# Servers and Pythons", ""]
    for kept in records:
        rules = f"; broken: {', '.join(kept['broken'])}" if kept["broken"] else ""
        about = f"Run {kept['run']} of {kept['date']} on {kept['processor']}"
        parts += [f"## {kept['workload']}, day {kept['day']}", ""]
        parts += [f"{about}: {kept['verdict']}{rules}.", "", "```text", kept["table"], "```", ""]
    parts += ["How to repeat it: `.venv/bin/python -m scripts.servers --help`.", ""]
    return "\n".join(parts)


def compared(result: RunResult) -> str:
    """Return what ``twofold compare`` prints of a run."""
    console = Console(width=WIDTH, file=io.StringIO(), color_system=None, record=True)
    console.print(terminal.compare(result))
    return "\n".join(line.rstrip() for line in console.export_text().splitlines()).strip()


def bounds(estimate: Estimate) -> dict[str, float | None]:
    """Return an estimate with its interval, in five digits."""
    return {
        "estimate": rounded(estimate.estimate),
        "low": rounded(estimate.low),
        "high": rounded(estimate.high),
    }


def rounded(value: float | None) -> float | None:
    """Return a figure in five significant digits."""
    return None if value is None else float(f"{value:.5g}")


if __name__ == "__main__":
    raise SystemExit(main())
