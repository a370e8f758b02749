"""A change that leaves the images as they are, such as one of the documentation."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.gate import result_files, versions
from loadtests.gate.model.plan import Side
from loadtests.gate.model.vocabulary import GateVerdict, SideKind, SideName
from loadtests.gate.report import github, html, junit, markdown, terminal, verdict_json, wording
from tests.loadtests.fakes.gate import GateWorld, put_in_memory, slower_head
from tests.loadtests.gate.builders import make_side
from tests.loadtests.gate.whole_gates import Gates

ONE, OTHER = "0123456789abcdef", "fedcba9876543210"


def base(**changed: Any) -> Side:
    given = {"kind": SideKind.REF, "commit": ONE, "digest": "sha256:one", **changed}
    return make_side(SideName.BASE, **given)


def head(**changed: Any) -> Side:
    given = {"kind": SideKind.PATH, "commit": OTHER, "digest": "sha256:one", **changed}
    return make_side(SideName.HEAD, **given)


@pytest.mark.parametrize(
    ("sides", "expected"),
    [
        ((base(), head()), True),
        ((base(), head(commit=None)), True),
        ((base(), head(digest="sha256:other")), False),
        ((base(), head(environment={"A": "1"})), False),
        # Somebody compares a version with itself.
        ((base(), head(commit=ONE)), False),
        ((base(kind=SideKind.PATH), head()), False),
        ((base(kind=SideKind.IMAGE, commit=None), head(kind=SideKind.IMAGE, commit=None)), False),
    ],
)
def test_two_commits_of_one_image_are_no_change(
    sides: tuple[Side, Side], *, expected: bool
) -> None:
    assert versions.are_same_images(*sides) is expected


def with_identical_images(monkeypatch: pytest.MonkeyPatch) -> None:
    build = versions.build
    monkeypatch.setattr(
        versions, "build", lambda *given, **more: replace(build(*given, **more), identical=True)
    )


def test_a_head_that_was_named_is_measured_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_in_memory(monkeypatch, GateWorld())
    with_identical_images(monkeypatch)

    result = Gates(tmp_path).run(options={"base": "main", "head": "topic"})

    assert result.verdict is GateVerdict.PASS
    assert len(result.evidence.pairs) == 16
    assert not result.facts.identical


def test_nothing_is_measured_and_it_passes_with_every_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a hundred such gates, one would be called worse."""
    world = GateWorld(rps=slower_head(0.5))
    put_in_memory(monkeypatch, world)
    with_identical_images(monkeypatch)
    gates = Gates(tmp_path)

    result = gates.run()

    assert (result.verdict, result.endpoints) == (GateVerdict.PASS, ())
    assert (world.trials, world.done) == ([], [])
    assert result.facts.finished
    said = (
        "Passes: base and head are the same image with the same settings, so nothing was measured."
    )
    assert wording.answer(result) == said
    assert said in markdown.render(result)
    assert said in github.render(result)
    assert 'tests="0"' in junit.render(result)
    assert "nothing was measured" in html.render(result)
    assert terminal.render(result).renderables
    text = (gates.folder / result_files.VERDICT).read_text()
    assert verdict_json.render(verdict_json.judge(result_files.read(gates.folder))) == text
