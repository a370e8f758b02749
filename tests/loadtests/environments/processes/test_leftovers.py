import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.processes import leftovers
from loadtests.tools import proc, procfs


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def make_stack(name: str = "twofold-1", **owner: Any) -> Path:
    """A stack's folder, with what its owner's note says overridden."""
    folder = leftovers.place(name)
    leftovers.claim(folder, owner.pop("groups", ()))
    note = folder / leftovers.OWNER
    note.write_text(json.dumps(json.loads(note.read_text()) | owner))
    return folder


def note_member(folder: Path, pid: int, started: str | None = None) -> None:
    facts = procfs.facts_of(pid)
    text = started if started is not None else facts.started if facts else ""
    (folder / leftovers.STARTED / f"member-{pid}").write_text(f"{pid} {text}")


FORKS = "import os, time\nos.fork()\nprint('in', flush=True)\ntime.sleep(60)"
FORKS_APART = FORKS.replace("os.fork()", "os.fork() or os.setsid()")  # as PostgreSQL does


def test_a_stack_of_this_process_is_not_abandoned() -> None:
    make_stack()

    assert leftovers.abandoned() == ()


@pytest.mark.parametrize("owner", [{"pid": 2**22 + 1}, {"started": "before"}, {"boot": "last"}])
def test_a_stack_is_abandoned_when_its_owner_is_not_the_same_process(owner: dict[str, Any]) -> None:
    folder = make_stack(**owner)

    assert leftovers.abandoned() == (folder,)


def test_folders_of_others_are_let_alone(temporary: Path) -> None:
    (temporary / "twofold-postgresql").mkdir()
    (temporary / "other").mkdir()

    assert leftovers.abandoned() == ()
    assert leftovers.remove_all(lambda line: None) == 0


@pytest.mark.parametrize("script", [FORKS, FORKS_APART], ids=["one group", "groups of their own"])
def test_clearing_ends_a_member_with_all_that_it_started(tmp_path: Path, script: str) -> None:
    folder = make_stack()
    with proc.Child((sys.executable, "-c", script), log=tmp_path / "log") as member:
        member.receive(10)
        member.receive(10)
        family = [process.pid for process in procfs.family(member.pid)]
        note_member(folder, member.pid)

        leftovers.clear(folder)

        assert len(family) == 2
        assert not set(family) & {process.pid for process in procfs.everyone()}
    assert not folder.exists()


def test_children_are_ended_also_when_their_leader_has_gone(tmp_path: Path) -> None:
    folder = make_stack()
    with proc.Child((sys.executable, "-c", FORKS), log=tmp_path / "log") as member:
        member.receive(10)
        member.receive(10)
        _, child = procfs.family(member.pid)
        note_member(folder, member.pid)
        os.kill(member.pid, signal.SIGKILL)
        proc.wait_until(lambda: member.code is not None, limit_s=5, failure="it lives on")

        leftovers.clear(folder)

        assert procfs.facts_of(child.pid) is None


@pytest.mark.parametrize(("started", "boot"), [("long ago", None), (None, "the last one")])
def test_a_later_process_with_the_same_id_is_let_alone(
    tmp_path: Path, started: str | None, boot: str | None
) -> None:
    folder = make_stack(**({"boot": boot} if boot else {}))
    with proc.Child(("sleep", "60"), log=tmp_path / "log") as stranger:
        note_member(folder, stranger.pid, started)

        leftovers.clear(folder)

        assert stranger.code is None
        stranger.signal(signal.SIGKILL)
    assert not folder.exists()


def test_control_groups_are_removed_the_lowest_first(temporary: Path) -> None:
    group = temporary / "groups/twofold-1"
    (group / "sync-1").mkdir(parents=True)
    (group / "sync-2").mkdir()

    leftovers.clear(make_stack(groups=[group]))

    assert not group.exists()
    assert group.parent.is_dir()


def test_groups_that_were_never_made_are_no_obstacle(temporary: Path) -> None:
    folder = make_stack(groups=[temporary / "never"])

    leftovers.clear(folder)

    assert not folder.exists()


def test_clearing_twice_does_no_harm() -> None:
    folder = make_stack()

    leftovers.clear(folder)
    leftovers.clear(folder)

    assert not folder.exists()


def test_all_stacks_of_the_user_are_removed_the_living_too() -> None:
    folders = [make_stack("twofold-1"), make_stack("twofold-2", started="before")]
    lines: list[str] = []

    assert leftovers.remove_all(lines.append) == 2
    assert not any(folder.exists() for folder in folders)
    assert lines == [f"Removing {folder}" for folder in folders]
