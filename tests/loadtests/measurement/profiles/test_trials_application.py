"""The package that is served, in the profile of a cell."""

from dataclasses import replace

import pytest

from loadtests.model.tested.in_force import ServerProcess
from loadtests.tools import py_spy
from tests.loadtests.builders import make_plan
from tests.loadtests.fakes import World
from tests.loadtests.measurement.profiles.test_trials import Local, profiles


@pytest.mark.parametrize(
    ("command", "application", "package"),
    [
        ("gunicorn shop.wsgi:app", None, "shop"),
        ("gunicorn", "shop.wsgi:app", "shop"),
        ("gunicorn", None, ""),
    ],
)
def test_the_package_that_is_served_is_in_the_profile(
    command: str, application: str | None, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Listed(Local):
        def processes_of(self, member: str) -> tuple[ServerProcess, ...]:
            return (ServerProcess(pid=2**30, parent=1, threads=1, command=command),)

    monkeypatch.setattr(py_spy, "find_program", lambda: "/bin/py-spy")
    plan = make_plan()
    plan = replace(plan, tested=replace(plan.tested, application=application))

    assert profiles(plan, Listed(World(), plan))[0].application == package
