import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.processes import leftovers
from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import proc, procfs
from tests.ordinary_user import folder_for_all, ordinary_user


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def make_stack(**owner: Any) -> Path:
    """A stack's folder, with what its owner's note says overridden."""
    folder = leftovers.make()
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
    (temporary / "other/started").mkdir(parents=True)

    assert leftovers.abandoned() == ()
    assert leftovers.remains() == ()


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


DETACHED = """
import os, time
if os.fork():
    os._exit(0)
os.setsid()
if os.fork():
    os._exit(0)
print(os.getpid(), flush=True)
os.close(1)
time.sleep(60)
"""
"""A daemon, as gunicorn --daemon becomes one."""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_daemon_of_a_member_is_ended_though_nothing_but_its_variables_names_the_stack(
    tmp_path: Path,
) -> None:
    folder, other = make_stack(), make_stack()
    pids = {}
    for stack in (folder, other):
        env = {"TMPDIR": str(leftovers.temporary_of(stack))}
        argv = (sys.executable, "-c", DETACHED)
        with proc.Child(argv, log=tmp_path / "log", env=env) as member:
            note_member(stack, member.pid)
            pids[stack] = int(member.receive(10))

    leftovers.clear(folder)

    assert procfs.facts_of(pids[folder]) is None
    assert procfs.facts_of(pids[other]) is not None
    leftovers.clear(other)
    assert procfs.facts_of(pids[other]) is None


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


def test_what_remains_says_which_run_may_still_go_on() -> None:
    living, dead = make_stack(), make_stack(started="before")

    remains = {run.name: run for run in leftovers.remains()}

    assert {name: run.living for name, run in remains.items()} == {
        str(living): True,
        str(dead): False,
    }
    remains[str(dead)].remove()
    assert living.exists()
    assert not dead.exists()


def test_a_stack_of_another_pid_namespace_may_live_though_its_process_is_not_seen() -> None:
    make_stack(pid=2**22 + 1, namespace="pid:[1]")

    assert leftovers.abandoned() == ()


def test_a_stack_of_another_pid_namespace_is_left_as_it_is(tmp_path: Path) -> None:
    folder = make_stack(namespace="pid:[1]")
    with proc.Child((sys.executable, "-c", FORKS), log=tmp_path / "log") as other:
        note_member(folder, other.pid)
        with pytest.raises(EnvironmentFailure, match=r"of another container.*twofold down` there"):
            leftovers.clear(folder)
        assert other.code is None
    assert (folder / leftovers.OWNER).exists()


def test_a_note_that_cannot_be_read_does_not_make_a_stack_a_dead_ones() -> None:
    folder = make_stack()
    (folder / leftovers.OWNER).write_text("{")
    make_old(folder)

    assert leftovers.abandoned() == ()


def test_a_folder_that_never_got_a_note_is_a_dead_runs_once_it_is_old() -> None:
    folder = leftovers.make()
    assert leftovers.abandoned() == ()

    make_old(folder)

    assert leftovers.abandoned() == (folder,)
    leftovers.clear(folder)
    assert not folder.exists()


def make_old(folder: Path) -> None:
    then_s = folder.stat().st_mtime - 2 * leftovers.HALF_MADE_S
    os.utime(folder, (then_s, then_s))


def test_a_note_is_never_there_in_part(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = leftovers.make()
    monkeypatch.setattr(Path, "replace", lambda *_: pytest.fail("killed here"))

    with pytest.raises(pytest.fail.Exception):
        leftovers.claim(folder)

    assert not (folder / leftovers.OWNER).exists()


def test_a_new_folder_is_this_users_alone() -> None:
    folder = leftovers.make()

    assert folder.stat().st_mode & 0o777 == 0o711
    assert (folder / leftovers.STARTED).stat().st_mode & 0o777 == 0o700
    assert leftovers.make() != folder


class TestAnotherUser:
    """What another user of this machine puts into the temporary folder ends no process."""

    @pytest.fixture
    def victim(self, tmp_path: Path) -> Iterator[proc.Child]:
        with proc.Child(("sleep", "60"), log=tmp_path / "log") as child:
            yield child
            assert child.code is None
            child.signal(signal.SIGKILL)

    def test_a_link_to_a_stack_is_no_stack(self, victim: proc.Child, temporary: Path) -> None:
        stack = make_stack(started="before")
        note_member(stack, victim.pid)
        elsewhere = temporary / "elsewhere"
        stack.rename(elsewhere)
        stack.symlink_to(elsewhere)

        assert leftovers.remains() == ()
        leftovers.clear(stack)
        assert elsewhere.exists()

    def test_a_note_that_is_a_link_is_not_read(self, victim: proc.Child, temporary: Path) -> None:
        stack = make_stack(started="before")
        note_member(stack, victim.pid)
        (note,) = (stack / leftovers.STARTED).iterdir()
        note.rename(temporary / "note")
        note.symlink_to(temporary / "note")

        leftovers.clear(stack)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
    @pytest.mark.parametrize("part", [".", leftovers.STARTED])
    def test_a_folder_of_another_user_is_not_cleared(self, victim: proc.Child, part: str) -> None:
        stack = make_stack(started="before")
        note_member(stack, victim.pid)
        os.chown(stack / part, 12345, 12345)

        assert leftovers.remains() == ()
        leftovers.clear(stack)
        assert stack.exists()

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
    def test_a_note_of_another_user_is_not_believed(self, victim: proc.Child) -> None:
        stack = make_stack(started="before")
        note_member(stack, victim.pid)
        (note,) = (stack / leftovers.STARTED).iterdir()
        os.chown(note, 12345, 12345)

        leftovers.clear(stack)

    @pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
    def test_a_private_folder_of_another_user_hides_no_stack_of_this_one(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with folder_for_all() as temporary:
            monkeypatch.setattr("tempfile.tempdir", str(temporary))
            (temporary / "twofold-private").mkdir(mode=0o700)
            with ordinary_user():
                stack = make_stack(started="before")

                assert leftovers.abandoned() == (stack,)
                assert [run.name for run in leftovers.remains()] == [str(stack)]

    def test_what_lies_in_a_folder_of_another_user_is_not_even_looked_for(
        self, temporary: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        private = temporary / "twofold-private"
        private.mkdir(mode=0o700)
        stat = Path.stat

        def refused_inside(self: Path, *, follow_symlinks: bool = True) -> os.stat_result:
            if self.parent == private:
                raise PermissionError(13, "Permission denied")
            return stat(self, follow_symlinks=follow_symlinks)

        monkeypatch.setattr(os, "geteuid", lambda: 12345)
        monkeypatch.setattr(Path, "stat", refused_inside)

        assert leftovers.remains() == ()

    def test_a_folder_that_others_can_write_to_is_not_believed(self, victim: proc.Child) -> None:
        stack = make_stack(started="before")
        note_member(stack, victim.pid)
        stack.chmod(0o777)

        assert leftovers.remains() == ()
        leftovers.clear(stack)
        assert stack.exists()


@pytest.mark.parametrize("text", ["1 1", "0 1", "-1 1", "text", "", "12345678901 x"])
def test_a_note_that_names_no_process_of_ours_is_passed_over(text: str) -> None:
    folder = make_stack(started="before")
    (folder / leftovers.STARTED / "member").write_text(text)

    leftovers.clear(folder)

    assert not folder.exists()


def test_a_control_group_that_is_not_named_as_ours_are_is_left_alone(temporary: Path) -> None:
    foreign = temporary / "system.slice"
    foreign.mkdir()

    leftovers.clear(make_stack(groups=[foreign]))

    assert foreign.exists()
