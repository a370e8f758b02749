"""What an import heeds of the folder's ``gunicorn.conf.py``, as gunicorn itself does."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from loadtests.targets.application import inspection
from loadtests.targets.application.inspection import Inspection
from tests.loadtests.targets.application.folders import make_folder

APP = "def app(environ, start_response): ...\n"
ASKING = "import os\nKEY = os.environ['SHOP_KEY']\n" + APP


def inspected(folder: Path, files: dict[str, str], application: str = "shop:app") -> Inspection:
    return inspection.inspect(
        application, python=sys.executable, folder=make_folder(folder, files), env={}, modules=()
    )


@pytest.mark.parametrize("setting", ["'SHOP_KEY=k'", "['SHOP_KEY=k', 'A=b']", "('SHOP_KEY=k',)"])
def test_variables_are_set_whether_they_are_one_text_or_several(
    tmp_path: Path, setting: str
) -> None:
    files = {"gunicorn.conf.py": f"raw_env = {setting}\n", "shop.py": ASKING}

    assert inspected(tmp_path, files).application == "shop:app"


@pytest.mark.parametrize(
    "settings",
    [
        "chdir = 'backend'\n",
        "import os\nchdir = os.path.abspath('backend')\n",
        "pythonpath = 'backend'\n",
        "pythonpath = 'elsewhere,backend'\n",
        "chdir = 'backend'\npythonpath = '../backend'\n",
    ],
)
def test_an_application_is_imported_from_the_places_that_gunicorn_is_given(
    tmp_path: Path, settings: str
) -> None:
    files = {"gunicorn.conf.py": settings, "backend/shop.py": "import parts\n" + APP}
    files["backend/parts.py"] = ""

    assert inspected(tmp_path, files).application == "shop:app"


def test_relative_paths_of_an_application_start_from_the_folder_that_gunicorn_changes_to(
    tmp_path: Path,
) -> None:
    files = {
        "gunicorn.conf.py": "chdir = 'backend'\n",
        "backend/shop.py": "open('settings.ini').close()\n" + APP,
        "backend/settings.ini": "",
    }

    assert inspected(tmp_path, files).application == "shop:app"


@pytest.mark.parametrize(("asked", "found"), [("shop.py", "shop:app"), ("", "wsgi:app")])
def test_a_file_of_the_projects_folder_is_found_wherever_gunicorn_changes_to(
    tmp_path: Path, asked: str, found: str
) -> None:
    files = {"gunicorn.conf.py": "chdir = 'data'\n", "data/a": "", "shop.py": APP, "wsgi.py": APP}

    assert inspected(tmp_path, files, asked).application == found
