"""Our own programs import nothing from the folder that the harness was started in."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from loadtests.environments.child_python import module_argv, python_path
from loadtests.environments.guards import watching
from loadtests.environments.processes import watchdog
from loadtests.tools import proc
from tests.loadtests.clashing_folder import clashing


@pytest.fixture(autouse=True)
def started_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Start all programs of a test in a project's folder with such names."""
    monkeypatch.chdir(clashing(tmp_path / "project"))


@pytest.mark.parametrize("backend", ["compose", "external", "swarm"])
def test_a_watchdog_watches(tmp_path: Path, backend: str) -> None:
    module = f"loadtests.environments.{backend}.watchdog"

    with watching.guard(module, ("none", "none"), log=tmp_path / "log") as guard:
        guard.note_gone()

    assert (tmp_path / "log").read_text() == ""


def test_the_watchdog_of_processes_watches(tmp_path: Path) -> None:
    with watchdog.guard(log=tmp_path / "log") as folder:
        assert folder.is_dir()

    assert not folder.exists()
    assert (tmp_path / "log").read_text() == ""


def test_a_module_of_the_generator_answers() -> None:
    job = {"replicas": {}, "path": "/", "connections": 1, "watch_s": 0}

    done = proc.run(
        module_argv("loadtests.generator.keep_alive"),
        env=python_path(),
        input_text=json.dumps(job),
    )

    assert json.loads(done.stdout) == {}
