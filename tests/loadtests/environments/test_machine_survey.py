"""Broken environments, made for real where that is possible without harm, and what is found."""

import json
import os
import shutil
import socket
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from loadtests.environments import machine_survey, registry
from loadtests.environments.compose import machine as compose_machine
from loadtests.environments.processes import leftovers
from loadtests.environments.processes import machine as processes_machine
from loadtests.model.machine_facts import EngineState
from loadtests.planning import machine_check
from loadtests.planning.checks import Check, State
from loadtests.tools import nginx, postgres, proc

linux = pytest.mark.skipif(sys.platform != "linux", reason="is made by Linux's own means")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder that is all of PATH, on a machine whose Docker socket is not there."""
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(nginx, "SYSTEM_FOLDERS", ())
    monkeypatch.setattr(postgres, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/docker.sock")
    monkeypatch.setattr(processes_machine, "PROXY_PORTS", range(0))
    return folder


def add_program(folder: Path, name: str, text: str, *, code: int = 0) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{text}\nexit {code}\n")
    program.chmod(0o755)


def look(results: Path) -> dict[str, Check]:
    report = machine_check.examine(machine_survey.survey(results), registry.examine())
    return {check.name: check for check in report.checks}


@pytest.fixture
def a_socket(tmp_path: Path) -> Iterator[socket.socket]:
    with closing(socket.socket(socket.AF_UNIX)) as listening:
        listening.bind(f"{tmp_path}/docker.sock")
        yield listening


def test_no_docker(programs: Path, tmp_path: Path) -> None:
    checks = look(tmp_path)

    assert checks["engine"].state is State.LACK
    assert "no Docker here" in checks["engine"].found


def test_a_daemon_that_is_down(programs: Path, tmp_path: Path) -> None:
    add_program(programs, "docker", "echo 'Cannot connect to the Docker daemon' >&2", code=1)

    checks = look(tmp_path)

    assert checks["engine"].state is State.LACK
    assert "its engine does not answer" in checks["engine"].found
    assert "Start it" in (checks["engine"].way_out or "")


def test_a_daemon_that_died_and_left_its_socket(
    programs: Path, tmp_path: Path, a_socket: socket.socket
) -> None:
    assert "refused" in look(tmp_path)["engine"].found


@pytest.mark.filterwarnings("ignore:.*fork:DeprecationWarning")  # the child calls no lock
def test_a_socket_that_this_user_may_not_use(
    programs: Path, tmp_path: Path, a_socket: socket.socket
) -> None:
    Path(a_socket.getsockname()).chmod(0)
    state = as_nobody(tmp_path) if os.geteuid() == 0 else compose_machine.look().state

    assert state is EngineState.DENIED


def as_nobody(folder: Path) -> EngineState:
    """Give how an ordinary user meets the engine, asked by one who is root."""
    reader, writer = os.pipe()
    if (child := os.fork()) == 0:
        for above in (folder, *folder.parents[:2]):
            above.chmod(0o755)
        os.setuid(65534)
        os.write(writer, compose_machine.look().state.encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    try:
        return EngineState(os.read(reader, 100).decode())
    finally:
        os.close(reader)


def test_an_old_compose(programs: Path, tmp_path: Path) -> None:
    add_program(programs, "docker-compose", "echo 1.25.0")

    checks = look(tmp_path)

    assert checks["compose"].state is State.LACK
    assert "Compose 1.25.0" in checks["compose"].found


def test_no_nginx(programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)

    checks = look(tmp_path)

    assert checks["nginx"].state is State.LACK
    assert "apt install nginx-light" in (checks["nginx"].way_out or "")


def test_a_program_named_nginx_that_is_none(programs: Path, tmp_path: Path) -> None:
    add_program(programs, "nginx", "echo busybox >&2")

    assert look(tmp_path)["nginx"].state is State.LACK


def test_a_port_that_is_taken(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(socket.create_server(("0.0.0.0", 0))) as taken:
        port = taken.getsockname()[1]
        monkeypatch.setattr(processes_machine, "PROXY_PORTS", range(port, port + 1))
        checks = look(tmp_path)

    assert checks["ports"].state is State.LACK
    assert str(port) in checks["ports"].found


@linux
def test_one_core(programs: Path, tmp_path: Path) -> None:
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        checks = look(tmp_path)
    finally:
        os.sched_setaffinity(0, before)

    assert checks["cores"].state is State.WARN
    assert "io" in (checks["cores"].way_out or "")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    yield from a_mount(tmp_path / "small", "size=1m")


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Path]:
    yield from a_mount(tmp_path / "read-only", "size=1m,ro")


def a_mount(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    mount = shutil.which("mount", path="/bin:/usr/bin:/sbin:/usr/sbin")
    argv = (str(mount), "-t", "tmpfs", "-o", options, "tmpfs", str(folder))
    if mount is None or os.geteuid() != 0 or proc.run(argv, check=False).code != 0:
        pytest.skip("only root can make a file system")
    yield folder
    proc.run((mount.replace("mount", "umount"), str(folder)))


def test_a_full_disk(small_disk: Path, programs: Path) -> None:
    checks = look(small_disk / "results")

    assert checks["disk"].state is State.LACK
    assert str(small_disk) in checks["disk"].found


def test_a_read_only_results_folder(read_only_disk: Path, programs: Path) -> None:
    checks = look(read_only_disk / "results")

    assert checks["results"].state is State.LACK
    assert "Read-only file system" in checks["results"].found


def test_left_overs_of_a_dead_run(
    programs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    folder = leftovers.make()
    leftovers.claim(folder)
    note = folder / leftovers.OWNER
    note.write_text(json.dumps(json.loads(note.read_text()) | {"started": "long ago"}))

    checks = look(tmp_path)

    assert checks["leftovers"].state is State.WARN
    assert str(folder) in checks["leftovers"].found


# -- PostgreSQL --------------------------------------------------------------------------------


def with_postgres(programs: Path, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    folder = programs / "17" / "bin"
    folder.mkdir(parents=True)
    add_program(folder, "initdb", "")
    add_program(folder, "postgres", f"echo '{words}'")
    monkeypatch.setattr(postgres, "SYSTEM_FOLDERS", (str(programs),))


def test_no_postgresql(programs: Path, tmp_path: Path) -> None:
    check = look(tmp_path)["postgresql"]

    assert check.state is State.WARN
    assert "apt install postgresql" in (check.way_out or "")


@pytest.mark.parametrize(
    ("words", "state", "told"),
    [
        ("postgres (PostgreSQL) 17.6", State.OK, "PostgreSQL 17.6 at"),
        ("postgres (PostgreSQL) 13.2", State.WARN, "PostgreSQL 13.2 at"),
        ("something else", State.WARN, "no PostgreSQL"),
    ],
)
def test_a_postgresql_is_asked_for_its_version(
    programs: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: str,
    state: State,
    told: str,
) -> None:
    with_postgres(programs, monkeypatch, words)

    check = look(tmp_path)["postgresql"]

    assert (check.state, told in check.found) == (state, True)
