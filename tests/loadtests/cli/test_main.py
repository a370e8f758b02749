"""The command line: what each argv ends with, on which stream, and with which exit code."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import IO, Any

import pytest

from loadtests.__main__ import run_command_line
from loadtests.environments import registry
from loadtests.environments.compose import projects
from loadtests.environments.processes import leftovers
from loadtests.environments.registry import Chosen
from loadtests.model import errors
from loadtests.model.machine import Machine
from loadtests.tools import signals
from tests.loadtests.builders import make_machine
from tests.loadtests.fakes import FakeBackend, World

COMMANDS = ("run", "compare", "report", "export", "plan", "doctor", "down")
SMALL = ("--workers", "gthread", "--replicas", "1,2", "--rounds", "4", "--seed", "1")


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def machine() -> Machine:
    return make_machine()


@pytest.fixture(autouse=True)
def a_stack_in_memory(monkeypatch: pytest.MonkeyPatch, world: World, machine: Machine) -> None:
    def choose(asked: str, root: Path) -> Chosen:
        assert (root / "compose").is_dir()
        if asked == "processes":
            raise errors.EnvironmentFailure("No nginx here. Install it.")
        return Chosen(backend=FakeBackend(world), machine=machine, why="for a test")

    monkeypatch.setattr(registry, "choose", choose)


class Ended:
    """How a command ended."""

    def __init__(self, code: int, stdout: str, stderr: str) -> None:
        self.code = code
        self.stdout = stdout
        self.stderr = stderr

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on standard output."""
        found: dict[str, Any] = json.loads(self.stdout)
        return found


@pytest.fixture
def twofold(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Any:
    def call(*argv: str, out: bool = True) -> Ended:
        results = ("--out", str(tmp_path)) if out else ()
        code = run_command_line([*argv, *results])
        streams = capsys.readouterr()
        return Ended(code, streams.out, streams.err)

    return call


# -- help --------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("word", ["--help", "-h"])
def test_every_command_says_what_it_does(twofold: Any, command: str, word: str) -> None:
    ended = twofold(command, word, out=False)

    assert ended.code == 0
    assert f"twofold {command}" in ended.stdout
    assert "--json" in ended.stdout


def test_the_help_names_every_command_and_the_exit_codes(twofold: Any) -> None:
    ended = twofold("--help", out=False)

    assert ended.code == 0
    assert all(f"  {command} " in ended.stdout for command in COMMANDS)
    assert "3 cannot tell" in ended.stdout


def test_the_version_is_told(twofold: Any) -> None:
    assert twofold("--version", out=False).stdout.startswith("twofold, version ")


# -- bad input: one message with a way out, no traceback, nothing on standard output -----------


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("run", "--workers", "uvicorn"), "Unknown worker model 'uvicorn'"),
        (("run", "--workers", ""), "--workers names none"),
        (("run", "--workers", "gthread,,gthread"), "named twice"),
        (("run", "--replicas", "0,1,2"), "--replicas has 0"),
        (("run", "--replicas", "-1,2"), "--replicas has -1"),
        (("run", "--replicas", "one,two"), "--replicas is 'one,two'; it takes whole numbers"),
        (("run", "--replicas", "1.5,3"), "it takes whole numbers"),
        (("run", "--replicas", ""), "no doubling to judge"),
        (("run", "--replicas", "1,1,2"), "a number twice"),
        (("run", "--replicas", "1,2,16"), "What fits: --replicas 1,2,4,8"),
        (("run", "--replicas", "1,2,999"), "between 1 and 64"),
        (("run", "--workload", "disk"), "Unknown workload 'disk'"),
        (("run", "--backend", "podman"), "Unknown backend 'podman'"),
        (("run", "--rounds", "1"), "--rounds is 1"),
        (("run", "--rounds", "999999999"), "--rounds is 999999999"),
        (("run", "--rounds", "many"), "Invalid value for '--rounds'"),
        (("run", "--precision", "0"), "--precision is 0"),
        (("run", "--precision", "nan"), "--precision is nan"),
        (("run", "--target", "3"), "--target is 3"),
        (("run", "--slo", "99=1s"), "--slo is '99=1s'"),
        (("plan", "--slo", "p99=1h"), "Try --slo p99=250ms"),
        (("run", "--generator-processes", "0"), "--generator-processes is 0"),
        (("run", "--seed", "x"), "Invalid value for '--seed'"),
        (("run", "--unheard-of"), "No such option"),
        (("run", "surplus"), "unexpected extra argument"),
        (("plan", "--replicas", "1,3"), "no doubling to judge"),
        (("report", "yesterday"), "There is no run 'yesterday'"),
        (("report",), "There is no run in"),
        (("report", "--format", "pdf"), "Invalid value for '--format'"),
        (("compare",), "There is no run in"),
        (("export",), "There is no run in"),
        (("export", "--samples", "xlsx"), "Invalid value for '--samples'"),
        (("measure",), "No such command"),
    ],
)
def test_bad_input_is_one_message_and_exit_code_2(
    twofold: Any, argv: Sequence[str], told: str, world: World, tmp_path: Path
) -> None:
    ended = twofold(*argv)

    assert ended.code == errors.EXIT_USAGE
    assert told in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""
    assert (world.trials, list(tmp_path.iterdir())) == ([], [])


@pytest.mark.parametrize("as_json", [(), ("--json",)])
def test_a_results_folder_that_cannot_be_written_is_exit_code_4(
    twofold: Any, tmp_path: Path, as_json: tuple[str, ...]
) -> None:
    taken = tmp_path / "a-file"
    taken.write_text("")

    ended = twofold("run", *SMALL, *as_json, "--out", str(taken), out=False)

    assert ended.code == errors.EXIT_ENVIRONMENT
    assert f"twofold: The results folder {taken} cannot be written" in ended.stderr
    assert ended.stdout == ""


def test_a_backend_that_does_not_work_here_is_exit_code_4(twofold: Any) -> None:
    ended = twofold("run", "--backend", "processes")

    assert ended.code == errors.EXIT_ENVIRONMENT
    assert ended.stderr == "twofold: No nginx here. Install it.\n"


# -- run ---------------------------------------------------------------------------------------


def square_root(_: Any, members: Sequence[str]) -> float:
    return float(50 * len(members) ** 0.5)


def flat(_: Any, members: Sequence[str]) -> float:
    return 50.0 if members else 0.0


def test_a_run_that_scales_is_exit_code_0_and_tells_its_factors(twofold: Any) -> None:
    ended = twofold("run", *SMALL)

    assert ended.code == errors.EXIT_YES
    assert "2.00" in ended.stdout
    assert "Waiting for 2 replicas to answer" in ended.stderr


@pytest.mark.parametrize(
    ("rps", "verdict", "code"),
    [(square_root, "falls_short", 1), (flat, "no_gain", 1)],
)
def test_a_run_that_does_not_scale_is_exit_code_1(
    twofold: Any, world: World, rps: Any, verdict: str, code: int
) -> None:
    world.rps = rps
    world.throttled_ratio = 0.1  # the replicas wait for something that they share

    ended = twofold("run", *SMALL, "--json")

    assert (ended.code, ended.document["verdict"]) == (code, verdict)


def test_a_run_that_cannot_tell_is_exit_code_3(twofold: Any, world: World) -> None:
    rng = Random(1)
    world.rps = lambda _, members: 45.0 * len(members) * rng.lognormvariate(0, 0.3)

    ended = twofold("run", *SMALL, "--json")

    assert (ended.code, ended.document["verdict"]) == (3, "inconclusive")


def test_a_run_of_something_else_than_the_system_is_exit_code_3(twofold: Any, world: World) -> None:
    world.rps = lambda order, _: 20 * order["users"] ** 0.2
    world.throttled_ratio = 0.1

    ended = twofold("run", *SMALL, "--json")

    assert (ended.code, ended.document["verdict"]) == (3, "invalid")
    assert {found["code"] for found in ended.document["invalid"]} == {"not_saturated"}


def test_json_is_one_document_alone_on_standard_output(twofold: Any) -> None:
    ended = twofold("run", *SMALL, "--json")

    assert ended.document["schema_version"] == 1
    assert ended.document["rounds"] == 4
    assert "Backend fake: for a test" in ended.stderr


def test_the_document_is_the_one_that_is_kept(twofold: Any, tmp_path: Path) -> None:
    ended = twofold("run", *SMALL, "--json")

    (folder,) = tmp_path.iterdir()
    assert (folder / "run.json").read_text() == ended.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_is_its_own_exit_code_after_the_stack_is_down(
    twofold: Any, world: World, number: signal.Signals
) -> None:
    def before_trial(count: int) -> None:
        if count == 5:
            signal.raise_signal(number)
            signals.check()

    world.before_trial = before_trial

    ended = twofold("run", *SMALL)

    assert ended.code == 128 + number
    assert f"twofold: Stopped by signal {int(number)}; finished trials are kept." in ended.stderr
    assert "Traceback" not in ended.stderr
    assert world.open == 0


def test_a_generator_that_dies_is_exit_code_4(twofold: Any, world: World) -> None:
    def before_trial(count: int) -> None:
        if count == 5:
            raise errors.ProcessFailure("`python` ended with code 137. Its log: generator.log")

    world.before_trial = before_trial

    ended = twofold("run", *SMALL, "--json")

    assert ended.code == errors.EXIT_ENVIRONMENT
    assert "Its log: generator.log" in ended.stderr
    assert (ended.stdout, world.open) == ("", 0)


def test_a_defect_of_ours_is_exit_code_5_and_never_looks_like_a_verdict(
    twofold: Any, world: World
) -> None:
    world.rps = lambda _, members: 1 / (len(members) - len(members))

    ended = twofold("run", *SMALL)

    assert ended.code == errors.EXIT_INTERNAL
    assert "ZeroDivisionError" in ended.stderr
    assert "this is a defect of twofold" in ended.stderr
    assert world.open == 0


@contextmanager
def a_closed_pipe() -> Iterator[IO[str]]:
    """Give a pipe that nobody reads any more, as text to write to."""
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "w") as pipe, Path(os.devnull).open("w") as nowhere:
        yield pipe
        os.dup2(nowhere.fileno(), writing)  # or closing it would fail again


@pytest.mark.parametrize("words", [(), ("--json",)])
def test_output_that_nobody_reads_never_looks_like_a_verdict(
    twofold: Any, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    with a_closed_pipe() as pipe:
        monkeypatch.setattr(sys, "stdout", pipe)

        assert twofold("run", *SMALL, *words).code == errors.EXIT_ENVIRONMENT


# -- plan --------------------------------------------------------------------------------------


def test_a_plan_is_printed_and_nothing_started(twofold: Any, world: World, tmp_path: Path) -> None:
    ended = twofold("plan", *SMALL)

    assert ended.code == errors.EXIT_YES
    assert "gthread" in ended.stdout
    assert (world.trials, world.open, list(tmp_path.iterdir())) == ([], 0, [])


def test_a_plan_is_one_json_document_too(twofold: Any) -> None:
    document = twofold("plan", *SMALL, "--json").document

    assert document["seed"] == 1
    assert len(document["rounds"]) == 4


def test_without_a_seed_one_is_chosen(twofold: Any) -> None:
    seeds = {twofold("plan", "--json").document["seed"] for _ in range(3)}

    assert len(seeds) == 3


# -- report and compare ------------------------------------------------------------------------


def test_a_report_can_be_made_again_without_measuring(
    twofold: Any, world: World, tmp_path: Path
) -> None:
    first = twofold("run", *SMALL, "--json")
    measured = len(world.trials)
    (folder,) = tmp_path.iterdir()
    for name in ("run.json", "report.md", "report.html", "junit.xml"):
        (folder / name).unlink()

    again = twofold("report", "--json")

    assert (again.code, again.document) == (first.code, first.document)
    assert len(world.trials) == measured
    assert (folder / "report.html").exists()


def test_a_run_that_was_cut_off_has_a_report_that_cannot_tell(twofold: Any, world: World) -> None:
    def before_trial(count: int) -> None:
        if count == 6:
            raise errors.Interrupted(signal.SIGINT)

    world.before_trial = before_trial
    twofold("run", *SMALL)

    ended = twofold("report", "--json")

    assert (ended.code, ended.document["verdict"]) == (3, "inconclusive")


def test_a_report_is_found_by_its_path(twofold: Any, tmp_path: Path) -> None:
    twofold("run", *SMALL)
    (folder,) = tmp_path.iterdir()

    assert twofold("report", str(folder), out=False).code == errors.EXIT_YES


def test_one_format_alone_can_be_asked_for(twofold: Any, tmp_path: Path) -> None:
    twofold("run", *SMALL)
    (folder,) = tmp_path.iterdir()

    assert twofold("report", "--format", "junit").stdout == (folder / "junit.xml").read_text()


def test_a_format_that_a_run_has_not_is_refused_with_the_way_to_have_it(twofold: Any) -> None:
    twofold("run", *SMALL)

    ended = twofold("report", "--format", "csv-latency")

    assert ended.code == errors.EXIT_USAGE
    assert "twofold run --latency" in ended.stderr


def test_a_plan_with_latency_says_its_trials_and_how_long_they_take(twofold: Any) -> None:
    plain, asked = twofold("plan", *SMALL), twofold("plan", *SMALL, "--slo", "p99=250ms")

    assert "open loop at 50%, 70%, 90% of each cell's capacity: 4 rounds, 24 trials" in asked.stdout
    assert "p99=250ms: at most 5 more steps of 6 trials" in asked.stdout
    assert "open loop" not in plain.stdout
    longer = twofold("plan", *SMALL, "--latency", "--json").document
    assert longer["latency"]["expected_s"] == 24 * 5.5
    shorter = twofold("plan", *SMALL, "--json").document
    assert longer["expected_s"] - shorter["expected_s"] == pytest.approx(24 * 5.5)
    assert shorter["latency"] is None


def test_a_plan_says_what_of_the_generators_ceiling_the_last_run_needed(twofold: Any) -> None:
    before = twofold("plan", *SMALL)
    twofold("run", *SMALL)
    after = twofold("plan", *SMALL)

    assert "its ceiling is measured first. No earlier run here has measured it" in before.stdout
    assert "ceiling of 20000 requests/s in run" in after.stdout
    assert "gthread cpu ×2 needed the largest share: 0.5 %" in after.stdout
    noted = twofold("plan", *SMALL, "--json").document["notes"]
    assert any("ceiling of 20000" in note for note in noted)


def test_worker_models_are_compared(twofold: Any) -> None:
    twofold("run", *SMALL[2:], "--workers", "gthread,sync")

    ended = twofold("compare")

    assert ended.code == errors.EXIT_YES
    assert "sync" in ended.stdout
    assert twofold("compare", "--json").document["schema_version"] == 1


def test_one_worker_model_cannot_be_compared(twofold: Any) -> None:
    twofold("run", *SMALL)

    ended = twofold("compare")

    assert ended.code == errors.EXIT_USAGE
    assert "nothing to compare" in ended.stderr


# -- down --------------------------------------------------------------------------------------


@pytest.fixture
def three_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftovers, "remove_all", lambda _: 1)
    monkeypatch.setattr(projects, "remove_all", lambda _: 2)


@pytest.mark.usefixtures("three_left")
def test_down_says_how_many_runs_it_removed(twofold: Any) -> None:
    ended = twofold("down", out=False)

    assert (ended.code, ended.stdout) == (0, "Removed what 3 runs had left.\n")
    assert twofold("down", "--json", out=False).document == {"removed_runs": 3}


def test_down_does_not_hide_what_could_not_be_removed(
    twofold: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: object) -> int:
        raise errors.EnvironmentFailure("The engine did not remove what a run had started.")

    monkeypatch.setattr(leftovers, "remove_all", lambda _: 0)
    monkeypatch.setattr(projects, "remove_all", refuse)

    assert twofold("down", out=False).code == errors.EXIT_ENVIRONMENT
