#!/usr/bin/env python3
"""Benchmark the load generator against its requirements; writes ``results/bench.json``.

It starts its own servers on the loopback interface, and whole runs of ``twofold`` without Docker.
It takes about sixteen minutes; the machine should be idle otherwise. The two sides of a ratio are
measured in turns. Each item is written when it is measured, and the other items are kept.

    .venv/bin/python scripts/bench.py                      # everything
    .venv/bin/python scripts/bench.py --items cost,stall   # some of it
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from loadtests.tools import files
from scripts.generator_bench.figures import Json
from scripts.generator_bench.items import ITEMS

PROJECT = Path(__file__).resolve().parent.parent
RESULTS = PROJECT / "results" / "bench.json"


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, write the figures, and return 1 if a bound does not hold."""
    options = parse(argv)
    document = json.loads(options.out.read_text()) if options.out.exists() else {}
    failed = []
    for name in options.items:
        started = time.monotonic()
        item = ITEMS[name]()
        say(f"{name}: {json.dumps(item.figures)} ({time.monotonic() - started:.0f} s)")
        failed += [f"{name}: {sentence}" for sentence in item.failed]
        document |= item.figures
        for figure, bound in item.bounds_by_figure.items():
            document.setdefault("bounds", {})[figure] = bound
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        document.setdefault("measured_at", {})[name] = now
        write(options.out, document | {"machine": machine()})
    for sentence in failed:
        say(f"does not hold: {sentence}")
    return 1 if failed else 0


def parse(argv: Sequence[str] | None) -> argparse.Namespace:
    """Return the options; ``items`` holds names of ``ITEMS`` in their order."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument(
        *("--items", "--only"), default=",".join(ITEMS), help="names, with commas between them"
    )
    parser.add_argument("--out", type=Path, default=RESULTS, help="the file to write")
    options = parser.parse_args(argv)
    chosen = set(options.items.split(","))
    if unknown := chosen - ITEMS.keys():
        parser.error(f"--items {', '.join(sorted(unknown))}: there are {', '.join(ITEMS)}")
    options.items = [name for name in ITEMS if name in chosen]
    return options


def machine() -> Json:
    """Return the facts of the machine that the figures depend on."""
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if line.startswith("model name")
        ),
        platform.processor(),
    )
    return {
        "cores": len(os.sched_getaffinity(0)),
        "cpu_model": model,
        "system": platform.platform(),
        "python": platform.python_version(),
    }


def write(path: Path, figures: Json) -> None:
    """Write ``figures`` whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    files.write(path, json.dumps(figures, indent=2) + "\n")


def say(line: str) -> None:
    """Write a line of progress to standard error."""
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
