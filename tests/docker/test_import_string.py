"""A user's application on the Docker engine, named by an import string, by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loadtests.environments.compose import project_image
from tests.checkout import CHECKOUT
from tests.docker.test_run import SMALL, engine, left_of
from tests.loadtests.targets.application.folders import make_folder

__all__ = ["engine"]

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.parallel]

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
        [sys.executable, "-m", "loadtests", "run", *SMALL, *words, "--out", str(folder / "out")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )


def test_it_is_built_measured_and_taken_down(folder: Path) -> None:
    done = twofold(folder, "shop", "--env", "SHOP_KEY=s3cret", "--quick")

    assert done.returncode in {0, 1, 3}, done.stderr  # what else the machine does decides
    (run,) = (folder / "out").iterdir()
    document = json.loads((run / "run.json").read_text())
    assert all(cell["throughput_rps"]["estimate"] > 0 for cell in document["cells"])
    notes = " ".join(document["plan"]["tested"]["notes"])
    assert "shop is shop:create_app(), found as Flask finds it." in notes
    assert "s3cret" not in (run / "run.json").read_text()
    assert left_of(document["run_id"]) == {}


def test_one_that_does_not_import_in_its_image_is_told_with_its_own_lines(folder: Path) -> None:
    done = twofold(folder, "shop", "--quick")

    assert done.returncode == 2, done.stderr
    assert "with the image's Python" in done.stderr
    assert "src/shop/__init__.py:4" in done.stderr
    assert "Set what it needs: --env SHOP_KEY=VALUE" in done.stderr
    (run,) = (folder / "out").iterdir()
    assert left_of(run.name) == {}
