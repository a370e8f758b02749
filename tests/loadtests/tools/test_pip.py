"""pip is asked for the modules of a locustfile, for the Python that will import them."""

from __future__ import annotations

import itertools
import sys
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest

from loadtests.model.errors import ProcessFailure, UsageError
from loadtests.tools import pip, proc

FILE = Path("/load/requirements.txt")
FOLDER = Path("/modules")


def test_for_this_python_nothing_is_said_of_platforms() -> None:
    assert pip.install_argv(FILE, FOLDER) == (
        *(sys.executable, "-P", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"),
        *("--no-input", "--target", "/modules", "--requirement", "/load/requirements.txt"),
    )


def test_for_another_python_only_wheels_of_its_platform_are_taken() -> None:
    argv = pip.install_argv(FILE, FOLDER, python="3.13", machine="aarch64")

    assert argv[argv.index("--python-version") :][:2] == ("--python-version", "3.13")
    assert argv[argv.index("--only-binary") :][:2] == ("--only-binary", ":all:")
    platforms = [after for word, after in itertools.pairwise(argv) if word == "--platform"]
    assert platforms == [f"{name}_aarch64" for name in pip.MANYLINUX]


def failing(monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise ProcessFailure("pip failed", output=output)

    monkeypatch.setattr(proc, "run", run)


def test_pips_last_lines_say_why_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "\n".join(f"line {number}" for number in range(9)) + "\n")

    with pytest.raises(UsageError) as raised:
        pip.install(FILE, FOLDER)

    assert str(raised.value) == "pip cannot install /load/requirements.txt:\n" + "\n".join(
        f"line {number}" for number in range(4, 9)
    )


def test_a_python_without_pip_is_told_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, "/usr/bin/python: No module named pip")

    with pytest.raises(UsageError, match="python -m ensurepip"):
        pip.install(FILE, FOLDER)


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize("python", [None, "3.13"])
def test_a_wheel_beside_the_requirements_is_installed(tmp_path: Path, python: str | None) -> None:
    make_wheel(tmp_path)
    (tmp_path / "pip.py").write_text("raise SystemExit('imported from the requirements folder')\n")
    (tmp_path / "requirements.txt").write_text("./shopwords-1.0-py3-none-any.whl\n")
    folder = tmp_path / "modules"

    try:
        pip.install(tmp_path / "requirements.txt", folder, python=python)
    except UsageError as error:
        if "needs pip" in str(error):
            pytest.skip(str(error))
        raise

    assert (folder / "shopwords.py").read_text() == "WORD = 'shoes'\n"


def make_wheel(folder: Path) -> None:
    """Write a wheel with one module."""
    information = "shopwords-1.0.dist-info"
    with ZipFile(folder / "shopwords-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("shopwords.py", "WORD = 'shoes'\n")
        wheel.writestr(
            f"{information}/METADATA", "Metadata-Version: 2.1\nName: shopwords\nVersion: 1.0\n"
        )
        wheel.writestr(
            f"{information}/WHEEL",
            "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        )
        wheel.writestr(
            f"{information}/RECORD",
            f"shopwords.py,,\n{information}/METADATA,,\n{information}/WHEEL,,\n"
            f"{information}/RECORD,,\n",
        )
