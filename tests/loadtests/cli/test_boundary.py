"""Failures: one message on standard error, and the exit code of the contract."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pytest

from loadtests.cli.boundary import run_command_line
from loadtests.model import errors
from loadtests.tools import signals
from tests.loadtests.cli.command_line import SMALL
from tests.loadtests.fakes import World


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("run", "--workers", "hypercorn"), "Unknown worker model 'hypercorn'"),
        (("run", "--workers", "uvicorn"), "the variant uvicorn serves only asynchronous ones"),
        (("run", "--workers", ""), "--workers names no worker model"),
        (("run", "--workers", "gthread,,gthread"), "given twice"),
        (("run", "--replicas", "0,1,2"), "--replicas has 0"),
        (("run", "--replicas", "-1,2"), "--replicas has -1"),
        (("run", "--replicas", "one,two"), "--replicas is 'one,two'; it has to be integers"),
        (("run", "--replicas", "1.5,3"), "it has to be integers"),
        (("run", "--replicas", ""), "no doubling to measure"),
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
        (("run", "shop:app", "surplus"), "unexpected extra argument"),
        (("plan", "--replicas", "1,3"), "no doubling to measure"),
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
    assert "this is a bug in twofold" in ended.stderr
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


@pytest.mark.parametrize("words", [(), ("--i-may-load", "8.8.4.4")])
def test_a_host_that_is_neither_local_nor_private_is_not_loaded_unless_it_is_named_again(
    words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    code = run_command_line(["plan", "--url", "http://8.8.8.8:8080", *words])

    assert code == 2
    assert "8.8.8.8, which is neither loopback nor private" in capsys.readouterr().err


def test_a_host_that_is_named_again_may_be_loaded(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = run_command_line(["plan", "--url", "http://8.8.8.8:8080", "--i-may-load", "8.8.8.8"])

    assert code == 0
    assert "neither loopback nor private" not in capsys.readouterr().err


# -- a job of GitHub ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("argv", "code", "told"),
    [
        (
            ("gate", "--margin", "7"),
            errors.EXIT_USAGE,
            "::error title=Performance gate%3A usage::--margin is 7; it is the loss that still"
            " passes, as a ratio between 0.005 and 0.5. Try --margin 0.05.",
        ),
        (
            ("run", "--unheard-of"),
            errors.EXIT_USAGE,
            "::error title=Load test%3A usage::No such option '--unheard-of'",
        ),
        (
            ("run", "--backend", "processes"),
            errors.EXIT_ENVIRONMENT,
            "::error title=Load test%3A environment::No nginx here. Install it.",
        ),
    ],
)
def test_a_failure_in_a_job_of_github_is_an_annotation_beside_its_message(
    twofold: Any, monkeypatch: pytest.MonkeyPatch, argv: Sequence[str], code: int, told: str
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    ended = twofold(*argv)

    assert ended.code == code
    *message, last = ended.stderr.splitlines()
    assert last.startswith(told)
    assert told.rpartition("::")[2].partition(". ")[0].rstrip(".") in "\n".join(message)


def test_a_command_that_measures_nothing_has_no_annotation(
    twofold: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")

    ended = twofold("report", "yesterday")

    assert (ended.code, "::error" in ended.stderr) == (errors.EXIT_USAGE, False)
    assert "There is no run" in ended.stderr


def test_a_defect_of_ours_is_annotated_without_its_traceback(
    twofold: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    world.rps = lambda _, members: 1 / (len(members) - len(members))

    ended = twofold("run", *SMALL)

    assert ended.code == errors.EXIT_INTERNAL
    last = ended.stderr.splitlines()[-1]
    assert last.startswith("::error title=Load test%3A internal error::this is a bug in twofold.")
