"""The command line of a gate for a user's own target: options, configuration, and what is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loadtests.cli.boundary import run_command_line
from loadtests.gate import pipeline
from loadtests.gate.options import GateOptions
from loadtests.gate.request import GateRequest
from loadtests.model import errors
from loadtests.model.tested.target import TargetKind

CONFIGURATION = """
target = "shop:app"
health = "/ready"
env = {TOKEN = "hunter2"}
[variants.gthread-8]
server = "gunicorn"
worker = "gthread"
threads = 8
[workloads.browse]
requests = ["3 GET /", "GET /items/{1..9}"]
[workloads.search]
requests = ["GET /search"]
[[checks]]
name = "a login holds"
write = "POST /login"
read = {path = "/me", expect = {status = 200}}
[gate]
base = "v1"
workers = ["gthread-8"]
workload = "search"
margin = 0.1
max-minutes = 3
scaling = false
head-env = {DEBUG = "0"}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop"
    folder.mkdir()
    (folder / "shop.py").write_text("app = None")
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[GateRequest]:
    """What the pipeline is asked for; it is not run."""
    requests: list[GateRequest] = []

    def run(request: GateRequest, _: object) -> Any:
        requests.append(request)
        raise errors.EnvironmentFailure("It is not run.")

    monkeypatch.setattr(pipeline, "run", run)
    return requests


def options_of(asked: list[GateRequest], *words: str) -> GateOptions:
    assert run_command_line(["gate", *words]) == errors.EXIT_ENVIRONMENT
    return asked[-1].options


def test_the_file_says_what_is_compared_and_how(asked: list[GateRequest], folder: Path) -> None:
    (folder / "twofold.toml").write_text(CONFIGURATION)

    options = options_of(asked)

    assert options.project is not None
    tested = options.project.tested
    assert (tested.kind, tested.given, tested.health) == (
        TargetKind.IMPORT_STRING,
        "shop:app",
        "/ready",
    )
    assert (options.base, options.head, options.folder) == ("v1", None, folder)
    assert (options.workers, options.workload) == (("gthread-8",), "search")
    assert (options.margin, options.max_minutes, options.scaling) == (0.1, 3.0, False)
    assert options.head_environment == {"DEBUG": "0"}
    assert [check.name for check in options.project.checks] == ["a login holds"]


def test_an_option_wins_over_the_file(asked: list[GateRequest], folder: Path) -> None:
    (folder / "twofold.toml").write_text(CONFIGURATION)

    options = options_of(
        asked,
        *("--base", "main", "--head", ".", "--workers", "sync", "--workload", "browse"),
        *("--margin", "0.05", "--scaling", "--health", "/up", "--head-env", "DEBUG=1"),
    )

    assert options.project is not None
    assert (options.base, options.head) == ("main", ".")
    assert (options.workers, options.workload) == (("sync",), "browse")
    assert (options.margin, options.scaling) == (0.05, True)
    assert options.project.tested.health == "/up"
    assert options.head_environment == {"DEBUG": "1"}


def test_without_a_table_of_the_gate_it_is_the_files_first_variant_and_load(
    asked: list[GateRequest], folder: Path
) -> None:
    (folder / "twofold.toml").write_text(CONFIGURATION.partition("[gate]")[0])

    options = options_of(asked)

    assert (options.workers, options.workload) == (("gthread-8",), "browse")
    assert options.scaling


def test_requests_and_a_target_need_no_file(asked: list[GateRequest], folder: Path) -> None:
    options = options_of(asked, "--app", "shop:app", "--request", "GET /", "--env", "A=1")

    assert options.project is not None
    assert options.project.tested.kind is TargetKind.IMPORT_STRING
    assert options.project.tested.env == {"A": "1"}
    assert options.workers == ("gthread",)
    assert options.workload == "requests"


def test_a_dockerfile_here_is_the_target_where_nothing_is_named(
    asked: list[GateRequest], folder: Path
) -> None:
    (folder / "Dockerfile").write_text("FROM scratch\n")

    options = options_of(asked, "--base", "main", "--head", ".")

    assert options.project is not None
    assert options.project.tested.kind is TargetKind.DOCKERFILE
    assert options.workers == ("as-started",)
    assert options.project.workloads[options.workload].path == "/"


def test_so_is_one_in_app_but_for_a_checkout_of_twofold(
    asked: list[GateRequest], folder: Path
) -> None:
    for name in ("app", "compose"):
        (folder / name).mkdir()
    (folder / "app/Dockerfile").write_text("FROM scratch\n")

    options = options_of(asked, "--base", "main")

    assert options.project is not None
    assert options.project.tested.given == "app/Dockerfile"
    assert options.project.workloads[options.workload].path == "/"
    (folder / "compose/gate.yaml").write_text("")
    assert options_of(asked, "--base", "main").project is None


def test_two_images_are_measured_as_they_start(asked: list[GateRequest]) -> None:
    options = options_of(asked, "--base-image", "shop:1", "--head-image", "shop:2")

    assert options.project is not None
    assert options.project.tested.kind is TargetKind.IMAGE
    assert (options.base_image, options.head_image) == ("shop:1", "shop:2")
    assert options.workers == ("as-started",)


def test_two_variants_are_compared_on_one_version(asked: list[GateRequest]) -> None:
    options = options_of(asked, "--app", "shop:app", "--variants", "gthread,sync")

    assert options.variants == ("gthread", "sync")


def test_the_files_base_is_for_gates_of_two_versions(
    asked: list[GateRequest], folder: Path
) -> None:
    (folder / "twofold.toml").write_text(CONFIGURATION)

    assert options_of(asked, "--variants", "gthread-8,sync").base is None
    assert options_of(asked, "--variants", "sync").base == "v1"


def test_a_target_by_option_is_named_from_here_and_one_of_the_file_from_its_folder(
    asked: list[GateRequest], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / ".git").mkdir()
    (folder / "twofold.toml").write_text(CONFIGURATION)
    below = folder / "below"
    below.mkdir()
    (below / "other.py").write_text("app = None")
    monkeypatch.chdir(below)

    assert options_of(asked).folder == folder
    assert options_of(asked, "--app", "other:app").folder is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--workers", "gtread"), "Did you mean gthread?"),
        (("--workload", "brows"), "--workload 'brows' is unknown"),
        (("--workload", "cpu"), "--workload 'cpu' is unknown. Known: browse, search"),
        (("--variants", "gthread,sync,gevent"), "--variants has 3 names"),
        (("--app", "shop:app", "--dockerfile", "."), "A run has one target"),
        (("--health", "ready"), "--health"),
        (("--request", "GRAB /"), "--request"),
        (("--head-env", "DEBUG"), "--head-env 'DEBUG' is not NAME=VALUE"),
    ],
)
def test_what_cannot_be_used_is_one_message_and_exit_code_2(
    asked: list[GateRequest],
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    words: tuple[str, ...],
    said: str,
) -> None:
    (folder / "twofold.toml").write_text(CONFIGURATION.partition("[gate]")[0])
    (folder / "Dockerfile").write_text("FROM scratch\n")

    assert run_command_line(["gate", *words]) == errors.EXIT_USAGE
    message = capsys.readouterr().err
    assert said in message
    assert "Traceback" not in message
    assert asked == []


def test_a_deployment_has_no_versions(
    asked: list[GateRequest], folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "twofold.toml").write_text('target = "http://127.0.0.1:8000"\n')

    assert run_command_line(["gate"]) == errors.EXIT_USAGE
    assert "is running already, so no version of it can be built" in capsys.readouterr().err


def test_values_of_variables_are_any_for_an_own_target(
    asked: list[GateRequest], folder: Path
) -> None:
    options = options_of(asked, "--app", "shop:app", "--head-env", "SECRET_KEY=it's $1")

    assert options.head_environment == {"SECRET_KEY": "it's $1"}


def test_a_start_may_take_as_long_as_the_file_or_the_option_says(
    asked: list[GateRequest], folder: Path
) -> None:
    assert options_of(asked, "--app", "shop:app").start_limit_s == 90.0

    (folder / "twofold.toml").write_text(f"start-limit = 300\n{CONFIGURATION}")

    assert options_of(asked).start_limit_s == 300.0
    assert options_of(asked, "--start-limit", "400").start_limit_s == 400.0
