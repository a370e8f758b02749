"""Runs the tests of the rows of the collection of cases, and writes ``results/cases.json``.

A row is right only where all of its tests ran and passed; a skipped one did not run. Run it with
the project's own Python, with pytest's options behind ``--``:

    .venv/bin/python scripts/cases.py --part Docker
    .venv/bin/python scripts/cases.py -- -m "not docker"
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

CHECKOUT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(CHECKOUT))

from loadtests.tools import files  # noqa: E402  the checkout is put on the path first
from tests.cases.row import Row  # noqa: E402
from tests.cases.rows import ROWS  # noqa: E402

RESULTS = CHECKOUT / "results/cases.json"


@dataclass(frozen=True, kw_only=True)
class Ran:
    """How one test ended: ``passed``, ``failed`` or ``skipped``, with the first line of why."""

    id: str
    ended: str
    why: str = ""


def main(words: Sequence[str]) -> int:
    """Run the rows of the command line, write the file, and return 0 where all are right."""
    options = _options(words)
    rows = [row for row in ROWS if options.part is None or row.part == options.part]
    if not rows:
        parts = ", ".join(dict.fromkeys(row.part for row in ROWS))
        sys.exit(f"There is no part {options.part!r}. Known: {parts}.")
    ran = run_tests(list(dict.fromkeys(test for row in rows for test in row.tests)), options.pytest)
    document = document_of([entry_of(row, ran) for row in rows], options.out)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    files.write(options.out, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    for row in document["rows"]:
        if not row["right"]:
            print(f"{row['part']}: {row['case']}: {row['seen']}")
    print(f"{document['right']} of {document['cases']} rows are right: {options.out}")
    return int(document["right"] != document["cases"])


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--part", help="the rows of one part only; others stay as they were")
    parser.add_argument("--out", type=Path, default=RESULTS, help="the file to write")
    parser.add_argument("pytest", nargs="*", help="further options of pytest, behind --")
    return parser.parse_args(words)


def run_tests(ids: Sequence[str], further: Sequence[str]) -> tuple[Ran, ...]:
    """Run tests by their node ids, one after another, and return how each ended."""
    with tempfile.TemporaryDirectory(prefix="twofold-cases-") as folder:
        report = Path(folder) / "junit.xml"
        argv = (
            *(sys.executable, "-m", "pytest", "-q", "-n", "0", "-o", "junit_family=xunit1"),
            f"--junitxml={report}",
            *further,
            *ids,
        )
        subprocess.run(argv, cwd=CHECKOUT, check=False)
        if not report.is_file():
            sys.exit("pytest wrote no report; is one of the tests of a row gone?")
        return parsed(report.read_text())


def parsed(report: str) -> tuple[Ran, ...]:
    """Return how each test of a JUnit report of pytest (family xunit1) ended."""
    ran = []
    for case in ET.fromstring(report).iter("testcase"):  # noqa: S314  pytest wrote it
        found = (case.find(kind) for kind in ("failure", "error", "skipped"))
        problem = next((each for each in found if each is not None), None)
        ended = "passed"
        if problem is not None:
            ended = "skipped" if problem.tag == "skipped" else "failed"
        why = (problem.get("message") or "").splitlines() if problem is not None else []
        name = f"{case.get('file')}::{case.get('name')}"
        ran.append(Ran(id=name, ended=ended, why=why[0] if why else ""))
    return tuple(ran)


def document_of(entries: Sequence[Mapping[str, Any]], earlier: Path) -> dict[str, Any]:
    """Return the file's content: these rows, and those of an earlier file that were not run."""
    kept = json.loads(earlier.read_text())["rows"] if earlier.exists() else []
    known = {(row["part"], row["case"]): row for row in (*kept, *entries)}
    own = [(row.part, row.case) for row in ROWS]
    rows = [known[key] for key in (*own, *(key for key in known if key not in own)) if key in known]
    return {"cases": len(rows), "right": sum(bool(row["right"]) for row in rows), "rows": rows}


def entry_of(row: Row, ran: Sequence[Ran]) -> dict[str, Any]:
    """Return what was seen of a row; it is right where all of its tests ran and passed."""
    own = {test: [one for one in ran if _is_of(one, test)] for test in row.tests}
    missing = [test for test, found in own.items() if not found]
    bad = [one for found in own.values() for one in found if one.ended != "passed"]
    seen = row.expected
    if missing:
        seen = f"not run: {missing[0]}"
    elif bad:
        seen = f"{bad[0].ended}: {bad[0].id}: {bad[0].why}"
    return {
        "part": row.part,
        "case": row.case,
        "expected": row.expected,
        "seen": seen,
        "right": not missing and not bad,
        "test": list(row.tests),
    }


def _is_of(one: Ran, test: str) -> bool:
    """Return whether a test is one of a node id, which may lack parameters, or be a file."""
    return one.id == test or one.id.startswith((f"{test}[", f"{test}::"))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
