"""The command line of a gate in a results folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loadtests.cli.commands.gate.calls import Gate


@pytest.fixture
def gate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Gate:
    return Gate(capsys, tmp_path)
