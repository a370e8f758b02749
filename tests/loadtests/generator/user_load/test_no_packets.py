"""A file that names production never loads production: its packets are counted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys

import pytest

from tests.checkout import CHECKOUT
from tests.loadtests.generator.user_load.count_packets import NO_NAMESPACE

pytestmark = [
    pytest.mark.parallel,
    pytest.mark.slow,  # a check trial and a trial of each of some forty files
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("ip"),
        reason="a network namespace needs root, unshare and ip",
    ),
]


def test_no_packet_leaves_for_any_address_but_the_targets() -> None:
    counted = subprocess.run(
        (
            *("unshare", "--net", "--mount"),
            *(sys.executable, "-m", "tests.loadtests.generator.user_load.count_packets"),
        ),
        cwd=CHECKOUT,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    if counted.returncode == NO_NAMESPACE or "unshare failed" in counted.stderr:
        pytest.skip(f"no network namespace here: {counted.stderr.strip()}")
    assert counted.returncode == 0, counted.stderr
    seen = json.loads(counted.stdout)

    assert seen["others"] == 0, seen
    assert seen["control"] == 1
    assert seen["loads"] > 30
    assert seen["at_target"] > 0
