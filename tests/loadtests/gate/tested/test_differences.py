"""What is told of two versions before they run, and what is said not to be compared."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loadtests.gate.model.plan import Side
from loadtests.gate.model.vocabulary import SideKind, SideName
from loadtests.gate.tested import differences
from loadtests.model.tested.workload import Locustfile
from tests.loadtests.gate.builders import make_side

CONFIGURATION = """
target = "shop:app"
[variants.gthread-8]
server = "gunicorn"
worker = "gthread"
threads = {threads}
"""


def a_side(name: SideName, asked: str, commit: str | None, kind: SideKind) -> Side:
    return make_side(name, asked=asked, commit=commit, kind=kind, digest="sha256:one")


def test_a_base_that_is_the_head_is_said() -> None:
    commit = "0123456789abcdef"
    base = a_side(SideName.BASE, "merge base with origin/main", commit, SideKind.REF)
    same = a_side(SideName.HEAD, "working tree", commit, SideKind.PATH)
    changed = a_side(SideName.HEAD, "working tree", None, SideKind.PATH)
    folder = a_side(SideName.BASE, "another/folder", commit, SideKind.PATH)
    said = "Base and head are the same commit: ref merge base with origin/main 0123456789ab."

    assert said in differences.differences_of(base, same, (None, None))
    assert said not in differences.differences_of(base, changed, (None, None))
    (alone,) = differences.differences_of(folder, same, (None, None))
    assert alone == "The images are identical (A/A)."


def test_variables_that_differ_are_named_without_their_values() -> None:
    base = make_side(SideName.BASE, environment={"A": "1", "B": "1", "C": "1"})
    head = make_side(SideName.HEAD, environment={"A": "2", "C": "1"})

    assert differences.differences_of(base, head, (None, None))[1:] == (
        "A has another value for head than for base.",
        "B is set for base and not for head.",
    )


def test_links_pipes_and_strange_names_have_a_hash_or_none(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("a")
    (tmp_path / "link").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    strange = os.fsdecode(b"caf\xe9")
    (tmp_path / strange).write_text("a")

    hashes = differences.hashes_of(tmp_path, map(Path, ("a", "link", "pipe", "gone", strange)))

    assert set(hashes) == {"a", "link", strange}
    assert hashes["link"] == "link to /dev/zero"
    assert hashes["a"] == hashes[strange]


# -- what both versions share ------------------------------------------------------------------


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """The working tree, with eight threads."""
    return project(tmp_path / "here", threads=8)


def project(folder: Path, *, threads: int) -> Path:
    folder.mkdir()
    (folder / "twofold.toml").write_text(CONFIGURATION.format(threads=threads))
    (folder / "locustfile.py").write_text("from locust import HttpUser\n")
    return folder


def told(place: Path, here: Path) -> list[str]:
    file = Locustfile(path=str(here / "locustfile.py"))
    return list(differences.of_configuration(SideName.BASE, place, here, file))


def test_another_number_of_threads_is_said_not_to_be_compared(here: Path, tmp_path: Path) -> None:
    """The change may be nothing else, and would pass: both versions have the new number."""
    (remark,) = told(project(tmp_path / "base", threads=2), here)

    assert remark == (
        "The configuration of base is another in variants. Both versions are measured by that of"
        " the working tree, so what this changes, such as the number of workers, is not compared."
    )


def test_the_same_configuration_in_other_words_is_not_told(here: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    base.mkdir()
    (base / "pyproject.toml").write_text(
        '[tool.twofold]\ntarget = "shop:app"\n[tool.twofold.variants]\n'
        'gthread-8 = {threads = 8, worker = "gthread", server = "gunicorn"}\n'
    )

    assert told(base, here) == []


@pytest.mark.parametrize("text", [None, "[tool.ruff]\nline-length = 100\n", "\xff"])
def test_a_base_without_a_configuration_has_no_other(
    here: Path, tmp_path: Path, text: str | None
) -> None:
    base = tmp_path / "base"
    base.mkdir()
    if text is not None:
        (base / "pyproject.toml").write_text(text, encoding="latin-1")

    assert told(base, here) == []
    assert told(here, here) == []


def test_another_locustfile_is_said_to_be_the_working_trees(here: Path, tmp_path: Path) -> None:
    base = project(tmp_path / "base", threads=8)
    (base / "locustfile.py").write_text("from locust import FastHttpUser\n")

    assert told(base, here) == [
        "Base has another locustfile.py. Both versions are asked by that of the working tree."
    ]
