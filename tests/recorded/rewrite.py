"""Takes reworded sentences over into the recorded cases; refuses when anything else differs.

``python -m tests.recorded.rewrite`` prints every sentence that changes, then writes the archive.
``--figures 'doublings.*(low|high)'`` also takes figures over that changed on purpose, at the places
that the expression matches; it prints each of them.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.recorded.archive import (
    ARCHIVE,
    EXPECTED_GATE,
    EXPECTED_RUN,
    GATES,
    RUNS,
    differences,
    judge_gate,
    judge_run,
    unpack,
)

NUMBER = re.compile(r"-?\d+(?:[.,]\d+)*")


def only_reworded(now: object, then: object) -> bool:
    """Tell whether two values are sentences that state the same figures."""
    if not (isinstance(now, str) and isinstance(then, str) and " " in now and " " in then):
        return False
    return sorted(NUMBER.findall(now)) == sorted(NUMBER.findall(then))


def rewrite(folder: Path, figures: re.Pattern[str] | None = None) -> list[str]:
    """Take the new sentences over below a folder of cases; give what differs otherwise.

    What differs where ``figures`` matches is printed and taken over, too.
    """
    refused: list[str] = []
    reworded: dict[str, str] = {}
    for case in (*RUNS, *GATES):
        expected, now = _case(folder, case)
        changes = list(differences(now, expected.read_text()))
        for where, is_now, was in changes:
            if only_reworded(is_now, was):
                reworded[NUMBER.sub("#", str(was))] = NUMBER.sub("#", str(is_now))
                continue
            told = f"{case}{where}: {was!r} became {is_now!r}"
            if figures is not None and figures.search(where):
                print(told)
            else:
                refused.append(told)
        if changes:
            expected.write_text(now)
    for was, is_now in sorted(reworded.items()):
        print(f"- {was}\n+ {is_now}")
    return refused


def _case(folder: Path, case: str) -> tuple[Path, str]:
    """Return the file of what was said of a case, and what is said now."""
    if case in GATES:
        text = (folder / case / "verdict.json").read_text()
        return folder / case / EXPECTED_GATE, judge_gate(text, case)
    now = judge_run(folder / case)
    for path in (folder / case).iterdir():  # what was written beside run.json is no part of it
        if path.name in MADE:
            path.unlink()
    return folder / case / EXPECTED_RUN, now


MADE = frozenset(
    {
        *("run.json", "report.html", "report.md", "junit.xml", "metrics.om", "cells.csv"),
        *("doublings.csv", "latency.csv", "requests.csv", "slo.csv", "trials.csv"),
    }
)
"""The files that ``twofold report`` writes."""


def main() -> int:
    """Rewrite the archive, unless figures differ."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--figures", type=re.compile, metavar="EXPRESSION")
    figures = parser.parse_args().figures
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        unpack(folder)
        refused = rewrite(folder, figures)
        if refused:
            print("\n".join(refused), file=sys.stderr)
            return 1
        words = ("tar", "--sort=name", "--mtime=@0", "--owner=0", "--group=0", "-cJf")
        subprocess.run([*words, str(ARCHIVE), "-C", str(folder), "runs", "gates"], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
