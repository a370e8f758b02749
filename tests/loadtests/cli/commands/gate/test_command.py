"""The command line of a gate: what each option does, what is said where, and the exit codes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from loadtests.gate import pipeline
from loadtests.gate.model.vocabulary import EndpointName, GateVerdict, SideName
from loadtests.gate.request import GateRequest
from loadtests.model import errors
from tests.loadtests.cli.commands.gate.calls import Gate
from tests.loadtests.fakes.gate import GateWorld, put_in_memory, slower_head

CALIBRATION = ("calibrate", "--margin", "0.2")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> GateWorld:
    made = GateWorld(rps=slower_head(0.0))
    put_in_memory(monkeypatch, made)
    return made


# -- how it ends -------------------------------------------------------------------------------


def test_versions_that_are_alike_pass_with_exit_code_0(gate: Gate, world: GateWorld) -> None:
    assert gate() == errors.EXIT_YES

    assert "pass" in gate.stdout.lower()
    assert "changed: shop.py" in gate.stderr
    assert f"Report: {gate.folder}/report.html" in gate.stderr


def test_a_slower_head_is_exit_code_1_with_the_loss(gate: Gate, world: GateWorld) -> None:
    world.rps = slower_head(0.1)

    assert gate() == errors.EXIT_NO

    assert "regressed" in gate.stdout.lower()
    assert "throughput" in gate.stdout


def test_a_faster_head_is_exit_code_0(gate: Gate, world: GateWorld) -> None:
    world.rps = slower_head(-0.1)

    assert gate("--json") == errors.EXIT_YES
    assert gate.document["verdict"] == GateVerdict.IMPROVED


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--workers", "gtread"), "Did you mean gthread?"),
        (("--workers", "sync,sync"), "'sync' is given twice"),
        (("--workload", "db"), "needs a store"),
        (("--workers", ""), "--workers"),
        (("--workload", "disk"), "--workload 'disk' is unknown"),
        (("--margin", "2"), "--margin is 2"),
        (("--max-minutes", "0.01"), "--max-minutes is 0.01"),
        (("--start-limit", "0"), "--start-limit is 0"),
        (("--base-env", "DEBUG"), "--base-env 'DEBUG' is not NAME=VALUE"),
        (("--head-env", "api-token=s3cret"), "--head-env 'api-token=***' is not NAME=VALUE"),
        (("--head-env", "TOKEN: s3cret"), "--head-env 'TOKEN:***' is not NAME=VALUE"),
        (("--env", "TOKEN: s3cret"), "--env 'TOKEN:***' is no name of a variable"),
        (("--head-env", "SECRET_KEY=1"), "--head-env SECRET_KEY cannot be set"),
        (("--append", "gate-of-nobody"), "There is no gate 'gate-of-nobody'"),
        (("--judge", "nowhere.json"), "nowhere.json cannot be read"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    gate: Gate, world: GateWorld, words: tuple[str, ...], said: str
) -> None:
    assert gate(*words) == errors.EXIT_USAGE

    assert said in gate.stderr
    assert gate.stdout == ""
    assert "Traceback" not in gate.stderr
    assert world.trials == []
    assert list(gate.results.iterdir()) == []


def test_a_machine_that_others_use_makes_the_gate_invalid_with_exit_code_3(
    gate: Gate, world: GateWorld
) -> None:
    world.foreign = lambda _: 0.3

    assert gate("--json") == errors.EXIT_CANNOT_TELL

    assert gate.document["verdict"] == GateVerdict.INVALID
    assert [finding["code"] for finding in gate.document["findings"]] == ["host_contention"]


def test_a_version_that_ends_at_once_is_exit_code_4_and_all_comes_down(
    gate: Gate, world: GateWorld
) -> None:
    world.ended = "A start of head (head-a-1) ended with code 3 before it answered."
    world.down = {"head-a-1"}

    assert gate() == errors.EXIT_ENVIRONMENT

    assert "A start of head (head-a-1) ended with code 3" in gate.stderr
    assert "Traceback" not in gate.stderr
    assert world.open == 0


def test_a_folder_that_cannot_be_written_is_told_before_anything_is_built(
    gate: Gate, world: GateWorld
) -> None:
    gate.results = gate.results / "a-file/results"
    gate.results.parent.write_text("")

    assert gate() == errors.EXIT_ENVIRONMENT
    assert f"The results folder {gate.results} cannot be written" in gate.stderr
    assert world.pulls == []


# -- what its options do -----------------------------------------------------------------------


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[GateRequest]:
    """What the pipeline is asked for; it is not run."""
    asked: list[GateRequest] = []

    def run(request: GateRequest, _: object) -> Any:
        asked.append(request)
        raise errors.EnvironmentFailure("It is not run.")

    monkeypatch.setattr(pipeline, "run", run)
    return asked


def test_every_option_reaches_the_pipeline(gate: Gate, requests: list[GateRequest]) -> None:
    words = (
        *("--base", "v1", "--head", "shop:2", "--workers", "sync,gthread", "--workload", "/search"),
        *("--margin", "0.1", "--max-minutes", "3", "--no-scaling", "--seed", "7", "--samples"),
        *("--base-env", "A=1", "--base-env", "B=2", "--head-env", "A=3"),
    )

    assert gate(*words) == errors.EXIT_ENVIRONMENT

    (request,) = requests
    options = request.options
    assert (options.base, options.head) == ("v1", "shop:2")
    assert (options.workers, options.workload) == (("sync", "gthread"), "/search")
    assert (options.margin, options.max_minutes, options.scaling) == (0.1, 3.0, False)
    assert options.base_environment == {"A": "1", "B": "2"}
    assert options.head_environment == {"A": "3"}
    assert (request.seed, request.keep_samples, request.calibrate) == (7, True, False)
    assert request.results == gate.results
    assert (request.root / "compose/gate.yaml").is_file()


def test_without_options_it_is_the_working_tree_against_the_merge_base(
    gate: Gate, requests: list[GateRequest]
) -> None:
    gate()
    gate()

    first, second = requests
    assert (first.options.base, first.options.head) == (None, None)
    assert first.options.scaling
    assert not first.keep_samples
    assert first.here == Path.cwd()
    assert first.seed != second.seed


def test_json_is_the_file_itself(gate: Gate, world: GateWorld) -> None:
    gate("--json")

    assert gate.stdout == (gate.folder / "verdict.json").read_text()
    assert gate.document["facts"]["finished"]


def test_a_gate_leaves_its_files(gate: Gate, world: GateWorld) -> None:
    gate("--no-scaling")

    names = {path.name for path in gate.folder.iterdir()}
    assert names == {"verdict.json", "report.html", "report.md", "junit.xml"}


def test_a_gate_is_judged_again_and_nothing_is_measured(gate: Gate, world: GateWorld) -> None:
    gate("--json", "--no-scaling")
    before, measured = gate.stdout, len(world.trials)

    assert gate("--judge", str(gate.folder / "verdict.json"), "--json") == errors.EXIT_YES

    assert gate.stdout == before
    assert len(world.trials) == measured
    assert "Report:" not in gate.stderr


def test_evidence_is_added_to_an_earlier_gate(gate: Gate, world: GateWorld) -> None:
    gate("--no-scaling")
    name = gate.folder.name

    assert gate("--no-scaling", "--append", name, "--json") == errors.EXIT_YES
    assert gate.document["evidence"]["sessions"] == 2


def test_no_scaling_leaves_the_doubling_factor_out(gate: Gate, world: GateWorld) -> None:
    gate("--no-scaling", "--json")

    endpoints = {endpoint["endpoint"] for endpoint in gate.document["endpoints"]}
    assert EndpointName.SCALING not in endpoints
    assert gate.document["evidence"]["blocks"] == []


def test_a_gate_is_added_to_the_history_where_that_is_asked_for(
    gate: Gate, world: GateWorld
) -> None:
    gate("--no-scaling")
    assert not (gate.results / "history.jsonl").exists()
    gate("--no-scaling", "--history", "--release", "1.0")
    gate("--no-scaling", "--history")

    assert gate("history", "--json") == errors.EXIT_YES
    assert gate.document["merges"] == 1


def test_a_configuration_that_changes_while_a_gate_measures_changes_neither_answer_nor_history(
    gate: Gate, world: GateWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    project = tmp_path / "project"
    project.mkdir()
    file = project / "twofold.toml"
    file.write_text('target = "sample"\n[gate]\nhistory = true\n')
    monkeypatch.chdir(project)

    def before_trial(_: int) -> None:
        file.write_text("[gate")

    world.before_trial = before_trial

    assert gate("--no-scaling") == errors.EXIT_YES

    assert file.read_text() == "[gate"
    assert len((gate.results / "history.jsonl").read_text().splitlines()) == 1


def test_a_gate_that_was_continued_is_one_in_the_history(gate: Gate, world: GateWorld) -> None:
    gate("--no-scaling", "--history")
    gate("--no-scaling", "--append", gate.folder.name, "--history")

    assert len((gate.results / "history.jsonl").read_text().splitlines()) == 2
    gate("history", "--json")
    assert gate.document["merges"] == 1


def test_a_job_of_github_gets_annotations_and_a_summary(
    gate: Gate, world: GateWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    world.rps = slower_head(0.1)
    summary = tmp_path / "summary.md"
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(summary))

    gate("--no-scaling")

    assert "::error" in gate.stderr
    assert summary.read_text() == (gate.folder / "report.md").read_text() + "\n"


def test_a_summary_that_cannot_be_written_takes_no_answer_away(
    gate: Gate, world: GateWorld, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Such as in a container that has the job's variables, and not its files."""
    world.rps = slower_head(0.1)
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "nowhere/summary.md"))

    assert gate("--no-scaling", "--json") == errors.EXIT_NO

    assert gate.document["verdict"] == GateVerdict.REGRESSED
    assert "nowhere/summary.md (GITHUB_STEP_SUMMARY) cannot be written" in gate.stderr


def test_a_history_that_cannot_be_written_is_told_after_the_answer(
    gate: Gate, world: GateWorld
) -> None:
    (gate.results / "history.jsonl").mkdir()

    assert gate("--no-scaling", "--json", "--history") == errors.EXIT_ENVIRONMENT

    assert gate.document["verdict"] == GateVerdict.PASS
    assert "history.jsonl" in gate.stderr


# -- calibrate ---------------------------------------------------------------------------------


def test_calibrate_tells_what_a_gate_can_see_here(gate: Gate, world: GateWorld) -> None:
    assert gate(*CALIBRATION) == errors.EXIT_YES

    assert f"Figures: {gate.folder}/verdict.json" in gate.stderr
    assert "throughput" in gate.stdout


def test_calibrate_measures_one_version_against_itself(
    gate: Gate, requests: list[GateRequest]
) -> None:
    gate("calibrate", "--head", "shop:2", "--workload", "io", "--seed", "3")

    (request,) = requests
    assert request.calibrate
    assert (request.options.base, request.options.head) == ("shop:2", "shop:2")
    assert (request.options.workload, request.options.scaling, request.seed) == ("io", False, 3)


def test_calibrate_gives_one_json_document(gate: Gate, world: GateWorld) -> None:
    assert gate(*CALIBRATION, "--json") == errors.EXIT_YES
    assert gate.document


def test_margins_that_cannot_be_held_here_are_exit_code_3(gate: Gate, world: GateWorld) -> None:
    def rps(_: object, members: Sequence[str]) -> float:
        number = int(members[0].rpartition("-")[2])
        head = members[0].startswith(SideName.HEAD)
        return 100.0 * (1 + 0.5 * ((number + head) % 3))

    world.rps = rps

    assert gate("calibrate", "--margin", "0.005") == errors.EXIT_CANNOT_TELL
