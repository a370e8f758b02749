"""The campaign of hostile heads: where the gate runs, and what is compared."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from loadtests.model.errors import EXIT_ENVIRONMENT, EXIT_YES
from loadtests.targets import registry
from loadtests.tools import git
from scripts.reliability import hostile, hostile_head, hostile_repository
from scripts.reliability.record import Broken
from tests.checkout import CHECKOUT


@pytest.mark.parametrize("form", hostile_repository.TARGETS)
def test_a_repository_has_a_harmless_main_and_a_change_that_differs_by_its_deed(
    form: str, tmp_path: Path
) -> None:
    folder = hostile_repository.make(tmp_path, form, "dies", image="twofold/hostile:latest")

    versions = {}
    for ref in (hostile_repository.BASE, hostile_repository.HEAD):
        commit = git.commit_of(folder, ref)
        assert commit is not None
        exported = tmp_path.parent / f"{tmp_path.name}-{ref}"
        exported.mkdir()
        git.export(folder, commit, exported)
        versions[ref] = (exported / "Dockerfile").read_text()
    assert "HOSTILE=nothing" in versions["main"]
    assert "HOSTILE=dies" in versions["change"]
    assert (folder / "Dockerfile").read_text() == versions["main"]
    text = tomllib.loads((folder / "twofold.toml").read_text())
    target = registry.recognise(text["target"], folder)
    assert target.kind == {"Dockerfile": "dockerfile", "Compose": "service"}[form]


def test_main_and_a_harmless_change_are_two_versions() -> None:
    one, other = (
        hostile_repository.dockerfile(version, "nothing", "image") for version in ("main", "change")
    )

    assert one != other


def test_the_gate_is_called_as_the_page_on_strangers_says() -> None:
    page = (CHECKOUT / "docs/how-to/strangers.md").read_text()

    assert f"twofold gate {' '.join(hostile_repository.WORDS)}" in page


def test_each_deed_is_tried_from_a_repository_and_a_few_in_the_other_forms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(hostile_head, "has_engine", lambda: True)

    names = [case.name for case in hostile_head.cases(full=True)]

    for deed in set(hostile.DEEDS) - {"nothing"}:
        assert f"application: {deed}" in names
    for form in ("Compose", hostile_head.SAMPLE):
        assert sum(name.startswith(f"{form}: ") for name in names) == 4


def test_no_deed_may_end_in_every_way() -> None:
    for deed, codes in hostile_head.APPLICATIONS.items():
        assert not {EXIT_YES, EXIT_ENVIRONMENT} <= codes, deed


def test_base_that_is_slower_beside_it_breaks_the_promise() -> None:
    quiet = (100.0, 101.0, 99.0, 100.5, 99.5)
    slower = [rate * 0.8 for rate in quiet]

    hostile_head.hold_to_figures(quiet, lambda: quiet, must_be_there=True)
    with pytest.raises(Broken, match="harmless head"):
        hostile_head.hold_to_figures(slower, lambda: quiet, must_be_there=True)


def test_a_head_that_answers_and_no_figures_of_base_are_not_held() -> None:
    hostile_head.hold_to_figures((), lambda: (1.0, 1.1), must_be_there=False)
    with pytest.raises(Broken, match="not measured"):
        hostile_head.hold_to_figures((100.0,), lambda: (1.0, 1.1), must_be_there=True)
    assert hostile_head.deed_answers("asks-base")
    assert not hostile_head.deed_answers("dies")


def test_the_short_form_has_a_control_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: list[str] = []

    def figures(form: str, deed: str, _codes: object, _folder: Path) -> tuple[object, int]:
        asked.append(f"{form} {deed}")
        return (100.0, 100.5, 99.5), 0

    monkeypatch.setattr(hostile_head, "has_engine", lambda: True)
    monkeypatch.setattr(hostile_head, "_figures", figures)
    hostile_head._control.cache_clear()

    (case,) = (case for case in hostile_head.cases(full=False) if "asks-base" in case.name)
    case.run(tmp_path)
    hostile_head._control.cache_clear()

    assert asked == ["Dockerfile asks-base", "Dockerfile nothing"]
