"""A user's application as replicas on this machine."""

import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.environments.processes import lent, project
from loadtests.model.plan import WorkerModel
from loadtests.model.tested.target import SAMPLE, Target
from loadtests.servers.server import ReplicaOrder
from loadtests.targets import import_string
from loadtests.targets.application import examination
from loadtests.targets.application.inspection import Inspection
from tests.loadtests.targets.application.folders import make_folder

SYNC = WorkerModel(name="sync", processes=4, threads=1, slots=4, env={"POOL": "8"})
ORDER = ReplicaOrder(
    python="/usr/bin/python3",
    application="app:create_app()",
    worker=SYNC,
    name="sync-2",
    bind="127.0.0.2:8000",
    secret_key="k",
    database_url="postgresql://somewhere",
)


@pytest.fixture
def tested(tmp_path: Path) -> Target:
    folder = make_folder(tmp_path, {"shop.py": "def app(environ, start_response): ...\n"})
    return replace(import_string.find("shop", folder), env={"SHOP_KEY": "s"})


def test_it_runs_in_its_own_interpreter_and_folder(
    tested: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    prepared = project.prepare(replace(tested, python=sys.executable))

    start = project.start_of(ORDER, prepared.tested, root=Path("/checkout"))

    assert start.argv[:3] == (sys.executable, "-m", "gunicorn")
    assert start.argv[-1] == "shop:app"
    assert str(start.folder) == tested.folder
    assert start.env == {
        "SHOP_KEY": "s",
        "POOL": "8",
        "REPLICA": "sync-2",
        "PYTHONPATH": tested.folder,
    }


def test_a_build_without_a_gil_serves_the_module_that_looks_for_it(
    tested: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    monkeypatch.setattr(project, "is_free_threaded", lambda _: True)
    order = replace(ORDER, scratch="/scratch")

    start = project.start_of(order, tested, root=Path("/checkout"))

    assert start.argv[-1] == "twofold_entry:application"
    assert list(start.files) == ["twofold_entry.py"]
    assert start.env["PYTHONPATH"].split(":")[:2] == ["/scratch", tested.folder]


def test_this_interpreter_says_whether_it_is_a_build_without_a_gil() -> None:
    free = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))

    assert project.is_free_threaded(sys.executable) is free
    assert not project.is_free_threaded("/no/such/python")


def test_an_interpreter_is_asked_without_what_lies_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = not project.is_free_threaded(sys.executable)  # what this folder would have it say
    (tmp_path / "sysconfig.py").write_text(f"def get_config_var(_): return {int(free)}\n")
    (tmp_path / "json.py").write_text("raise SystemExit('imported')\n")
    python = tmp_path / "python"  # whose answers nobody has cached
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.chdir(tmp_path)

    assert project.versions_in(str(python), ("no-such-module",)) == {"no-such-module": None}
    assert project.is_free_threaded(str(python)) is not free


def test_it_gets_neither_a_secret_key_nor_a_store(tested: Target) -> None:
    start = project.start_of(ORDER, tested, root=Path("/checkout"))

    assert not {"SECRET_KEY", "DATABASE_URL"} & start.env.keys()


def test_it_is_imported_from_its_source_folder_before_and_after_others(
    tested: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/own")

    start = project.start_of(
        ORDER, replace(tested, source="src"), root=Path("/checkout"), lent=Path("/lent")
    )

    assert start.env["PYTHONPATH"] == f"{tested.folder}/src:/own:/lent"


def test_the_targets_own_import_path_is_in_force_as_it_was_when_it_was_inspected(
    tested: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/of-the-shell")
    own = replace(tested, env={"PYTHONPATH": "lib"})

    start = project.start_of(ORDER, own, root=Path("/checkout"))

    assert start.env["PYTHONPATH"] == f"{tested.folder}:lib"


@pytest.mark.parametrize("server", ["gunicorn", "waitress"])
def test_a_variants_own_import_path_is_in_force_with_every_server(
    tested: Target, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    worker = replace(SYNC, server=server, env={"PYTHONPATH": "fast"})

    start = project.start_of(
        replace(ORDER, worker=worker, scratch="/scratch"), tested, root=Path("/checkout")
    )

    assert {"fast", tested.folder} <= set(start.env["PYTHONPATH"].split(":"))


def test_the_sample_application_starts_as_ever() -> None:
    start = project.start_of(ORDER, SAMPLE, root=Path("/checkout"))

    assert start.argv[-2:] == ("app/gunicorn.conf.py", "app:create_app()")
    assert start.env["SECRET_KEY"] == "k"
    assert start.folder == Path("/checkout")


@pytest.mark.parametrize(
    ("python", "version", "lends"),
    [("3.12.1", None, True), ("3.12.1", "23.0.0", False), ("3.9.18", None, False)],
)
def test_gunicorn_is_lent_where_there_is_none_and_it_can_run(
    tested: Target, monkeypatch: pytest.MonkeyPatch, python: str, version: str | None, lends: bool
) -> None:
    seen = Inspection(
        python=python,
        implementation="CPython",
        executable=sys.executable,
        application="shop:app",
        source="",
        what="function",
        framework=None,
        version=None,
        modules={"gunicorn": version, "gevent": None},
    )
    monkeypatch.setattr(examination, "seen_by", lambda *_, **__: seen)

    prepared = project.prepare(tested)

    assert prepared.lends is lends
    assert (prepared.tested.modules or {})["gunicorn"] == (lent.version() if lends else version)
    assert any("Twofold lends its own" in note for note in prepared.tested.notes) is lends


def test_a_variants_own_python_is_asked_for_its_gunicorn(tested: Target, tmp_path: Path) -> None:
    """An older one does not know the options of the one here."""
    python = tmp_path / "old/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho \'{"gunicorn": "23.0.0"}\'\n')
    python.chmod(0o755)
    worker = replace(SYNC, python="old/bin/python")
    order = replace(ORDER, python=str(python), worker=worker)
    newer = replace(tested, python="/usr/bin/python3", modules={"gunicorn": "27.0.1"})

    start = project.start_of(order, newer, root=Path("/checkout"))

    assert start.argv[0] == str(python)
    assert "--no-control-socket" not in start.argv
    usual = project.start_of(replace(ORDER, worker=SYNC), newer, root=Path("/checkout"))
    assert usual.argv[0] == "/usr/bin/python3"
    assert "--no-control-socket" in usual.argv


def test_an_own_commands_import_path_leaves_its_module_to_be_found(
    tested: Target, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PYTHONPATH", raising=False)
    worker = replace(
        SYNC, server="command", options=("serve", "{module}", "{bind}"), env={"PYTHONPATH": "fast"}
    )

    start = project.start_of(
        replace(ORDER, worker=worker, scratch="/scratch"), tested, root=Path("/checkout")
    )

    assert {"/scratch", "fast", tested.folder} <= set(start.env["PYTHONPATH"].split(":"))


def test_a_worker_may_be_silent_while_it_imports_unless_the_folders_file_rules(
    tested: Target,
) -> None:
    order = replace(ORDER, start_limit_s=300.0)
    ruled = replace(tested, sets_timeout=True)

    argv = project.start_of(order, tested, root=Path("/checkout")).argv

    assert argv[argv.index("--timeout") + 1] == "300"
    assert "--timeout" not in project.start_of(order, ruled, root=Path("/checkout")).argv
    for words in ("--timeout 10", "-t10", "--threads 2 --config=prod.py"):
        said = replace(tested, env={"GUNICORN_CMD_ARGS": words})
        assert "--timeout" not in project.start_of(order, said, root=Path("/checkout")).argv


def test_an_own_command_starts_the_program_of_the_applications_environment(
    tested: Target, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `pip install -r requirements.txt` brought is seldom on PATH."""
    monkeypatch.setenv("PATH", "/usr/bin")
    beside = tmp_path / "venv/bin/hypercorn"
    beside.parent.mkdir(parents=True)
    beside.write_text("#!/bin/sh\n")
    beside.chmod(0o755)
    own = replace(tested, python=str(tmp_path / "venv/bin/python"))

    programs = {}
    for command in ("hypercorn", "other", "./hypercorn", "python"):
        worker = replace(SYNC, server="command", options=(command, "{module}", "{bind}"))
        start = project.start_of(replace(ORDER, worker=worker), own, root=Path("/checkout"))
        programs[command] = start.argv[0]

    assert programs == {
        "hypercorn": str(beside),
        "other": "other",
        "./hypercorn": "./hypercorn",
        "python": own.python,
    }
