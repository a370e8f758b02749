"""Whole runs of applications that are not ours, as plain processes, by the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from loadtests.environments.processes import lent
from tests import needs
from tests.checkout import CHECKOUT
from tests.loadtests.targets.application.folders import make_folder

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parallel,  # what is measured is not looked at
    needs.PROCESSES,
]

FLASK_APP = """\
from flask import Flask
app = Flask(__name__)
@app.get("/")
def index():
    return "-".join(str(number) for number in range(4000))
"""

FAILING_APP = """\
def app(environ, start_response):
    print("no such table: users", flush=True)
    start_response("500 Internal Server Error", [("Content-Type", "text/plain")])
    return [b"no such table"]
"""

SMALL = ("--backend", "processes", "--quick", "--workers", "gthread", "--replicas", "1,2")


def twofold(folder: Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a folder, with a temporary folder of its own."""
    temporary = folder / "temporary"
    temporary.mkdir()
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    own = {"PYTHONPATH": str(CHECKOUT), "TMPDIR": str(temporary), "NO_COLOR": "1", **variables}
    return subprocess.run(
        [sys.executable, "-m", "tests.short_run", "run", *words, "--out", str(folder / "out")],
        cwd=folder,
        env=environment | own,
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )


def test_an_application_of_five_lines_is_measured_and_nothing_is_left(tmp_path: Path) -> None:
    make_folder(tmp_path, {"shop.py": FLASK_APP})

    done = twofold(tmp_path, "shop", *SMALL)

    assert done.returncode in {0, 1, 3}, done.stderr  # what else the machine does decides
    (run,) = (tmp_path / "out").iterdir()
    document = json.loads((run / "run.json").read_text())
    assert [cell["replicas"] for cell in document["cells"]] == [1, 2]
    assert all(cell["throughput_rps"]["estimate"] > 0 for cell in document["cells"])
    plan = document["plan"]
    assert plan["tested"]["application"] == "shop:app"
    assert "found as Flask finds it" in " ".join(plan["tested"]["notes"])
    assert not {finding["code"] for finding in document["invalid"]} & {"conservation", "errors"}
    assert list((tmp_path / "temporary").iterdir()) == []


def test_an_environment_without_gunicorn_is_lent_one_and_what_fails_is_told(
    tmp_path: Path,
) -> None:
    make_folder(tmp_path, {"src/shop.py": FAILING_APP})
    venv.create(tmp_path / ".venv", symlinks=True)

    done = twofold(tmp_path, "shop:app", *SMALL, "--start-limit", "5")

    assert done.returncode == 4, done.stderr
    assert (
        "twofold: Replica gthread-1 (and 1 more) of 2 answers GET / with 500 (no such table),"
        " and did so for"
    ) in done.stderr
    assert "no such table: users" in done.stderr
    (log,) = (tmp_path / "out").glob("*/logs/gthread-1.log")
    assert f"Starting gunicorn {lent.version()}" in log.read_text()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_an_application_that_does_not_import_starts_nothing(tmp_path: Path) -> None:
    make_folder(tmp_path, {"shop.py": "import os\nKEY = os.environ['SHOP_KEY']\n"})

    done = twofold(tmp_path, "shop:app", *SMALL)

    assert done.returncode == 2
    assert done.stderr.splitlines()[1:4] == [
        "  shop.py:2",
        "    KEY = os.environ['SHOP_KEY']",
        "KeyError: 'SHOP_KEY'",
    ]
    assert not (tmp_path / "out").exists()
    assert list((tmp_path / "temporary").iterdir()) == []
