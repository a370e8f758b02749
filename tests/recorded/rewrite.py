"""Takes reworded sentences over into the recorded cases; refuses when anything else differs.

``python -m tests.recorded.rewrite`` prints every sentence that changes, then writes the archive.
``--figures '\\.doublings\\[\\d+\\]\\.(low|high)'`` also takes figures over that changed on purpose, at the
places that the expression matches; it prints each of them.
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
        if case in RUNS:
            expected = folder / case / EXPECTED_RUN
            now = judge_run(folder / case)
        else:
            expected = folder / case / EXPECTED_GATE
            now = judge_gate((folder / case / "verdict.json").read_text(), case)
        for where, is_now, was in differences(now, expected.read_text()):
            if only_reworded(is_now, was):
                reworded[NUMBER.sub("#", str(was))] = NUMBER.sub("#", str(is_now))
            elif figures is not None and figures.search(where):
                print(f"{case}{where}: {was!r} became {is_now!r}")
            else:
                refused.append(f"{case}{where}: {was!r} became {is_now!r}")
        if any(True for _ in differences(now, expected.read_text())):
            expected.write_text(now)
        if case in RUNS:  # what was written beside run.json is no part of the case
            for path in (folder / case).iterdir():
                if path.name in MADE:
                    path.unlink()
    for was, is_now in sorted(reworded.items()):
        print(f"- {was}\n+ {is_now}")
    return refused


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
