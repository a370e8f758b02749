from pathlib import Path

import pytest

from loadtests.environments import registry
from loadtests.environments.processes import machine
from loadtests.model.errors import EnvironmentFailure, PlanError, UsageError
from loadtests.model.tested.target import Target, TargetKind
from loadtests.targets import import_string
from tests.loadtests.targets.application.folders import make_folder

IMAGE = Target(kind=TargetKind.IMAGE, given="shop:1.2", name="shop:1.2", image="shop:1.2")


def test_an_application_is_imported_before_anything_is_planned(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, {"shop.py": "def app(environ, start_response): ...\n"})

    chosen = machine.choose(tmp_path, import_string.find("shop", folder))

    assert chosen.tested is not None
    assert chosen.tested.application == "shop:app"


def test_one_that_does_not_import_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, {"shop.py": "1 / 0"})

    with pytest.raises(UsageError, match="ZeroDivisionError"):
        machine.choose(tmp_path, import_string.find("shop", folder))


def test_what_runs_in_containers_only_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with pytest.raises(PlanError, match=r"An image \(shop:1.2\) runs in containers only"):
        machine.choose(tmp_path, IMAGE)


def test_the_choice_between_backends_says_why_each_does_not_work(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def choose(*_: object) -> None:
        raise EnvironmentFailure("no engine answers")

    compose = registry.BACKENDS["compose"]
    monkeypatch.setitem(
        registry.BACKENDS, "compose", type(compose)(**{**vars(compose), "choose": choose})
    )

    with pytest.raises(EnvironmentFailure, match=r"no engine answers.*in containers only"):
        registry.choose("auto", tmp_path, IMAGE)
