#!/usr/bin/env python3
"""Keep the table of applications that nobody here wrote (``results/applications.json``).

A row is made from one run's ``run.json``. Only what the run cannot know is given by hand: which
application it was, how many lines of its configuration were written by hand, and what is known of
its true factor.

    python3 scripts/applications.py dockercoins-rng results/…/run.json --hand-lines 1
        --truth "one request at a time, 100 ms each: exactly 2.0, by slots"

A row of the same application and backend is replaced.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent.parent / "results"


def main(argv: Sequence[str] | None = None) -> int:
    """Add the row of one run, and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("application", help="its name")
    parser.add_argument("run", type=Path, help="the run's run.json")
    parser.add_argument("--hand-lines", type=int, required=True, help="lines written by hand")
    parser.add_argument("--truth", required=True, help="what is known of the true factor")
    parser.add_argument("--out", type=Path, default=RESULTS / "applications.json")
    options = parser.parse_args(argv)
    run = json.loads(options.run.read_text())
    row = row_of(options.application, run, hand_lines=options.hand_lines, truth=options.truth)
    rows = json.loads(options.out.read_text())["rows"] if options.out.exists() else []
    rows = [old for old in rows if key_of(old) != key_of(row)] + [row]
    options.out.write_text(json.dumps({"rows": sorted(rows, key=key_of)}, indent=1) + "\n")
    print(json.dumps(row, indent=1))
    return 0


def key_of(row: dict[str, Any]) -> tuple[str, str]:
    """Return what tells rows apart: the application and the backend."""
    return row["application"], row["backend"]


def row_of(application: str, run: dict[str, Any], *, hand_lines: int, truth: str) -> dict[str, Any]:
    """Return the row of one application: verdict, factors, bottlenecks and minutes."""
    columns = ("worker", "workload", "from", "to", "factor", "low", "high", "verdict")
    return {
        "application": application,
        "target": run["plan"]["tested"]["name"],
        "backend": run["backend"],
        "hand_lines": hand_lines,
        "truth": truth,
        "verdict": run["verdict"],
        "reason": run["reason"],
        "minutes": round(run["wall_s"] / 60, 1),
        "doublings": [{key: each[key] for key in columns} for each in run["doublings"]],
        "bottlenecks": {
            f"{cell['worker']} {cell['workload']} x{cell['replicas']}": cell["bottleneck"]
            for cell in run["cells"]
        },
        "broken_rules": sorted({each["code"] for each in run["invalid"]}),
    }


if __name__ == "__main__":
    sys.exit(main())
