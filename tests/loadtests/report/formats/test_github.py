"""Annotations in a job's log: one line each, short, and nothing in them is a command."""

from __future__ import annotations

import pytest

from loadtests.model import errors
from loadtests.model.vocabulary import Verdict
from loadtests.report.formats import github, github_answer
from tests.loadtests.builders import make_doubling, make_result


def test_a_failure_is_one_escaped_line() -> None:
    text = github.failure("gate", errors.EXIT_ENVIRONMENT, "50 % of\n::stop-commands::x\r\x1b[2J")

    assert text == (
        "::error title=Performance gate%3A environment::50 %25 of%0A::stop-commands::x␍␛[2J\n"
    )


def test_a_property_has_no_mark_that_ends_it() -> None:
    line = github.annotation("notice", "a: b, c", "d: e", at=f"file={github.escaped('x,y')},")

    assert line == "::notice file=x%2Cy,title=a%3A b%2C c::d: e\n"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("\n".join("abcdefgh"), "a%0Ab%0Ac%0Ad%0Ae%0Af …"),
        ("x" * 601, "x" * 600 + " …"),
        ("a\nb\n", "a%0Ab"),
    ],
    ids=["lines", "characters", "short"],
)
def test_a_long_message_stands_in_the_log_alone(message: str, shown: str) -> None:
    assert github.failure("run", 2, message) == f"::error title=Load test%3A usage::{shown}\n"


def test_a_load_that_cannot_be_measured_is_a_warning_as_a_gate_that_cannot_tell_is() -> None:
    text = github.failure("gate", errors.EXIT_CANNOT_TELL, "The load has no task.")

    assert text == "::warning title=Performance gate%3A cannot tell::The load has no task.\n"


@pytest.mark.parametrize(("command", "code"), [("report", 2), ("run", 130)])
def test_other_commands_and_signals_have_none(command: str, code: int) -> None:
    assert github.failure(command, code, "no") == ""


@pytest.mark.parametrize(
    ("verdict", "level"),
    [
        (Verdict.SCALES, "notice"),
        (Verdict.FALLS_SHORT, "error"),
        (Verdict.NO_GAIN, "error"),
        (Verdict.BREAKS, "error"),
        (Verdict.INCONCLUSIVE, "warning"),
        (Verdict.INVALID, "warning"),
    ],
)
def test_a_runs_answer_is_one_line(verdict: Verdict, level: str) -> None:
    result = make_result(doublings=(make_doubling(verdict=verdict),), verdict=verdict)

    text = github_answer.render(result)

    assert text.startswith(f"::{level} title=Load test%3A ")
    assert text.endswith("\n")
    assert text.count("\n") == 1
