"""What the campaign of leaks can see, and what its foreign projects would notice."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from loadtests.environments.compose import projects
from loadtests.environments.removal import remove
from loadtests.model.errors import ProcessFailure
from loadtests.tools import cgroup, docker, proc, procfs
from scripts.reliability import belongings, foreign
from scripts.reliability.belongings import Processes
from scripts.reliability.foreign import DEAD, LOOKS, Look
from scripts.reliability.record import Broken

# -- processes ---------------------------------------------------------------------------------

WAITS = "import sys; print(flush=True); sys.stdin.read()"


@contextmanager
def waiting(*words: str, cwd: Path = Path("/"), **env: str) -> Iterator[int]:
    """Give a process that has nothing of ours but what is asked for; it waits for its input."""
    with subprocess.Popen(
        (sys.executable, "-c", WAITS, *words),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=cwd,
        env=env,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_a_process_is_found_by_its_variable(tmp_path: Path) -> None:
    with waiting(CASE="abc") as pid:
        assert Processes("CASE=abc", tmp_path).there() == [pid]
        assert Processes("CASE=other", tmp_path).there() == []


def test_a_process_without_variables_is_found_by_its_command_line(tmp_path: Path) -> None:
    with waiting("-p", f"{tmp_path}/stack/nginx") as pid:
        assert Processes("CASE=abc", tmp_path).there() == [pid]


def test_a_process_that_overwrote_both_is_found_by_its_working_folder(tmp_path: Path) -> None:
    with waiting(cwd=tmp_path) as pid:
        assert Processes("CASE=abc", tmp_path).there() == [pid]


def test_another_case_whose_folder_begins_with_the_same_name_is_another(tmp_path: Path) -> None:
    (tmp_path / "case").mkdir()
    (tmp_path / "case-2").mkdir()
    with waiting(str(tmp_path / "case-2/x"), cwd=tmp_path / "case-2"):
        assert Processes("CASE=abc", tmp_path / "case").there() == []


FORKS = """
import os, signal, sys
if os.fork() == 0:
    os.setsid()
    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
    sys.stdin.read()
    os._exit(0)
print(flush=True)
signal.pause()
"""


def test_a_child_that_was_noted_is_found_when_its_parent_is_gone(tmp_path: Path) -> None:
    of_case = Processes("CASE=abc", tmp_path)
    reads, writes = os.pipe()
    parent = subprocess.Popen(
        (sys.executable, "-c", FORKS), stdin=reads, stdout=subprocess.PIPE, cwd="/", env={}
    )
    assert parent.stdout is not None
    try:
        parent.stdout.readline()
        of_case.note(parent.pid)
        parent.kill()
        parent.wait()
        (orphan,) = of_case.there()
        assert orphan != parent.pid
        facts = procfs.facts_of(orphan)
        assert facts is not None
        assert facts.parent != parent.pid
    finally:
        os.close(reads)
        os.close(writes)
        parent.stdout.close()
    deadline_s = time.monotonic() + 10
    while of_case.there():
        assert time.monotonic() < deadline_s
        time.sleep(0.05)


# -- the machine and the engine ----------------------------------------------------------------


def test_a_port_that_is_listened_on_is_seen() -> None:
    before = belongings.on_machine()
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert f"port 127.0.0.1:{port}" in belongings.on_machine() - before


def test_groups_of_a_stack_and_the_scopes_of_its_members_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cgroup, "ROOT", tmp_path)
    for name in ("twofold-a1b2", "user.slice/twofold-a1b2-gthread-1.scope", "other.scope"):
        (tmp_path / name).mkdir(parents=True)

    groups = {found for found in belongings.on_machine() if found.startswith("control group")}

    assert groups == {
        f"control group {tmp_path}/twofold-a1b2",
        f"control group {tmp_path}/user.slice/twofold-a1b2-gthread-1.scope",
    }


def test_objects_of_the_engine_are_listed_whatever_their_labels_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[tuple[str, ...]] = []

    def run(argv: tuple[str, ...], **_: Any) -> Any:
        asked.append(argv)
        return SimpleNamespace(stdout=f"{argv[1]}-1\n")

    monkeypatch.setattr(proc, "run", run)

    assert belongings.on_engine() == {
        *("container ps-1", "network network-1", "volume volume-1", "untagged image images-1")
    }
    assert not any("label" in word for argv in asked for word in argv)


def test_an_engine_that_does_not_say_what_it_has_does_not_count_as_empty(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ProcessFailure("it hangs")

    monkeypatch.setattr(proc, "run", fail)

    assert belongings.on_engine() == {belongings.SILENT}


# -- projects of others ------------------------------------------------------------------------

NUMBER = 3


class Api:
    """An engine's interface: what has these looks, and who was removed."""

    def __init__(self, looks: list[Look]) -> None:
        self._looks = looks
        self.removed: set[str] = set()

    def _listed(self, filters: dict[str, list[str]]) -> list[Look]:
        return [look for look in self._looks if set(filters["label"]) <= set(look.labels)]

    def containers(self, *, filters: dict[str, list[str]], **_: object) -> list[dict[str, Any]]:
        return [
            {"Id": look.name, "Names": [f"/{look.name}"], "Labels": look.labels}
            for look in self._listed(filters)
        ]

    def networks(self, *, filters: dict[str, list[str]]) -> list[dict[str, Any]]:
        return [
            {"Id": look.name, "Name": look.name, "Labels": look.labels}
            for look in self._listed(filters)
        ]

    def volumes(self, *, filters: dict[str, list[str]]) -> dict[str, Any]:
        listed = [{"Name": look.name, "Labels": look.labels} for look in self._listed(filters)]
        return {"Volumes": listed}

    def remove_container(self, name: str, **_: object) -> None:
        self.removed.add(f"container {name}")

    def remove_network(self, name: str) -> None:
        self.removed.add(f"network {name}")

    def remove_volume(self, name: str, **_: object) -> None:
        self.removed.add(f"volume {name}")


def removed_by_down() -> set[str]:
    """Let the product remove what dead runs have left; return what it removed of all looks."""
    dead = foreign.dead_project(NUMBER)
    api = Api([look.of(dead, NUMBER) for look in (*LOOKS, DEAD)])
    engine = docker.Engine.__new__(docker.Engine)
    engine._client = SimpleNamespace(api=api)  # type: ignore[assignment]
    dead_ones = [run for run in projects.remains(engine) if not run.living]
    assert remove(dead_ones, lambda _: None).failures == ()
    return api.removed


def test_nothing_foreign_goes_and_all_of_the_dead_run_does() -> None:
    ours = DEAD.of(foreign.dead_project(NUMBER), NUMBER).name

    assert removed_by_down() == {f"{kind} {ours}" for kind in foreign.KINDS}


def without_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "_is_named_after_project", lambda *_: True)


def with_any_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    def begins(labels: dict[str, str], *names: str) -> bool:
        return any(name.lstrip("/").startswith(labels[docker.PROJECT_LABEL]) for name in names)

    monkeypatch.setattr(docker, "_is_named_after_project", begins)


def without_our_label(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docker, "RUN_LABEL", docker.PROJECT_LABEL)


def with_any_project(monkeypatch: pytest.MonkeyPatch) -> None:
    anyone = re.compile(r"(?P<machine>)(?P<pid>).+")
    monkeypatch.setattr(projects, "NAME", anyone)
    monkeypatch.setattr(projects, "may_live", lambda *_: False)


@pytest.mark.parametrize(
    "delete", [without_names, with_any_beginning, without_our_label, with_any_project]
)
def test_without_one_of_the_protections_something_foreign_goes(
    monkeypatch: pytest.MonkeyPatch, delete: Callable[[pytest.MonkeyPatch], None]
) -> None:
    ours = DEAD.of(foreign.dead_project(NUMBER), NUMBER).name

    delete(monkeypatch)

    foreigners = {name for name in removed_by_down() if not name.endswith(f" {ours}")}
    assert {name.partition(" ")[0] for name in foreigners} == set(foreign.KINDS)


def test_what_is_gone_of_others_and_what_is_left_of_the_dead_run_are_said() -> None:
    nothing: dict[str, set[str]] = {kind: set() for kind in foreign.KINDS}
    all_foreign = {kind: {"theirs"} for kind in foreign.KINDS}

    foreign.hold_to("theirs", "ours", all_foreign)
    with pytest.raises(Broken, match="gone: volume"):
        foreign.hold_to("theirs", "ours", {**all_foreign, "volume": set()})
    with pytest.raises(Broken, match="left of the dead run ours: network"):
        foreign.hold_to("theirs", "ours", {**all_foreign, "network": {"theirs", "ours"}})
    with pytest.raises(Broken, match="gone: container, network, volume"):
        foreign.hold_to("theirs", "ours", nothing)
