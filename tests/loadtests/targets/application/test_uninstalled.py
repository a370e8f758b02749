"""How an image says which projects it could not install."""

import sys
from pathlib import Path

from loadtests.targets.application import uninstalled
from loadtests.tools import proc


def said_of(listed: Path) -> str:
    code = uninstalled.SAYING.replace(uninstalled.LIST, str(listed))
    return proc.run((sys.executable, "-c", code)).stderr


def test_each_that_is_listed_is_a_note(tmp_path: Path) -> None:
    listed = tmp_path / "not-installed"
    listed.write_text(".\n./lib\n")

    notes = uninstalled.notes(f"{said_of(listed)}what the application writes\n")

    assert [note.partition(" could")[0] for note in notes] == [
        "The project in the folder",
        "The project in ./lib",
    ]
    assert notes[1].endswith("pip install --no-deps --editable ./lib")


def test_an_image_without_a_list_says_nothing(tmp_path: Path) -> None:
    assert uninstalled.notes(said_of(tmp_path / "none")) == ()
