"""The client against answers that no server should send; see ``scripts.generator_bench.fuzz``."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.loadtests.generator.child import PROJECT

CASES = 2_080


@pytest.mark.slow  # and not parallel: its answers have time limits
def test_every_broken_answer_is_counted_once_as_what_it_is() -> None:
    command = (sys.executable, "-m", "scripts.generator_bench.fuzz", str(CASES), "7")

    done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=PROJECT, timeout=60)

    summary = json.loads(done.stdout)
    assert summary["wrong"] == []
    assert summary["recorded"] == summary["in_locust_statistics"] == CASES
    assert len({name.partition(":")[0] for name in summary["counted"]}) == 13
