"""What fails side by side and passes alone is no failure; nothing else is forgiven."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from scripts.side_by_side import MOST_BY_CHANCE, Watch, may_be_chance
from tests.checkout import CHECKOUT

BY_CHANCE = """
import os
def test_chance(): assert "PYTEST_XDIST_WORKER" not in os.environ
def test_good(): pass
"""
"""One test that fails wherever others may run beside it."""

PLANTED = {
    "chance": (BY_CHANCE, (), 0),
    "a defect": (BY_CHANCE + "def test_defect(): assert 0\n", (), 1),
    "a teardown": (
        "import os, pytest\n@pytest.fixture\ndef thing():\n    yield\n"
        "    assert 'PYTEST_XDIST_WORKER' not in os.environ\n"
        "def test_torn(thing): pass\n",
        (),
        0,
    ),
    "a crash": (
        "import os\ndef test_crash():\n    if 'PYTEST_XDIST_WORKER' in os.environ: os._exit(7)\n",
        (),
        1,
    ),
    "a file that cannot be collected": (
        BY_CHANCE + "assert 'PYTEST_XDIST_WORKER' not in os.environ\n",
        (),
        1,
    ),
    "the first of several": (BY_CHANCE, ("--exitfirst",), 2),
    "no test": (BY_CHANCE, ("-k", "nothing"), 5),
    "a wrong option": (BY_CHANCE, ("--no-such-option",), 4),
}


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("name", PLANTED)
def test_only_what_fails_by_chance_is_forgiven(name: str, tmp_path: Path) -> None:
    text, words, code = PLANTED[name]
    (tmp_path / "test_planted.py").write_text(text)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")

    done = subprocess.run(
        (
            *(sys.executable, "-m", "scripts.side_by_side", "--numprocesses=1"),
            *(f"--rootdir={tmp_path}", f"--config-file={tmp_path}/pytest.ini", str(tmp_path)),
            *words,
        ),
        cwd=CHECKOUT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == code, done.stdout + done.stderr
    assert ("passed alone" in done.stdout) == (code == 0), done.stdout
    if code == 0:
        assert "1 failed" in done.stdout or "1 error" in done.stdout  # the first time, in full


@pytest.mark.parametrize(
    ("code", "failed", "broken", "chance"),
    [
        (1, 1, (), True),
        (1, MOST_BY_CHANCE, (), True),
        (1, MOST_BY_CHANCE + 1, (), False),
        (1, 1, ("a crash",), False),
        (1, 0, (), False),
        (2, 1, (), False),
        (3, 1, (), False),
        (0, 0, (), False),
    ],
)
def test_a_second_time_is_for_a_few_failures_and_nothing_else(
    code: int, failed: int, broken: tuple[str, ...], chance: bool
) -> None:
    watch = Watch(failed={str(number) for number in range(failed)}, broken=list(broken))

    assert may_be_chance(code, watch) is chance
