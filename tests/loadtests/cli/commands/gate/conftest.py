"""The command line of a gate outside of any CI system, in a results folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loadtests.cli.commands.gate.calls import Gate


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GITHUB_ACTIONS", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def gate(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Gate:
    return Gate(capsys, tmp_path)
