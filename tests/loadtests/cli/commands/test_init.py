from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

SHOP = """
from flask import Flask
app = Flask(__name__)
@app.get("/")
def index(): return "hello"
@app.get("/items/<int:id>")
def item(id): return str(id)
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "shop.py").write_text(SHOP)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("VIRTUAL_ENV", raising=False)
    return folder


def test_a_configuration_is_written_that_runs_as_it_is(twofold: Any, folder: Path) -> None:
    ended = twofold("init", out=False)
    planned = twofold("plan", "--json")

    assert ended.code == 0
    assert ended.stdout.startswith("Target     shop:app (an application in shop.py)\n")
    assert (folder / "twofold.toml").is_file()
    assert planned.document["tested"]["application"] == "shop:app"
    (workload,) = planned.document["workloads"]
    assert [request["path"] for request in workload["requests"]] == ["/"]


@pytest.mark.parametrize(
    ("target", "application", "paths"),
    [("shop", "shop:app", ["/"]), ("other:make()", "other:make()", ["/two"])],
)
def test_the_target_can_be_named(
    twofold: Any, folder: Path, target: str, application: str, paths: list[str]
) -> None:
    (folder / "other.py").write_text(
        "from flask import Flask\n"
        "def make():\n"
        "    app = Flask(__name__)\n"
        "    app.add_url_rule('/two', view_func=lambda: 'two', endpoint='two')\n"
        "    return app\n"
    )
    ended = twofold("init", target, out=False)
    planned = twofold("plan", "--json")

    assert ended.code == 0
    assert ended.stdout.startswith(f"Target     {application} (the target that you named)\n")
    assert planned.document["tested"]["application"] == application
    (workload,) = planned.document["workloads"]
    assert [request["path"] for request in workload["requests"]] == paths


def test_a_named_target_that_does_not_import_is_told(twofold: Any, folder: Path) -> None:
    (folder / "broken.py").write_text("import nothing_of_this_name")
    ended = twofold("init", "broken:app", out=False)

    assert ended.code == 2
    assert "No module named 'nothing_of_this_name'" in ended.stderr
    assert not (folder / "twofold.toml").exists()


def test_a_named_url_is_asked_its_root(twofold: Any, folder: Path) -> None:
    ended = twofold("init", "http://127.0.0.1:8000", out=False)

    assert ended.code == 0
    assert "Load       GET /\n" in ended.stdout
    assert 'target = "http://127.0.0.1:8000"' in (folder / "twofold.toml").read_text()


def test_nothing_is_written_over_without_being_asked(twofold: Any, folder: Path) -> None:
    (folder / "twofold.toml").write_text("rounds = 8")
    refused = twofold("init", out=False)

    assert refused.code == 2
    assert "twofold.toml configures Twofold already. Write over it: twofold init --force" in (
        refused.stderr
    )
    assert (folder / "twofold.toml").read_text() == "rounds = 8"
    assert twofold("init", "--force", out=False).code == 0
    assert "shop:app" in (folder / "twofold.toml").read_text()


def test_a_pyproject_that_configures_us_is_left_alone(twofold: Any, folder: Path) -> None:
    (folder / "pyproject.toml").write_text("[tool.twofold]\nrounds = 8")
    refused = twofold("init", "--force", out=False)

    assert refused.code == 2
    assert "pyproject.toml configures Twofold already. Change it there." in refused.stderr


def test_what_was_found_is_one_json_document(twofold: Any) -> None:
    document = twofold("init", "--json", out=False).document

    assert (document["file"], document["target"]) == ("twofold.toml", "shop:app")
    assert {route["path"]: route["status"] for route in document["routes"]}["/"] == 200


def test_an_empty_folder_is_exit_code_2(twofold: Any, folder: Path) -> None:
    (folder / "shop.py").unlink()
    ended = twofold("init", out=False)

    assert ended.code == 2
    assert ended.stderr.startswith("twofold: Nothing was found in ")
    assert not (folder / "twofold.toml").exists()
