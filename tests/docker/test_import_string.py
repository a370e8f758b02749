"""A user's application on the Docker engine, named by an import string, by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.compose import project_image
from tests.checkout import CHECKOUT
from tests.docker.test_run import SMALL, engine, left_of
from tests.loadtests.targets.application.folders import make_folder
from tests.loadtests.tools.test_pip import make_wheel

__all__ = ["engine"]

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.parallel]

SHORT = (sys.executable, "-m", "tests.short_run")

LIMIT_S = 280
"""With room for an image whose packages have to be installed first."""

APP = """\
import os

def create_app(config=None):
    body = (os.environ["SHOP_KEY"] * 1000).encode()
    def app(environ, start_response):
        start_response("200 OK", [("Content-Length", str(len(body)))])
        return [body]
    return app
"""
"""Without a requirement: only gunicorn has to be installed."""


@contextmanager
def folder_of_app(folder: Path, text: str) -> Iterator[Path]:
    """Write an application into a folder; remove its image when the block ends."""
    yield make_folder(folder, {"src/shop/__init__.py": text})
    tag = project_image.tag_of(folder)
    subprocess.run(("docker", "rmi", tag), capture_output=True, check=False)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    with folder_of_app(tmp_path, APP) as made:
        yield made


def twofold(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SHORT, "run", *SMALL, *words, "--out", str(folder / "out")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )


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
"""With siblings, data files and modules, which go into the generator's container."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A run that was measured to its end."""

    text: str
    left: dict[str, str]

    @property
    def document(self) -> dict[str, Any]:
        """The run's run.json."""
        document: dict[str, Any] = json.loads(self.text)
        return document


@pytest.fixture(scope="module")
def measured(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """One run of the application with the locustfile, for all that one run can show."""
    with folder_of_app(tmp_path_factory.mktemp("measured"), APP) as folder:
        load = make_folder(
            folder / "load",
            {
                "locustfile.py": LOCUSTFILE,
                "pages.py": "PAGES = ['/first']\n",
                "data/people.csv": "user,age\nada,36\n",
                "requirements.txt": "./shopwords-1.0-py3-none-any.whl\n",
            },
        )
        make_wheel(load)
        done = twofold(
            folder,
            *("shop", "--env", "SHOP_KEY=s3cret", "--quick"),
            *("--locustfile", "load/locustfile.py"),
            *("--generator-requirements", "load/requirements.txt"),
        )
        assert done.returncode in {0, 1, 3}, done.stderr  # what else the machine does decides
        (run,) = (folder / "out").iterdir()
        return Measured(text=(run / "run.json").read_text(), left=left_of(run.name))


def test_it_is_built_measured_and_taken_down(measured: Measured) -> None:
    document = measured.document

    assert all(cell["throughput_rps"]["estimate"] > 0 for cell in document["cells"])
    notes = " ".join(document["plan"]["tested"]["notes"])
    assert "shop is shop:create_app(), found as Flask finds it." in notes
    assert "s3cret" not in measured.text
    assert measured.left == {}


def test_a_locustfiles_siblings_data_files_and_modules_are_there(measured: Measured) -> None:
    rows = [row for row in measured.document["requests"] if row["cell"]["replicas"] == 2]

    assert {row["name"] for row in rows} == {
        *("GET /first", "GET /search/shoes", "GET /people/ada"),
    }
    assert all(row["requests"] > 0 and row["failed"] == 0 for row in rows)


def test_one_that_does_not_import_in_its_image_is_told_with_its_own_lines(folder: Path) -> None:
    done = twofold(folder, "shop", "--quick")

    assert done.returncode == 2, done.stderr
    assert "with the image's Python" in done.stderr
    assert "src/shop/__init__.py:4" in done.stderr
    assert "Set what it needs: --env SHOP_KEY=VALUE" in done.stderr
    (run,) = (folder / "out").iterdir()
    assert left_of(run.name) == {}
