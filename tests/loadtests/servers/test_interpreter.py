"""What interpreters write of themselves into a server's log."""

from __future__ import annotations

import sys
import sysconfig
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType
from typing import Any

import pytest

from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.tested.target import Interface
from loadtests.servers import entry, interpreter
from tests.loadtests.servers.captured import process

WARNING = (
    "<frozen importlib._bootstrap>:488: RuntimeWarning: The global interpreter lock (GIL) has been"
    " enabled to load module 'greenlet._greenlet', which has not declared that it can run safely"
    " without the GIL. To override this behavior and keep the GIL disabled (at your own risk), run"
    " with PYTHON_GIL=0 or -Xgil=0.\n"
)


def test_a_gil_that_came_back_is_told_with_the_module() -> None:
    (note,) = interpreter.notes(WARNING * 4 + "Booting worker with pid: 7\n")

    assert note.startswith("The GIL is on: greenlet._greenlet is not marked to run without it")


def test_a_gil_that_no_warning_told_of_is_told_by_the_worker_itself() -> None:
    (note,) = interpreter.notes(f"Booting worker\n{interpreter.GIL_IS_ON}\n")

    assert note.startswith("The GIL is on: sys._is_gil_enabled() says so inside a worker")
    (named,) = interpreter.notes(f"{WARNING}{interpreter.GIL_IS_ON}\n")
    assert "greenlet._greenlet" in named


def served(
    monkeypatch: pytest.MonkeyPatch, *, is_free: bool, has_gil: bool = False
) -> Callable[..., object]:
    """Give the application of an entry module in such a Python."""
    shop = ModuleType("shop")
    shop.__dict__["app"] = lambda environ, start_response: [b"hello"]
    monkeypatch.setitem(sys.modules, "shop", shop)
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: int(is_free))
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: has_gil, raising=False)
    names: dict[str, Any] = {}
    exec(compile(entry.source("shop:app"), "entry", "exec"), names)
    application: Callable[..., object] = names["application"]
    return application


@pytest.mark.parametrize(("has_gil", "times"), [(True, 1), (False, 0)])
def test_a_worker_without_a_gil_looks_for_it_under_load(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    has_gil: bool,
    times: int,
) -> None:
    application = served(monkeypatch, is_free=True, has_gil=has_gil)

    assert [application({}, None) for _ in range(3)] == [[b"hello"]] * 3
    assert capsys.readouterr().err.count(interpreter.GIL_IS_ON) == times


def test_in_an_ordinary_python_the_application_is_served_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    application = served(monkeypatch, is_free=False)

    assert application is sys.modules["shop"].__dict__["app"]


def test_an_asynchronous_application_is_served_as_it_is() -> None:
    text = entry.source("main:app", Interface.ASGI)

    assert text == "import main as _module\n\napplication = _module.app\n"


def test_an_ordinary_log_says_nothing() -> None:
    assert interpreter.notes("Booting worker with pid: 7\n") == ()


@pytest.mark.parametrize(
    ("python", "command", "compiles"),
    [
        ("/opt/pypy3.11/bin/pypy3", "x", True),
        (None, "/usr/bin/pypy3 -m gunicorn shop:app", True),
        (None, "python3 -m gunicorn pypyshop:app", False),
        ("/usr/bin/python3", "", False),
        (None, "/home/u/pypy-vs-cpython/.venv/bin/python -m gunicorn shop:app", False),
        (None, "gunicorn --name pypy shop:app", False),
    ],
)
def test_an_interpreter_that_compiles_is_known_by_its_name(
    python: str | None, command: str, compiles: bool
) -> None:
    assert interpreter.compiles_as_it_runs(python, (process(command),)) is compiles


def test_an_interpreter_that_was_asked_is_known_whatever_its_path() -> None:
    python = "/shop/.venv/bin/python"
    served = process(f"{python} -m gunicorn shop:app")

    def compiles(asked: str | None, of_process: str | None) -> bool:
        processes = (replace(served, implementation=of_process),)
        return interpreter.compiles_as_it_runs(python, processes, implementation=asked)

    assert compiles("PyPy", None)
    assert compiles(None, "PyPy")
    assert not compiles("CPython", "CPython")
    named = (replace(process("/opt/pypy3 shop.py"), implementation="CPython"),)
    assert not interpreter.compiles_as_it_runs(None, named)


def test_the_plans_word_comes_after_what_the_processes_run_and_their_names() -> None:
    pypy, venv = process("pypy3 -m gunicorn shop:app"), process("/shop/.venv/bin/python shop.py")
    folder = process("/home/u/pypy-vs-cpython/.venv/bin/python -m gunicorn shop:app")

    def compiles(served: ServerProcess, asked: str, seen: str | None = None) -> bool:
        processes = (replace(served, implementation=seen),)
        return interpreter.compiles_as_it_runs(None, processes, implementation=asked)

    assert compiles(pypy, "CPython")
    assert compiles(venv, "CPython", seen="PyPy")
    assert compiles(venv, "PyPy")
    assert not compiles(venv, "PyPy", seen="CPython")
    assert not compiles(folder, "CPython")


@pytest.mark.parametrize(
    ("files", "python"),
    [
        (["/bin/dash", "/opt/pypy/bin/pypy3.11-c", "/usr/bin/python3.13"], "PyPy"),
        (["/bin/dash", "/usr/bin/python3.13"], "CPython"),
        (["/bin/busybox"], None),
        ([], None),
    ],
)
def test_pypy_among_the_files_that_run_is_named_before_cpython(
    files: list[str], python: str | None
) -> None:
    assert interpreter.among(files) == python
