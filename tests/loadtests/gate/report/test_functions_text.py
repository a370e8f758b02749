"""Functions that changed, in all reports of a gate."""

from __future__ import annotations

import io
import math
import re
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from loadtests.gate.analysis import verdict
from loadtests.gate.model.result import GateResult
from loadtests.gate.model.vocabulary import SideName
from loadtests.gate.report import functions_text, github, html, markdown, terminal, verdict_json
from loadtests.model.profiles.functions import FunctionProfile
from tests.loadtests.analysis.profiles.function_builders import simulate
from tests.loadtests.gate.builders import (
    MACHINE,
    make_evidence,
    make_facts,
    make_gate_plan,
    make_side,
)

PLAN = make_gate_plan()


def gate(profile: FunctionProfile, change: float = math.log(0.93)) -> GateResult:
    sides = (make_side(SideName.BASE), make_side(SideName.HEAD))
    evidence = make_evidence(PLAN, change=change, profiles=(profile,))
    return verdict.conclude(make_facts(), MACHINE, sides, PLAN, evidence)


def in_checkout(profile: FunctionProfile) -> FunctionProfile:
    functions = tuple(
        replace(each, checkout=each.file.removeprefix("/srv/")) for each in profile.functions
    )
    return replace(profile, functions=functions)


PROFILE = in_checkout(simulate(np.random.default_rng(11), planted=17))
CHANGED = gate(PROFILE)
SAME = gate(simulate(np.random.default_rng(12)), change=0.0)
UNSEEN = gate(FunctionProfile(worker="gthread", unseen="No right to look."))


def test_the_page_has_the_sentence_a_table_and_the_picture() -> None:
    page = html.render(CHANGED)

    assert page.count("shop/part1.py:1 work_17") == 2
    assert page.count('class="flame"') == 1
    assert re.search(r'class="grew" data-tip="shop/part1.py work_17: .* in head"', page)
    assert len(page) < 700_000


def test_a_function_that_head_has_not_has_no_remark_at_a_line() -> None:
    (shown,) = CHANGED.functions
    gone = tuple(replace(each, line=0, base_line=4) for each in shown.functions)
    changed = replace(CHANGED, functions=(replace(shown, functions=gone),))

    assert list(functions_text.remarks_at_lines(CHANGED))
    assert not list(functions_text.remarks_at_lines(changed))


def test_where_nothing_changed_no_row_says_so() -> None:
    page = html.render(SAME)

    assert "none is shown to have changed" in page
    assert "<td>changed</td>" not in page


def test_without_the_right_to_look_there_is_the_sentence_alone() -> None:
    page = html.render(UNSEEN)

    assert "No right to look." in page
    assert 'class="flame"' not in page


def test_markdown_has_a_table_of_what_changed_only() -> None:
    text = markdown.render(CHANGED)

    assert "| function | base µs | head µs | change, % of all [95 %] |" in text
    assert [line for line in text.splitlines() if line.startswith("| shop")] == [
        line for line in text.splitlines() if "work\\_17" in line and line.startswith("|")
    ]
    assert "| function |" not in markdown.render(SAME)


def test_the_terminal_has_the_sentence() -> None:
    console = Console(file=io.StringIO(), width=300)
    console.print(terminal.render(CHANGED))
    assert isinstance(console.file, io.StringIO)

    assert "in shop/part1.py:1 work_17" in console.file.getvalue()


def test_an_annotation_stands_at_the_line() -> None:
    (line,) = [line for line in github.render(CHANGED).splitlines() if "file=" in line]

    start = "::error file=shop/part1.py,line=1,title=Performance gate%3A CPU per request::"
    assert line.startswith(start)
    assert line.endswith("in shop/part1.py:1 work_17")


@pytest.mark.parametrize("result", [SAME, UNSEEN, gate(simulate(np.random.default_rng(11)))])
def test_no_annotation_stands_where_nothing_is_shown(result: GateResult) -> None:
    assert "file=" not in github.render(result)


def test_a_file_that_is_not_in_the_checkout_has_no_annotation() -> None:
    elsewhere = gate(simulate(np.random.default_rng(11), planted=17))

    assert elsewhere.functions[0].changed
    assert "file=" not in github.render(elsewhere)


def test_the_profile_comes_back_from_verdict_json_and_is_judged_to_the_same() -> None:
    text = verdict_json.render(CHANGED)
    again = verdict_json.parse(text, name="verdict.json")

    assert again == CHANGED
    assert verdict_json.render(verdict_json.judge(again)) == text


def test_notes_say_what_it_cost() -> None:
    (note,) = functions_text.notes(CHANGED.functions[0])

    assert "12 starts of each version; sampling cost 0.30 of a core" in note
    assert list(functions_text.notes(UNSEEN.functions[0])) == []


def test_it_is_explained_with_each_function_in_a_line() -> None:
    lines = functions_text.explanation(CHANGED).splitlines()

    assert lines[0] == functions_text.TITLE
    assert any(
        "shop/part1.py:1 work_17: " in line and line.endswith("% of all, changed") for line in lines
    )
    assert "samples of" in lines[-1]


def test_what_could_not_be_seen_is_explained_as_that() -> None:
    assert "No right to look." in functions_text.explanation(UNSEEN)
