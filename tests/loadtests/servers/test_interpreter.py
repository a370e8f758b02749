"""What interpreters write of themselves into a server's log."""

from __future__ import annotations

import pytest

from loadtests.servers import interpreter
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


def test_an_ordinary_log_says_nothing() -> None:
    assert interpreter.notes("Booting worker with pid: 7\n") == ()


@pytest.mark.parametrize(
    ("python", "command", "compiles"),
    [
        ("/opt/pypy3.11/bin/pypy3", "x", True),
        (None, "/usr/bin/pypy3 -m gunicorn shop:app", True),
        (None, "python3 -m gunicorn pypyshop:app", False),
        ("/usr/bin/python3", "", False),
    ],
)
def test_an_interpreter_that_compiles_is_known_by_its_name(
    python: str | None, command: str, compiles: bool
) -> None:
    assert interpreter.compiles_as_it_runs(python, (process(command),)) is compiles
