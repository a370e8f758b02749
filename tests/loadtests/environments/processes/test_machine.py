from pathlib import Path

import pytest

from loadtests.environments.processes import machine
from loadtests.model.errors import UsageError
from loadtests.targets import import_string
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
