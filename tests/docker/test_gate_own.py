"""Real gates of a user's own repository on the Docker engine, through the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.checkout import CHECKOUT
from tests.docker.test_gate import FEW_STARTS, GATE, GATE_LIMIT_S, Done
from tests.docker.test_run import left_of
from tests.loadtests.gate.test_versions import in_git

pytestmark = [
    pytest.mark.docker,
    pytest.mark.slow,
    pytest.mark.parallel,
    pytest.mark.usefixtures("built"),
]

ANSWERS = ("tests.docker.gate_of_answers",)

SMALL = ("--no-scaling", "--max-minutes", "0.5", "--seed", "3")
"""Minutes for a few starts of each version; what is measured here is not how fast they are."""

BLOG = """\
import os
from flask import Flask, redirect, request, session

app = Flask(__name__)
app.config.from_mapping(SECRET_KEY={key})


@app.get("/")
def index():
    return {{"sum": sum(range(20_000))}}


@app.post("/auth/login")
def login():
    session["user"] = request.form["username"]
    return redirect("/me")


@app.get("/me")
def me():
    return session.get("user") or ("log in first", 401)
"""
"""Like the application of Flask's tutorial, with a login of one user."""

DOCKERFILE = """\
FROM twofold/app:latest
COPY blog.py /srv/
EXPOSE 5000
CMD ["/venv/bin/gunicorn", "--bind", "0.0.0.0:5000", "--workers", "2", "blog:app"]
"""

COMPOSE = {
    "services": {
        "web": {"build": ".", "depends_on": ["cache"], "environment": {"TOKEN": "a$$b"}},
        "cache": {
            "image": "twofold/app:latest",
            "command": ["/venv/bin/python", "-m", "http.server", "9000"],
        },
    }
}

CONFIGURATION = """
target = {target}
[workloads.browse]
start = [{{method = "POST", path = "/auth/login", form = {{username = "ada"}}, expect = 302}}]
requests = ["3 GET /", "GET /me"]
"""


@pytest.fixture
def blog(tmp_path: Path) -> Path:
    """The repository of a user, with one commit on main."""
    folder = tmp_path / "blog"
    folder.mkdir()
    (folder / "blog.py").write_text(BLOG.format(key='"dev"'))
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "requirements.txt").write_text("flask\n")
    (folder / "compose.yaml").write_text(json.dumps(COMPOSE))
    in_git(folder, "init", "--quiet")
    in_git(folder, "add", "--all")
    in_git(folder, "commit", "--quiet", "--message", "one")
    return folder


def gate(folder: Path, *words: str, program: tuple[str, ...] = GATE) -> Done:
    results = folder.parent / "results"
    done = subprocess.run(
        (sys.executable, "-m", *program, *words, "--json", "--out", str(results)),
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "GITHUB_STEP_SUMMARY": ""},
        text=True,
        capture_output=True,
        timeout=GATE_LIMIT_S,
        check=False,
    )
    folders = list(results.iterdir()) if results.is_dir() else []
    for left in folders:
        assert left_of(left.name) == {}
    return Done(
        code=done.returncode,
        stdout=done.stdout,
        stderr=done.stderr,
        folder=folders[0] if folders else None,
    )


def found(done: Done) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def test_an_unchanged_repository_is_compared_and_headed_by_what_runs(blog: Path) -> None:
    """Whether it passes is a figure, which a busy machine decides; it is never called worse."""
    (blog / "twofold.toml").write_text(CONFIGURATION.format(target='"."'))

    done = gate(blog, "--base", "main", "--head", ".", *SMALL, program=FEW_STARTS)

    assert done.code in {0, 3}, done.stderr
    result = found(done)
    assert result["titles"] == {"as-started": "as started: gunicorn sync, 2 workers"}
    assert (result["base"]["port"], result["head"]["port"]) == (5000, 5000)
    assert result["base"]["commit"] == in_git(blog, "rev-parse", "main")
    assert len(result["evidence"]["pairs"]) >= 4
    for pair in result["evidence"]["pairs"]:
        for window in pair["windows"]:
            # In an open loop, a machine that others use may have to drop requests.
            if window["mode"] == "closed":
                assert window["base"]["failed"] == window["head"]["failed"] == 0
            assert window["base"]["completed"] > 0
    states = {probe["result"]["state"] for probe in result["evidence"]["probes"]}
    assert "breaks" not in states


def answers(done: Done) -> dict[str, Any]:
    assert done.stdout, done.stderr
    (guard,) = (end for end in found(done)["endpoints"] if end["endpoint"] == "answers")
    return dict(guard)


def test_a_random_key_in_head_of_a_compose_file_is_a_regression(blog: Path) -> None:
    (blog / "twofold.toml").write_text(CONFIGURATION.format(target='"compose.yaml:web"'))
    (blog / "blog.py").write_text(BLOG.format(key="os.urandom(24)"))

    done = gate(blog, "--base", "main", "--head", ".", *SMALL, program=ANSWERS)

    guard = answers(done)
    assert (done.code, guard["verdict"], guard["units"]) == (1, "regressed", 6), done.stderr
    assert guard["base"] == 0.0
    assert "GET /me" in guard["reason"]
    assert any(line.startswith("changed: blog.py") for line in found(done)["facts"]["differences"])


def test_another_key_of_all_servers_in_an_application_by_import_string_is_none(
    blog: Path,
) -> None:
    (blog / "twofold.toml").write_text(CONFIGURATION.format(target='"blog:app"'))
    (blog / "blog.py").write_text(BLOG.format(key='"another"'))

    done = gate(blog, "--base", "main", "--head", ".", *SMALL, program=ANSWERS)

    guard, result = answers(done), found(done)
    assert (guard["verdict"], guard["base"], guard["head"]) == ("pass", 0.0, 0.0)
    assert any(line.startswith("changed: blog.py") for line in result["facts"]["differences"])
    assert result["base"]["digest"] != result["head"]["digest"]


def test_code_that_is_mounted_over_the_image_is_exit_code_2(blog: Path) -> None:
    service = {"build": ".", "volumes": [".:/srv"], "ports": ["5000:5000"]}
    (blog / "compose.yaml").write_text(json.dumps({"services": {"web": service}}))
    in_git(blog, "add", "--all")
    in_git(blog, "commit", "--quiet", "--message", "compose")

    words = ("--service", "compose.yaml:web", "--base", "main", "--head", ".", *SMALL)
    done = gate(blog, *words, program=FEW_STARTS)

    assert done.code == 2
    assert "Base and head would run the same code" in done.stderr
    assert done.folder is None
