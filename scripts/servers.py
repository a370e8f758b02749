#!/usr/bin/env python3
"""Compares web servers and Pythons on the sample application, and writes results/servers/.

    .venv/bin/python -m scripts.servers --set-up              # their environments, once
    .venv/bin/python -m scripts.servers --days 1              # all four workloads, a run each
    .venv/bin/python -m scripts.servers --days 1 --workloads cpu,io
    .venv/bin/python -m scripts.servers --judge               # the files again; measures nothing

Variants are those of results/servers/twofold.toml whose interpreter is set up. A run measures one
workload under all of them, at 1 and 2 replicas, as processes of this machine, in random order in
each round. A day and a workload that were measured are not measured again, so that a campaign can
be stopped and resumed. The same with ``--days 2``, on another day, shows whether it repeats:
results/servers/repeat.json.
"""

from __future__ import annotations

import argparse
import io
import json
import math
import re
import shutil
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

PROJECT = Path(__file__).resolve().parent.parent
OUT = PROJECT / "results/servers"
CONFIG = OUT / "twofold.toml"
RUNS = PROJECT / "results/servers-runs"
ENVIRONMENTS = PROJECT / ".cache/servers"
LOCKS = ("harness.txt", "servers.txt")

WORKLOADS = ("cpu", "io", "db", "mixed")
ROUNDS = 8
MOST_HALF_WIDTH_RATIO = 0.05
LEAST_AGREEING = 0.93
"""Two equal runs agree in 95 % of ratios, since each interval is one of 95 %."""

WIDTH = 100
"""Characters in a line of the report."""

INSTALL_LIMIT_S = 900.0
RUN_LIMIT_S = 5400.0

APPLICATION = ("flask", "gunicorn", "packaging")
EVERY_SERVER = ("gevent", "psycopg[binary,pool]", "pyuwsgi", "waitress", "granian", "cheroot")
ON_PYPY = ("psycopg[pool]",)
"""PyPy has no wheels of psycopg's C part; the pure one needs the system's libpq."""

INTERPRETERS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "cpython-3.13": ("python3.13", EVERY_SERVER),
    "cpython-3.11": ("python3.11", EVERY_SERVER),
    "pypy-3": ("pypy3", ON_PYPY),
}
"""The environments: which interpreter makes each, and what it gets beside the application's."""

UNPINNED = frozenset({"pypy-3"})
"""A distribution's PyPy may speak an older Python than the locked versions need; it gets the newest
that it can run."""

PIN = re.compile(r"^([A-Za-z0-9_.-]+)==(\S+)")


def main(argv: Sequence[str] | None = None) -> int:
    """Measure what is missing, write the files, and return 1 if they show less than they must."""
    options = parse(argv)
    if options.set_up:
        return set_up(dict(text.split("=", 1) for text in options.interpreter))
    here = variants_here()
    have = known()
    todo = [
        (day, workload)
        for day in options.days
        for workload in options.workloads
        if f"{day}/{workload}" not in have
    ]
    for day, workload in [] if options.judge else todo:
        print(f"day {day}, {workload}: {len(here)} variants", file=sys.stderr, flush=True)
        with signals.handled():  # a signal ends the run, too
            have[f"{day}/{workload}"] = run(workload, here, rounds=options.rounds, seed=int(day))
        files.write(OUT / "runs.json", json.dumps(have, indent=1) + "\n")
    return judge(have)


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; unknown workloads end the program."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--set-up", action="store_true", help="make the environments")
    parser.add_argument(
        "--interpreter",
        action="append",
        default=[],
        metavar="NAME=PATH",
        help=f"the program of {', '.join(INTERPRETERS)}, where PATH has it not",
    )
    parser.add_argument("--judge", action="store_true", help="write the files; measure nothing")
    parser.add_argument("--days", default="1", help="1, 2 or 1,2: which series")
    parser.add_argument("--workloads", default=",".join(WORKLOADS), help="names, with commas")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    options = parser.parse_args(argv)
    for key, allowed in (("workloads", WORKLOADS), ("days", ("1", "2"))):
        names = getattr(options, key).split(",")
        unknown = sorted(set(names) - set(allowed))
        if unknown:
            parser.error(f"--{key} has {', '.join(unknown)}; known: {', '.join(allowed)}")
        setattr(options, key, names)
    return options


# -- environments -----------------------------------------------------------------------------


def set_up(programs: Mapping[str, str]) -> int:
    """Make the environments whose interpreters this machine has, and say which are left out.

    ``programs`` has the paths of some, by the names of the environments.
    """
    ENVIRONMENTS.mkdir(parents=True, exist_ok=True)
    constraints = ENVIRONMENTS / "constraints.txt"
    texts = [(PROJECT / "requirements" / name).read_text() for name in LOCKS]
    files.write(constraints, "".join(f"{name}=={pin}\n" for name, pin in pins(texts)))
    made = 0
    for name, (usual, packages) in INTERPRETERS.items():
        program, folder = programs.get(name, usual), ENVIRONMENTS / name
        if (folder / "made").exists():
            made += 1
            continue
        if proc.which(program) is None:
            print(f"{name}: left out, because {program} is not on PATH.")
            continue
        try:
            shutil.rmtree(folder, ignore_errors=True)
            # This environment's pip installs there: a distribution's Python may have none.
            bare = (program, "-m", "venv", "--without-pip", str(folder))
            proc.run(bare, timeout_s=INSTALL_LIMIT_S)
            pinned = () if name in UNPINNED else ("--constraint", str(constraints))
            there = ("--python", str(folder / "bin/python"))
            pip = (sys.executable, "-m", "pip", *there, "install", "--quiet")
            proc.run((*pip, *pinned, *APPLICATION, *packages), timeout_s=INSTALL_LIMIT_S)
        except ProcessFailure as error:
            print(f"{name}: left out. {error}\n{error.output[-1000:]}")
            continue
        files.write(folder / "made", "")
        made += 1
        print(f"{name}: {folder}")
    return 0 if made else 1


def pins(locks: Sequence[str]) -> list[tuple[str, str]]:
    """Return the names and versions that lock files pin; the first file decides."""
    found: dict[str, str] = {}
    for text in locks:
        for line in text.splitlines():
            if match := PIN.match(line):
                found.setdefault(match[1], match[2].rstrip("\\").strip())
    return sorted(found.items())


def variants_here() -> tuple[str, ...]:
    """Return the variants whose interpreter is set up."""
    tables_of = tomllib.loads(CONFIG.read_text())["variants"]
    return tuple(name for name, table in tables_of.items() if (OUT / table["python"]).exists())


# -- runs -------------------------------------------------------------------------------------


def known() -> dict[str, str]:
    """Return the runs that there are, by day and workload."""
    path = OUT / "runs.json"
    runs: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    return runs


def run(workload: str, variants: Sequence[str], *, rounds: int, seed: int) -> str:
    """Measure one workload, and return the name of its run; raise if it does not finish."""
    before = set(RUNS.glob("*")) if RUNS.exists() else set()
    done = proc.run(
        argv_of(workload, variants, rounds=rounds, seed=seed),
        cwd=PROJECT,
        env={"PYTHONPATH": str(PROJECT)},
        timeout_s=RUN_LIMIT_S,
        check=False,
    )
    folders = sorted(set(RUNS.glob("*")) - before)
    if not folders or done.code in {2, 4}:
        raise ProcessFailure(f"{workload} was not measured.", output=done.stderr)
    return folders[-1].name


def argv_of(workload: str, variants: Sequence[str], *, rounds: int, seed: int) -> tuple[str, ...]:
    """Return the command of one run."""
    return (
        *(sys.executable, "-m", "loadtests", "run", "--backend", "processes"),
        *("--config", str(CONFIG.relative_to(PROJECT)), "--workers", ",".join(variants)),
        *("--workload", workload, "--replicas", "1,2", "--rounds", str(rounds)),
        *("--no-profile", "--out", str(RUNS), "--seed", str(seed)),
    )


# -- what they say ----------------------------------------------------------------------------


def judge(have: Mapping[str, str]) -> int:
    """Write figures, report and repeat; return 1 if they show less than they must."""
    results = {
        key: pipeline.conclude(run_folder.read(RUNS / name))
        for key, name in sorted(have.items())
        if (RUNS / name).is_dir()
    }
    rows = [row for key, result in results.items() for row in figures(key, result)]
    pairs = [row for key, result in results.items() for row in ratios(key, result)]
    if not results:
        print("Nothing is measured yet.")
        return 1
    files.write(OUT / "figures.json", as_json({"variants": rows, "ratios": pairs}))
    files.write(OUT / "report.md", report(results))
    again = repeat(pairs)
    files.write(OUT / "repeat.json", as_json(again))
    wide = [row for row in pairs if row["half_width"] > MOST_HALF_WIDTH_RATIO]
    broken = {key: [str(f.code) for f in result.broken] for key, result in results.items()}
    print(
        f"{len(pairs)} ratios, {len(wide)} wider than {MOST_HALF_WIDTH_RATIO:.0%};"
        f" {again['agreeing']} of {again['ratios']} repeat; broken rules: {broken}"
    )
    repeats = again["agreeing"] >= LEAST_AGREEING * again["ratios"]
    return 0 if not wide and repeats and not any(broken.values()) else 1


def as_json(document: object) -> str:
    """Return a document as a file's text."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def figures(key: str, result: RunResult) -> Iterator[dict[str, Any]]:
    """Yield the figures of each variant; rates in requests per second, times in their units."""
    for row in tables.variants(result):
        yield {
            "day": key.partition("/")[0],
            "workload": row.workload,
            "variant": row.worker,
            "replicas": row.replicas,
            "rps": bounds(row.throughput_rps),
            "rps_per_core": rounded(row.per_core_rps),
            "rps_per_gigabyte": rounded(row.per_gigabyte_rps),
            "p50_ms": rounded(row.p50_ms),
            "p99_ms": rounded(row.p99_ms),
            "start_s": rounded(row.start_s),
            "doubling": bounds(row.speedup),
            "equal_to": list(row.level_with),
        }


def ratios(key: str, result: RunResult) -> Iterator[dict[str, Any]]:
    """Yield the ratio of each pair of variants at the most replicas, with its half-width."""
    most = max(result.plan.replica_counts)
    for pair in result.comparisons:
        low, high = pair.ratio.low, pair.ratio.high
        if pair.replicas == most and low and high:
            yield {
                "day": key.partition("/")[0],
                "workload": pair.workload,
                "variant": pair.worker,
                "against": pair.against,
                "ratio": bounds(pair.ratio),
                "half_width": round(math.sqrt(high / low) - 1, 4),
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


def report(results: Mapping[str, RunResult]) -> str:
    """Return a page with the table of every run, as ``twofold compare`` prints it."""
    parts = ["# Servers and Pythons", ""]
    for key, result in results.items():
        day, _, workload = key.partition("/")
        parts += [f"## {workload}, day {day}", "", f"Run {result.facts.run_id}, {result.verdict}."]
        parts += ["", "```text", compared(result), "```", ""]
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
