from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.counters import FINISHED, STARTED, Counters
from app.shared_counts import join
from tests.app.conftest import ROOT

JOIN_AND_COUNT = """
import sys
from pathlib import Path
from app.counters import FINISHED, Counters
from app.shared_counts import join
counters = Counters()
print(join(counters, Path(sys.argv[1])), flush=True)
counters.add(FINISHED)
sys.stdin.read()
"""


def test_processes_that_are_alive_together_count_into_one_sum(tmp_path: Path) -> None:
    """The first one keeps its memory, which must not keep the others waiting."""
    counters = Counters()
    path = tmp_path / "counts"
    assert join(counters, path) == 0
    others = [
        subprocess.Popen(
            (sys.executable, "-c", JOIN_AND_COUNT, str(path)),
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    numbers = {int(other.stdout.readline()) for other in others if other.stdout}
    counters.add(FINISHED)
    for other in others:
        other.communicate()

    assert numbers == {1, 2}
    assert (counters.total(FINISHED), counters.total(STARTED)) == (3, 0)


def test_counters_that_joined_again_go_on(tmp_path: Path) -> None:
    first, second = Counters(), Counters()
    join(first, tmp_path / "counts")
    first.add(STARTED)

    assert join(second, tmp_path / "counts") == 1
    second.add(STARTED)
    assert first.total(STARTED) == second.total(STARTED) == 2
