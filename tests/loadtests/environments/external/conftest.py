"""A cluster for those who ask for it; no test notes anything in the user's own folder."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.cli.boundary import run_command_line
from loadtests.environments.external import deployment, hooks, record
from tests.loadtests.cli.command_line import Ended
from tests.loadtests.environments.external.cluster import State, configure, running


@pytest.fixture(autouse=True)
def _own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(record.STATE, str(tmp_path / "state"))


@pytest.fixture(autouse=True)
def _soon_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "AGAIN_S", 0.01)


@pytest.fixture
def state() -> State:
    return State()


@pytest.fixture
def cluster(state: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let kubectl find a stand-in for a cluster."""
    monkeypatch.setattr(deployment, "STABLE_S", 0.2)
    monkeypatch.setenv("HOME", str(tmp_path))  # kubectl keeps what it discovers there
    with running(state) as url:
        monkeypatch.setenv("KUBECONFIG", str(configure(tmp_path, url)))
        yield


@pytest.fixture
def twofold_in(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    def call(folder: Path, *argv: str) -> Ended:
        monkeypatch.chdir(folder)
        code = run_command_line(list(argv))
        return Ended(code, *capsys.readouterr())

    return call
