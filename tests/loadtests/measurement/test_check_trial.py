"""A load whose users are refused after a good start is told from one that nobody lets in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.analysis.consistency.conversation import conversation_of
from loadtests.measurement.check_trial import CheckedLoad, RefusedLoad, check, read_ahead, read_plan
from loadtests.model.errors import UnusableLoad, UsageError
from loadtests.model.tested.workload import Locustfile, Workload
from tests.loadtests.builders import make_plan
from tests.loadtests.measurement.user_load.check_trial_facts import (
    attempt,
    bad,
    facts,
    request,
    step,
)

SENT = {"headers": {}, "body": ""}
LOGIN = request("/login", method="POST", target="/login", **SENT)
ME = bad("/me", 401, target="/me", **SENT)
HOP = {"status": 302, "location": "/login?next=/me"}
LED_AWAY = request("/me", redirects=[HOP], final_path="/login", target="/me", **SENT)


class Told:
    """An agent whose check trial showed this, with the orders of it."""

    def __init__(self, shown: dict[str, Any]) -> None:
        self._shown = shown

    def check(self, *_: object, **__: object) -> dict[str, Any]:
        return self._shown

    def of(self, _: Workload) -> dict[str, Any]:
        return {}


def checked(tmp_path: Path, *steps: dict[str, Any], **where: str) -> None:
    path = tmp_path / "locustfile.py"
    path.write_text("")
    told: Any = Told(facts(*steps))
    workload = Workload(name="own", path="/", locustfile=Locustfile(path=str(path)))
    check(told, told, workload, "http://10.0.0.1:8000", **where)


def started(*requests: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return step("Shop.on_start", attempt(*requests), kind="on_start", **fields)


@pytest.mark.parametrize("refusal", [ME, LED_AWAY])
def test_what_users_are_refused_after_a_good_start_is_asked_again_by_the_checks(
    tmp_path: Path, refusal: dict[str, Any]
) -> None:
    with pytest.raises(RefusedLoad) as raised:
        checked(tmp_path, started(LOGIN), step("Shop.me", *[attempt(refusal)] * 3))

    assert [spec.path for spec in raised.value.checked.start] == ["/login"]
    assert [spec.path for spec in raised.value.checked.requests] == ["/me"]
    assert raised.value.exit_code == UnusableLoad.exit_code


def test_a_start_that_fails_or_is_none_is_the_loads_own_fault(tmp_path: Path) -> None:
    refused = bad("/login", 403, method="POST", target="/login", **SENT)
    for steps in (
        [started(refused), step("Shop.me", attempt(ME), unready=True)],
        [step("Shop.me", *[attempt(ME)] * 3)],
    ):
        with pytest.raises(UnusableLoad) as raised:
            checked(tmp_path, *steps)
        assert not isinstance(raised.value, RefusedLoad)


def test_so_is_a_task_that_fails_without_an_answer_of_the_application(tmp_path: Path) -> None:
    broken = attempt(ending="raised", kind="NameError", detail="x", place="locustfile.py:7")

    with pytest.raises(UnusableLoad) as raised:
        checked(tmp_path, started(LOGIN), step("Shop.me", broken))

    assert not isinstance(raised.value, RefusedLoad)


def test_a_version_that_does_not_answer_is_named_with_what_to_do(tmp_path: Path) -> None:
    missing = step("Shop.new", attempt(bad("/new", 404, target="/new", **SENT)))

    with pytest.raises(UnusableLoad) as raised:
        checked(tmp_path, missing, version="base", advice="Leave it out.")

    first, *_, last = str(raised.value).splitlines()
    assert first == "The load own cannot be used as it is on base:"
    assert last == "  Leave it out."


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("multipart/form-data; boundary=x", "it uploads a file"),
        ("application/json", "its body is long, or no text"),
    ],
)
def test_a_task_whose_body_is_not_kept_is_not_asked_and_that_is_said(kind: str, why: str) -> None:
    headers = {"Content-Type": kind}
    upload = request("/photos", method="POST", target="/photos", headers=headers, body=None)
    shown = facts(started(LOGIN, upload), step("Shop.photo", attempt(upload)))

    checked = CheckedLoad(shown)
    workload = Workload(name="own", path="/", locustfile=Locustfile(path="/locustfile.py"))
    talk = conversation_of(workload, checked.requests)

    assert [spec.path for spec in checked.start] == ["/login"]
    assert talk.left_out == (("POST /photos", why),)
    assert (talk.reads, talk.writes) == ((), ())


def asked_ahead(
    folder: Path, monkeypatch: pytest.MonkeyPatch, *, backend: str, workers: tuple[str, ...] = ()
) -> tuple[str, ...]:
    """Read a file in a folder below the current one that imports a package of the current one."""
    (folder / "shop_common").mkdir()
    (folder / "shop_common" / "login.py").touch()
    (folder / "load").mkdir()
    path = folder / "load" / "locustfile.py"
    path.write_text("from shop_common.login import login\n")
    monkeypatch.chdir(folder)
    own = Workload(name="own", path="/", locustfile=Locustfile(path=str(path)))
    plan = make_plan()
    return read_plan(replace(plan, backend=backend, workloads=(own,), generator_workers=workers))


@pytest.mark.parametrize("backend", ["processes", "external"])
def test_a_locustfile_may_import_from_the_current_folder_where_the_generator_runs_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str
) -> None:
    assert asked_ahead(tmp_path, monkeypatch, backend=backend) == ()


@pytest.mark.parametrize(
    ("backend", "workers"), [("compose", ()), ("swarm", ()), ("external", ("10.0.0.9:7000",))]
)
def test_elsewhere_it_is_told_to_lie_beside_the_package_and_not_to_install_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, backend: str, workers: tuple[str, ...]
) -> None:
    with pytest.raises(UsageError) as raised:
        asked_ahead(tmp_path, monkeypatch, backend=backend, workers=workers)

    assert str(raised.value) == (
        "The load locustfile.py cannot be used as it is:\n"
        "  locustfile.py:1: It imports shop_common, which lies in the current folder and not beside"
        " the file. In containers and on other machines, the load generator has the file's own"
        " folder alone. Move the file beside shop_common."
    )


def test_a_folder_without_python_is_no_module_that_a_locustfile_imports(tmp_path: Path) -> None:
    """A Compose project may have a folder ``redis`` with settings."""
    (tmp_path / "no_library").mkdir()
    (tmp_path / "no_library" / "server.conf").touch()
    path = tmp_path / "load" / "locustfile.py"
    path.parent.mkdir()
    path.write_text("import no_library\n")
    own = Workload(name="own", path="/", locustfile=Locustfile(path=str(path)))

    for is_away in (True, False):
        with pytest.raises(UsageError, match="--generator-requirements"):
            read_ahead([own], tmp_path, is_away=is_away)
