from dataclasses import replace
from typing import Any

from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets.application.examination import described, modules
from loadtests.targets.application.inspection import Inspection
from loadtests.targets.application.interpreter import Interpreter

TESTED = Target(
    kind=TargetKind.IMPORT_STRING,
    given="shop:app",
    name="shop:app",
    folder="/home/ada/shop",
    application="shop:app",
)
PYTHON = Interpreter(path="/home/ada/.venv/bin/python", why="of the active virtual environment")


def make_inspection(**fields: Any) -> Inspection:
    defaults: dict[str, Any] = {
        "python": "3.12.1",
        "implementation": "CPython",
        "executable": PYTHON.path,
        "application": "shop:app",
        "source": "",
        "what": "flask.app.Flask",
        "framework": "flask",
        "version": "3.1.3",
        "modules": {"gunicorn": "23.0.0", "gevent": None},
    }
    return Inspection(**defaults | fields)


def notes(tested: Target = TESTED, **fields: Any) -> tuple[str, ...]:
    return described(tested, make_inspection(**fields), PYTHON).notes


def test_the_interpreter_and_the_reason_for_it_are_told() -> None:
    assert notes() == (
        "Python: /home/ada/.venv/bin/python (of the active virtual environment), CPython 3.12.1,"
        " Flask 3.1.3.",
    )


def test_the_target_gets_what_a_replica_needs() -> None:
    tested = described(TESTED, make_inspection(source="src"), PYTHON)

    assert (tested.python, tested.source) == (PYTHON.path, "src")
    assert tested.modules == {"gunicorn": "23.0.0", "gevent": None}
    assert "shop is imported from src/." in tested.notes


def test_what_was_found_for_a_name_is_told() -> None:
    tested = replace(TESTED, given="shop", application="shop")

    assert "shop is shop:create_app(), found as Flask finds it." in notes(
        tested, application="shop:create_app()"
    )


def test_applications_that_are_not_measured_are_told() -> None:
    assert "shop has other applications too, which are not measured: shop:admin." in notes(
        also=("admin",)
    )


def test_the_debug_mode_is_told() -> None:
    assert "The application's debug mode is on, which costs CPU in each request." in notes(
        debug=True
    )


def test_of_gunicorns_settings_it_is_told_what_wins_and_what_matters() -> None:
    settings = {
        "workers": 9,
        "bind": "0.0.0.0:80",
        "pidfile": "shop.pid",
        "max_requests": 1000,
        "timeout": 120,
    }

    told = notes(gunicorn=settings)[1:]

    assert told == (
        "gunicorn.conf.py of the folder is in force in the variants of gunicorn that name no other"
        " (--config), without its bind = 0.0.0.0:80, pidfile = shop.pid, workers = 9,"
        " which each variant sets.",
        "gunicorn.conf.py: max_requests = 1000 replaces workers in the middle of a measurement.",
        "gunicorn.conf.py: timeout = 120 ends a worker that takes longer for a request.",
    )


def test_the_modules_of_all_servers_are_asked_for() -> None:
    assert {"gunicorn", "gevent", "pip"} <= set(modules())


def test_a_file_of_gunicorn_that_sets_a_timeout_keeps_it() -> None:
    assert described(TESTED, make_inspection(gunicorn={"timeout": 0}), PYTHON).sets_timeout
    assert not described(TESTED, make_inspection(gunicorn={"workers": 4}), PYTHON).sets_timeout
