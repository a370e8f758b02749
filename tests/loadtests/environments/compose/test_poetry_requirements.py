"""What the program writes that reads Poetry's lock in an image; poetry-core has a stand-in."""

from __future__ import annotations

import sys
from pathlib import Path

from loadtests.environments.compose import project_image
from loadtests.tools import proc
from tests.checkout import CHECKOUT
from tests.loadtests.targets.application.folders import make_folder

LOCKED = (
    '[[package]]\nname = "flask"\nversion = "3.0.3"\n'
    '[[package]]\nname = "numpy"\nversion = "1.26"\nmarkers = "python_version < \'3.12\'"\n'
    '[[package]]\nname = "numpy"\nversion = "2.1"\nmarkers = {main = "python_version > \'3.11\'"}\n'
    '[[package]]\nname = "old"\nversion = "1"\n[[package]]\nname = "old"\nversion = "2"\n'
)
FACTORY = (
    "class Factory:\n    def create_poetry(self, _): return self\n"
    "    package = type('P', (), {'requires': ()})\n"
)


def test_of_a_package_that_is_locked_at_several_versions_the_marker_says_which(
    tmp_path: Path,
) -> None:
    stand_in = {"poetry/core/factory.py": FACTORY, "poetry/core/utils/_compat.py": "import tomllib"}
    make_folder(tmp_path, {**stand_in, "poetry.lock": LOCKED})
    program = str(CHECKOUT / project_image.POETRY)
    places = (str(tmp_path), str(tmp_path / "needed"), str(tmp_path / "locked"))

    proc.run((sys.executable, program, *places), env={"PYTHONPATH": str(tmp_path)})

    assert (tmp_path / "locked").read_text().splitlines() == [
        "flask==3.0.3",
        "numpy==1.26 ; python_version < '3.12'",
        "numpy==2.1 ; python_version > '3.11'",
    ]
