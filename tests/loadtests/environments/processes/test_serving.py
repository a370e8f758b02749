"""The interpreters and programs of variants on this machine."""

from __future__ import annotations

import platform
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from loadtests.environments.processes import project, serving
from loadtests.model.errors import UsageError
from loadtests.model.plan import WorkerModel
from loadtests.model.tested.target import Target, TargetKind
from loadtests.servers import registry
from loadtests.tools import procfs
from loadtests.tools.procfs import programs

SYNC = WorkerModel(name="old", processes=4, threads=1, slots=4, mode="sync")
UWSGI = registry.worker_models()["uwsgi-threads"]


def make_program(path: Path, text: str = "exit 0") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def make_target(folder: Path) -> Target:
    return Target(
        kind=TargetKind.IMPORT_STRING,
        given="shop:app",
        name="shop:app",
        folder=str(folder),
        application="shop:app",
        python=sys.executable,
    )


def test_a_folder_of_a_virtual_environment_stands_for_its_python(tmp_path: Path) -> None:
    python = make_program(tmp_path / "old/bin/python")
    tested = make_target(tmp_path)

    for asked in ("./old", str(tmp_path / "old"), "old/bin/python"):
        assert serving.interpreter(replace(SYNC, python=asked), tested) == str(python)


def test_a_python_that_is_not_there_is_told_with_its_variant(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no Python './none' \(the variant old\)"):
        serving.interpreter(replace(SYNC, python="./none"), make_target(tmp_path))


def test_a_variant_without_a_python_has_the_one_that_runs_twofold() -> None:
    assert serving.interpreter(SYNC) == sys.executable


def test_an_interpreter_names_its_implementation(tmp_path: Path) -> None:
    pypy = make_program(tmp_path / "bin/python", """echo '["PyPy", "3.11.13", []]'""")

    assert serving.implementation_of(str(pypy)) == "PyPy"
    assert serving.implementation_of(str(tmp_path / "none")) is None
    assert serving.implementation_of(sys.executable) == platform.python_implementation()


@pytest.mark.parametrize(
    ("running", "seen"),
    [
        ({1: "dash", 2: "pypy3.11-c"}, [None, "PyPy"]),
        ({1: "python3.13", 2: None}, ["CPython", None]),
        ({1: None, 2: "uwsgi"}, ["asked", "asked"]),
    ],
)
def test_what_a_process_runs_decides_before_the_interpreter_of_the_plan(
    running: dict[int, str | None], seen: list[str | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A command may start PyPy although the project's Python is CPython."""
    family = [SimpleNamespace(pid=pid, parent=0) for pid in running]
    monkeypatch.setattr(procfs, "family", lambda _: family)
    monkeypatch.setattr(procfs, "threads_of", lambda _: 1)
    monkeypatch.setattr(procfs, "command_of", lambda _: "x")
    monkeypatch.setattr(programs, "program_of", running.get)
    monkeypatch.setattr(serving, "implementation_of", lambda _: "asked")

    processes = serving.processes_of(1, "python")

    assert [process.implementation for process in processes] == seen


def test_a_path_to_a_command_starts_from_where_the_command_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    make_program(tmp_path / "shop/serve.sh")
    own = WorkerModel(
        name="own",
        server="command",
        processes=1,
        threads=1,
        slots=None,
        options=("./serve.sh", "{port}"),
    )

    serving.check([own], make_target(tmp_path / "shop"))
    with pytest.raises(UsageError, match=r"starts './serve.sh', which is no program in"):
        serving.check([own], make_target(elsewhere))


def test_a_commands_program_is_looked_for_beside_the_applications_interpreter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path / "user/bin"))
    own = replace(SYNC, server="command", options=("hypercorn", "{bind}"))
    tested = replace(make_target(tmp_path), python=str(tmp_path / "venv/bin/python"))

    with pytest.raises(UsageError, match=r"starts 'hypercorn', which is not beside .*/venv/"):
        serving.check([own], tested)
    make_program(tmp_path / "venv/bin/hypercorn")

    serving.check([own], tested)


# -- a server with a program of its own -------------------------------------------------------


def test_a_distribution_without_a_module_of_its_name_is_there(tmp_path: Path) -> None:
    assert serving.missing(sys.executable, ("no_such_module", "json")) == ("no_such_module",)
    metadata = tmp_path / "uWSGI-2.0.30.dist-info/METADATA"
    metadata.parent.mkdir()
    metadata.write_text("Metadata-Version: 2.1\nName: uWSGI\nVersion: 2.0.30\n")
    python = make_program(
        tmp_path / "bin/python", f'PYTHONPATH="{tmp_path}" exec "{sys.executable}" "$@"'
    )

    assert "uwsgi" not in serving.missing(str(python), ("uwsgi",))


def test_an_interpreter_is_asked_without_what_lies_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('imported')\n")
    (tmp_path / "only_here.py").touch()
    monkeypatch.chdir(tmp_path)

    assert serving.missing(sys.executable, ("only_here", "json")) == ("only_here",)


def test_a_servers_program_lies_beside_the_interpreter_or_on_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = registry.of(UWSGI)
    python = make_program(tmp_path / "venv/bin/python")
    monkeypatch.setenv("PATH", str(tmp_path / "user/bin"))
    assert project.program_of(server, str(python)) is None

    on_path = make_program(tmp_path / "user/bin/uwsgi")
    assert project.program_of(server, str(python)) == str(on_path)

    beside = make_program(tmp_path / "venv/bin/uwsgi")
    assert project.program_of(server, str(python)) == str(beside)
    assert project.program_of(registry.SERVERS["gunicorn"], str(python)) is None


def test_a_server_without_its_program_is_told_before_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = make_program(tmp_path / "bin/python")
    tested = replace(make_target(tmp_path), python=str(python))
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(UsageError, match="needs the program uwsgi, which is neither beside"):
        serving.check([UWSGI], tested)
