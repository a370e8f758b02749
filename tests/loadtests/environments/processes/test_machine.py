from pathlib import Path
from typing import Any

import pytest

from loadtests.environments import registry
from loadtests.environments.processes import machine
from loadtests.model.errors import UsageError
from loadtests.targets import import_string
from loadtests.targets.application import inspection
from tests.loadtests.targets.application.folders import make_folder


def test_an_application_is_imported_before_anything_is_planned(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, {"shop.py": "def app(environ, start_response): ...\n"})

    chosen = machine.choose(tmp_path, import_string.find("shop", folder))

    assert chosen.tested is not None
    assert chosen.tested.application == "shop:app"


def test_one_that_does_not_import_is_refused(tmp_path: Path) -> None:
    folder = make_folder(tmp_path, {"shop.py": "1 / 0"})

    with pytest.raises(UsageError, match="ZeroDivisionError"):
        machine.choose(tmp_path, import_string.find("shop", folder))


@pytest.mark.parametrize(("start_limit_s", "limit_s"), [(5.0, 60.0), (300.0, 300.0)])
def test_an_import_may_take_as_long_as_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start_limit_s: float, limit_s: float
) -> None:
    folder = make_folder(tmp_path, {"shop.py": "def app(environ, start_response): ...\n"})
    limits_s: list[float] = []
    job = inspection.job

    def noted(*given: Any, limit_s: float) -> str:
        limits_s.append(limit_s)
        return job(*given, limit_s=limit_s)

    monkeypatch.setattr(inspection, "job", noted)

    registry.choose(
        "processes", tmp_path, import_string.find("shop", folder), start_limit_s=start_limit_s
    )

    assert limits_s == [limit_s]
