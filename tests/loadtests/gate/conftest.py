"""A world in which whole gates run, and gates in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loadtests.fakes.gate import GateWorld, put_in_memory, slower_head
from tests.loadtests.gate.whole_gates import Gates


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> GateWorld:
    made = GateWorld(rps=slower_head(0.0))
    put_in_memory(monkeypatch, made)
    return made


@pytest.fixture
def gates(tmp_path: Path, world: GateWorld) -> Gates:
    return Gates(tmp_path)
