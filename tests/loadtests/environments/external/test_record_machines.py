"""Notes of runs of other machines, and of this one before it was started again."""

import json
from pathlib import Path

import pytest

from loadtests.environments.external import deployment, record
from loadtests.environments.external.deployment import put_back
from loadtests.model.errors import EnvironmentFailure
from tests.loadtests.environments.external.file_deployment import FileDeployment
from tests.loadtests.environments.external.test_record import a_dead_run


@pytest.fixture(autouse=True)
def _soon_stable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deployment, "STABLE_S", 0.2)


def a_run_elsewhere(web: FileDeployment, log: Path) -> Path:
    """Leave the note of a run of a machine that shares the folder of notes."""
    path = a_dead_run(web, log, before=3, ours=(4, 1))
    path.write_text(json.dumps(json.loads(path.read_text()) | {"machine": "another"}))
    return path


def test_a_run_of_another_machine_may_live(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=1)
    a_run_elsewhere(web, tmp_path / "log")

    (left,) = record.remains()

    assert left.living
    left.remove()  # as `down --all` does
    assert web.count == 3


def test_no_run_takes_a_deployment_that_one_of_another_machine_may_scale(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=1)
    path = a_run_elsewhere(web, tmp_path / "log")
    before = path.read_text()

    with (
        pytest.raises(EnvironmentFailure, match=r"another machine .* twofold down --all"),
        put_back(web.hooks, print, log=tmp_path / "logs/watchdog.log"),
    ):
        pass

    assert (web.count, path.read_text()) == (1, before)


def a_run_before_a_boot(web: FileDeployment, log: Path, *, host: str) -> Path:
    """Leave the note of a run of a machine whose only id is that of its boot."""
    path = a_dead_run(web, log, before=3, ours=(4, 1))
    note = json.loads(path.read_text()) | {"machine": "another boot", "host": host}
    path.write_text(json.dumps(note))
    return path


def test_a_run_of_this_machine_before_it_was_started_again_is_dead(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=1)
    path = a_dead_run(web, tmp_path / "log", before=3, ours=(4, 1))
    host = json.loads(path.read_text())["host"]
    a_run_before_a_boot(web, tmp_path / "log", host=host)

    (left,) = record.remains()
    with put_back(web.hooks, lambda _: None, log=tmp_path / "logs/watchdog.log") as running:
        running.scale_to(2)

    assert not left.living
    assert web.count == 3


def test_a_boot_of_a_machine_of_another_name_is_elsewhere(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=1)
    a_run_before_a_boot(web, tmp_path / "log", host="another")

    with (
        pytest.raises(EnvironmentFailure, match=r"or this machine was started again, .* --all"),
        put_back(web.hooks, print, log=tmp_path / "logs/watchdog.log"),
    ):
        pass


def test_a_note_without_a_machine_is_judged_by_its_owner(tmp_path: Path) -> None:
    web = FileDeployment(tmp_path, replicas=1)
    path = a_dead_run(web, tmp_path / "log", before=3, ours=(4, 1))
    note = json.loads(path.read_text())
    del note["machine"]
    path.write_text(json.dumps(note))

    (left,) = record.remains()

    assert not left.living
