from __future__ import annotations

from typing import Any

from loadtests.model import errors
from tests.loadtests.cli.command_line import SMALL


def test_worker_models_are_compared(twofold: Any) -> None:
    twofold("run", *SMALL[2:], "--workers", "gthread,sync")

    ended = twofold("compare")

    assert ended.code == errors.EXIT_YES
    assert "sync" in ended.stdout
    assert twofold("compare", "--json").document["schema_version"] == 1


def test_one_worker_model_cannot_be_compared(twofold: Any) -> None:
    twofold("run", *SMALL)

    ended = twofold("compare")

    assert ended.code == errors.EXIT_USAGE
    assert "nothing to compare" in ended.stderr
