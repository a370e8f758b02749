from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from scripts.generator_bench import harness
from scripts.generator_bench.harness import Run, generators_of

PRETEND = """
import json, sys, time
print("[ 1 s] How fast the load generator can be", file=sys.stderr, flush=True)
time.sleep(0.3)
print("[ 2 s] Taking the stack down", file=sys.stderr, flush=True)
print(json.dumps({"invalid": [{"code": "generator_saturated", "detail": "late"}]}))
sys.exit(3)
"""


@pytest.fixture
def pretended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A ``twofold`` that says what a run says."""
    package = tmp_path / "loadtests"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(PRETEND)
    monkeypatch.setattr(harness, "PROJECT", tmp_path)


def test_a_run_gives_its_end_its_document_and_how_long_it_loaded(pretended: None) -> None:
    pids: list[int] = []

    ended = harness.run(pids.append)

    assert (ended.code, ended.saturated) == (3, ["late"])
    assert 0.2 < ended.loading_s < 3.0
    assert len(pids) == 1


def test_only_what_the_rule_of_the_generator_found_counts() -> None:
    other = {"code": "errors", "detail": "12 of 90 requests failed"}

    assert Run(document={"invalid": [other]}).saturated == []


@pytest.mark.parametrize("words", [(), ("--worker", "0")])
def test_the_generators_processes_are_found_below_a_run(words: tuple[str, ...]) -> None:
    program = "print('here', flush=True); input()"
    argv = (sys.executable, "-c", program, "loadtests.generator", *words)
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        child.stdout.readline()
        assert generators_of(os.getpid()) == [child.pid]
        child.kill()
