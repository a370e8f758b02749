"""A locustfile with siblings, data files and modules, in the generator's container."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker.test_import_string import APP, folder_of_app, twofold
from tests.docker.test_run import engine, left_of
from tests.loadtests.targets.application.folders import make_folder
from tests.loadtests.tools.test_pip import make_wheel

__all__ = ["engine"]

pytestmark = [pytest.mark.docker, pytest.mark.slow]

LOCUSTFILE = """\
import csv
import ctypes
import glob
import os
import shutil

from locust import FastHttpUser, HttpUser, task

from pages import PAGES
from shopwords import WORD

PEOPLE = [row["user"] for row in csv.DictReader(open("data/people.csv"))]

# A compiled module can be loaded where modules are placed.
(library, *_) = glob.glob("/lib/*/libm.so.6")
ctypes.CDLL(shutil.copy(library, os.path.dirname(os.path.abspath(__file__))))


class Reader(HttpUser):
    @task
    def page(self):
        self.client.get(PAGES[0])

    @task
    def word(self):
        self.client.get("/search", params={"q": WORD}, name=f"/search/{WORD}")


class Person(FastHttpUser):
    @task
    def person(self):
        self.client.get(f"/people/{PEOPLE[0]}")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with folder_of_app(tmp_path, APP) as made:
        load = make_folder(
            made / "load",
            {
                "locustfile.py": LOCUSTFILE,
                "pages.py": "PAGES = ['/first']\n",
                "data/people.csv": "user,age\nada,36\n",
                "requirements.txt": "./shopwords-1.0-py3-none-any.whl\n",
            },
        )
        make_wheel(load)
        yield made


def test_siblings_data_files_and_modules_are_there(folder: Path) -> None:
    done = twofold(
        folder,
        *("shop", "--env", "SHOP_KEY=k", "--quick", "--locustfile", "load/locustfile.py"),
        *("--generator-requirements", "load/requirements.txt"),
    )

    assert done.returncode in {0, 1, 3}, done.stderr  # what else the machine does decides
    (run,) = (folder / "out").iterdir()
    document = json.loads((run / "run.json").read_text())
    rows = [row for row in document["requests"] if row["cell"]["replicas"] == 2]
    assert {row["name"] for row in rows} == {
        *("GET /first", "GET /search/shoes", "GET /people/ada"),
    }
    assert all(row["requests"] > 0 and row["failed"] == 0 for row in rows)
    assert left_of(document["run_id"]) == {}
