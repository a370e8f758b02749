"""The command line of ``run`` and ``plan`` for a target of the user's, over a stack in memory."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from loadtests.report.text import profiles
from loadtests.targets.registry import FORMS

CONFIGURATION = """
target = "shop:app"
replicas = [1, 2]
seed = 7
rounds = 4
factor = 1.5
precision = 0.1
env = {TOKEN = "hunter2"}
[variants.gthread-8]
server = "gunicorn"
worker = "gthread"
threads = 8
[workloads.browse]
requests = ["3 GET /", "GET /items/{1..9}"]
[[checks]]
name = "a login holds"
write = {path = "/login", form = {password = "hunter2"}, headers = {Authorization = "hunter2"}}
read = {path = "/me", expect = {status = 200, contains = "ada"}}
"""

LOGIN = """
[workloads.login]
start = [{method = "POST", path = "/login", json = {user = "ada", password = "from-file"}}]
requests = ["GET /"]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "shop.py").write_text("app = None")
    monkeypatch.chdir(folder)
    return folder


def test_the_file_says_what_is_tested_and_how(twofold: Any, folder: Path) -> None:
    (folder / "twofold.toml").write_text(CONFIGURATION)
    plan = twofold("plan", "--json").document

    assert (plan["tested"]["kind"], plan["tested"]["given"]) == ("import_string", "shop:app")
    assert (plan["seed"], plan["replica_counts"]) == (7, [1, 2])
    assert (plan["target"], plan["precision_ratio"]) == (1.5, 0.1)
    assert (plan["rounds_min"], plan["rounds_max"]) == (4, 4)
    assert [worker["name"] for worker in plan["workers"]] == ["gthread-8"]
    assert [workload["name"] for workload in plan["workloads"]] == ["browse"]
    assert [check["name"] for check in plan["checks"]] == ["a login holds"]


def test_an_option_wins(twofold: Any, folder: Path) -> None:
    (folder / "twofold.toml").write_text(CONFIGURATION)
    options = ("--replicas", "2,4", "--seed", "8", "--target", "1.8", "--variants", "gthread-8")
    plan = twofold("plan", "--json", *options, "--request", "/a", "--image", "shop:1").document

    assert plan["tested"]["image"] == "shop:1"
    assert (plan["seed"], plan["replica_counts"], plan["target"]) == (8, [2, 4], 1.8)
    assert [workload["name"] for workload in plan["workloads"]] == ["requests"]


def test_a_plan_says_what_is_asked_and_checked(twofold: Any, folder: Path) -> None:
    (folder / "twofold.toml").write_text(CONFIGURATION)
    ended = twofold("plan")

    assert ended.code == 0
    assert f"Tested     shop:app (a WSGI application, in {folder})" in ended.stdout
    assert "Set        variables TOKEN (their values are not shown)" in ended.stdout
    assert "Starts     2 replicas of each variant; nginx; the load generator" in ended.stdout
    assert "Workers    gthread-8 (gunicorn gthread, 1 × 8, 8 slots)" in ended.stdout
    assert "Asked by browse:\n      75.0%  GET /\n      25.0%  GET /items/{1..9}" in ended.stdout
    assert "a login holds: POST /login through one, GET /me → 200 with 'ada'" in ended.stdout


def test_a_plan_of_an_asynchronous_application_says_so(twofold: Any, folder: Path) -> None:
    (folder / "shop.py").write_text("from fastapi import FastAPI\napp = FastAPI()\n")

    ended = twofold("plan", "shop:app", "--no-profile")
    refused = twofold("plan", "shop:app", "--workers", "gthread")

    assert f"Tested     shop:app (an asynchronous application, in {folder})" in ended.stdout
    assert "Workers    uvicorn (unlimited slots)" in ended.stdout
    assert "Measured instead: uvicorn." in ended.stdout
    assert refused.code == 2


def test_no_secret_is_written_down(
    twofold: Any, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    configuration = CONFIGURATION.replace("hunter2", "from-file") + LOGIN
    (folder / "twofold.toml").write_text(configuration)
    words = (
        *("run", "--env", "KEY=from-option", "--env=OTHER=from-option", "--quick"),
        *("--header", "X-Api-Key=from-option", "--header=Accept=text/html"),
    )
    monkeypatch.setattr("sys.argv", ["twofold", *words])
    twofold(*words)

    (written,) = tmp_path.glob("*/run.json")
    run = json.loads(written.read_text())
    assert run["command"] == (
        "twofold run --env 'KEY=***' '--env=OTHER=***' --quick --header 'X-Api-Key=***'"
        " --header=Accept=text/html"
    )
    assert set(run["plan"]["tested"]["env"]) == {"TOKEN", "KEY", "OTHER"}
    for file in written.parent.rglob("*.*"):
        text = file.read_bytes()
        assert b"from-file" not in text, file
        assert b"from-option" not in text, file
    assert run["plan"]["checks"][0]["write"]["headers"]["Authorization"] == "***"
    assert run["plan"]["checks"][0]["write"]["body"] == "password=***"
    (login,) = (entry for entry in run["plan"]["workloads"] if entry["name"] == "login")
    assert login["start"][0]["json"] == {"user": "ada", "password": "***"}


@pytest.mark.parametrize("form", FORMS.values(), ids=lambda form: form.option)
def test_each_form_has_an_option_and_two_targets_are_refused(twofold: Any, form: Any) -> None:
    ended = twofold("plan", "shop:app", form.option, form.metavar)

    assert ended.code == 2
    assert f"A run has one target, and here are 2: shop:app, {form.option}" in ended.stderr


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--health", "healthz"), "--health: The path 'healthz' has to begin with one slash"),
        (("--port", "0"), "--port is 0; it has to be from 1 to 65535"),
        (("--env", "A-B=1"), "--env 'A-B' is no name of a variable"),
        (("--env", "NO_SUCH_VARIABLE"), "where NO_SUCH_VARIABLE is not set"),
        (("--request", "GTE /"), "--request: Unknown method 'GTE'. Did you mean GET?"),
        (("--locustfile", "gone.py"), "--locustfile gone.py: there is no such file"),
        (("--tags", "read"), "--tags belongs to a locustfile"),
        (("--reset-command", ""), "--reset-command is empty"),
        (("--reset-command", "a 'b"), '--reset-command "a \'b": no closing quotation'),
        (("--config", "gone.toml"), "gone.toml cannot be read"),
        (("--variants", "gthred"), "Unknown worker model 'gthred'"),
    ],
)
def test_a_bad_option_is_one_message_and_exit_code_2(
    twofold: Any, options: tuple[str, ...], told: str
) -> None:
    ended = twofold("plan", "shop:app", *options)

    assert ended.code == 2
    assert told in ended.stderr
    assert ended.stderr.count("\n") == 1


def test_a_variable_can_be_taken_from_the_shell(
    twofold: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    ended = twofold("plan", "shop:app", "--env", "DATABASE_URL", "--json")

    assert ended.document["tested"]["env"] == {"DATABASE_URL": "***"}


def test_the_store_of_the_sample_application_is_not_started_for_another(twofold: Any) -> None:
    assert twofold("plan", "--probe", "--json").document["with_store"] is True
    assert twofold("plan", "shop:app", "--probe", "--json").document["with_store"] is False


def test_the_sample_application_can_be_named_in_a_file(twofold: Any, folder: Path) -> None:
    (folder / "twofold.toml").write_text('target = "sample"\nworkload = "db"\nworkers = "sync"')
    plan = twofold("plan", "--json").document

    assert (plan["tested"]["kind"], plan["with_store"]) == ("sample", True)
    assert [worker["name"] for worker in plan["workers"]] == ["sync"]


def test_the_reports_of_a_run_are_where_the_file_says(twofold: Any, folder: Path) -> None:
    (folder / "twofold.toml").write_text(CONFIGURATION + "[gate]\n")
    text = (folder / "twofold.toml").read_text()
    (folder / "twofold.toml").write_text(f'out = "measured"\n{text}')
    ran = twofold("run", "--quick", "--json", out=False)

    assert (folder / "measured" / ran.document["run_id"] / "run.json").is_file()
    assert twofold("report", out=False).code == ran.code


def test_generators_elsewhere_are_for_a_url_and_a_swarm_has_labels(twofold: Any) -> None:
    ended = twofold("plan", "shop:app", "--generator-workers", "10.0.0.5:8089")

    assert ended.code == 2
    assert "--generator-workers is for a deployment that is running already" in ended.stderr
    assert "twofold.role=generator" in ended.stderr


@pytest.mark.parametrize("command", ["plan", "run"])
def test_a_loopback_url_is_no_target_of_other_machines(twofold: Any, command: str) -> None:
    ended = twofold(
        command, "--url", "http://localhost:18080", "--generator-workers", "203.0.113.9:8089"
    )

    assert ended.code == 2
    assert "means another machine at 203.0.113.9:8089" in ended.stderr


def test_a_generator_behind_a_port_of_this_machine_is_told_in_the_plan(twofold: Any) -> None:
    words = ("--url", "http://127.0.0.1:18080", "--generator-workers", "127.0.0.1:8089")

    ended = twofold("plan", *words, "--json")

    assert ended.code == 0, ended.stderr
    told = ended.document["tested"]["notes"]
    assert any("read where each generator runs" in note for note in told)


@pytest.mark.parametrize("option", ["--latency", "--slo=p99=250ms"])
def test_latency_under_load_is_refused_for_a_url(twofold: Any, option: str) -> None:
    ended = twofold("plan", "--url", "http://127.0.0.1:8080", option)

    assert ended.code == 2
    assert f"{option.partition('=')[0]} cannot be used with http://127.0.0.1:8080" in ended.stderr


@pytest.mark.parametrize(("words", "told"), [(("--profile",), True), ((), False)])
def test_profiles_that_a_url_cannot_have_are_told_if_asked_for(
    twofold: Any, words: tuple[str, ...], told: bool
) -> None:
    ended = twofold("plan", "--url", "http://127.0.0.1:8080", *words, "--json")

    assert (profiles.OF_A_URL in ended.document["tested"]["notes"]) is told


def test_objectives_of_a_file_are_for_its_own_target(twofold: Any, folder: Path) -> None:
    """The same file serves for local runs; the URL of the command line has no objective."""
    (folder / "twofold.toml").write_text('target = "shop:app"\nslo = "p99=250ms"\n')

    ended = twofold("plan", "--url", "http://127.0.0.1:8080")

    assert ended.code == 0, ended.stderr
    assert "--slo" not in ended.stderr


def test_a_variant_of_the_file_is_refused_for_a_url(twofold: Any, folder: Path) -> None:
    (folder / "twofold.toml").write_text('[variants]\neight = {server = "gunicorn"}\n')

    named = twofold("plan", "--url", "http://127.0.0.1:8080", "--variants", "eight")
    unnamed = twofold("plan", "--url", "http://127.0.0.1:8080", "--json")

    assert named.code == 2
    assert "--workers names eight, and http://127.0.0.1:8080 is served by what" in named.stderr
    assert [worker["name"] for worker in unnamed.document["workers"]] == ["as-started"]


@pytest.mark.parametrize("command", ["plan", "gate"])
def test_a_folder_whose_name_is_not_utf8_is_one_message(
    twofold: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    project = folder / os.fsdecode(b"caf\xe9")
    project.mkdir()
    (project / "shop.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    monkeypatch.chdir(project)

    ended = twofold(command, "--app", "shop:app", "--request", "GET /")

    assert (ended.code, ended.stdout) == (2, "")
    assert "Traceback" not in ended.stderr
    assert "caf\ufffd' has a name that is not UTF-8" in ended.stderr


def test_words_that_are_not_utf8_are_one_message(twofold: Any, folder: Path) -> None:
    word = os.fsdecode(b"caf\xe9")

    file = ("plan", "shop:app", "--locustfile", word)
    for words in (("plan", word), file, ("gate", "--base", word)):
        ended = twofold(*words)

        assert (ended.code, ended.stdout) == (2, "")
        assert "Traceback" not in ended.stderr
