import subprocess
import sys
from pathlib import Path

import pytest

from loadtests.environments.processes import lent
from loadtests.model.tested.target import Target, TargetKind


def make_target(**modules: str | None) -> Target:
    return Target(kind=TargetKind.IMPORT_STRING, given="a:b", name="a:b", modules=modules)


def test_what_is_lent_can_be_imported_and_hides_nothing_else(tmp_path: Path) -> None:
    folder = lent.lend(make_target(gunicorn=None, packaging=None), tmp_path)
    code = (
        f"import sys; sys.path.insert(0, {str(folder)!r}); import gunicorn, packaging;"
        "print(gunicorn.__version__, packaging.__file__)"
    )

    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )

    assert done.stdout.split() == [lent.version(), f"{folder}/packaging/__init__.py"]
    assert sorted(path.name for path in folder.iterdir()) == ["gunicorn", "packaging"]


def test_what_the_interpreter_has_is_not_hidden(tmp_path: Path) -> None:
    folder = lent.lend(make_target(packaging="24.0"), tmp_path)

    assert [path.name for path in folder.iterdir()] == ["gunicorn"]


@pytest.mark.parametrize(
    ("python", "fits"), [("3.13.0", True), ("3.10.2", True), ("3.9.18", False), ("2.7.18", False)]
)
def test_it_is_lent_to_pythons_that_it_runs_on(python: str, fits: bool) -> None:
    assert lent.fits(python) is fits
