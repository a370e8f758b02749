"""Names of versions in a CI system's checkout: branches of the remote, and images of strangers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loadtests.gate import versions
from loadtests.gate.model import Side, SideKind, SideName
from loadtests.model.errors import UsageError
from loadtests.tools import docker
from tests.loadtests.gate.builders import make_side
from tests.loadtests.gate.test_versions import FakeEngine, in_git
from tests.loadtests.tools.test_git import OWNED_BY_ANOTHER, detached, shallow, upstream

__all__ = ["detached", "shallow", "upstream"]


@pytest.fixture
def pulled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images that were pulled; the registry has any name."""
    names: list[str] = []

    def pull(name: str) -> bool:
        names.append(name)
        return True

    monkeypatch.setattr(docker, "pull", pull)
    return names


def find(here: Path, asked: str | None, *, pull: bool = True) -> versions.Named:
    engine: Any = FakeEngine()
    return versions.find(engine, here, SideName.BASE, asked, pull=pull)


def test_a_branch_may_be_the_remotes_alone(detached: Path) -> None:
    for asked, tip in (("main", "origin/main"), ("main~1", "origin/main~1")):
        base = find(detached, asked)

        assert (base.kind, base.asked) == (SideKind.REF, tip)
        assert base.commit == in_git(detached, "rev-parse", tip)


def test_the_default_base_names_its_branch(detached: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITHUB_BASE_REF", "release/1.x")

    assert find(detached, None).asked == "merge base with origin/release/1.x"


@pytest.mark.parametrize("asked", ["origin/mian", "feature/login", "../missing", "main"])
@pytest.mark.parametrize("pull", [True, False], ids=["then", "before it waits"])
def test_a_branch_that_is_missing_is_never_pulled(
    shallow: Path, pulled: list[str], asked: str, pull: bool
) -> None:
    with pytest.raises(UsageError) as raised:
        find(shallow, asked, pull=pull)

    assert pulled == []
    said = str(raised.value)
    assert said.startswith(f"--base '{asked}' is neither a folder, nor a commit of {shallow}")
    assert "An image that is to be pulled is named by --base-image." in said
    assert "This is a shallow clone" in said


@pytest.mark.parametrize(
    "asked",
    [
        *("shop:2", "someone/shop:2", "someone/shop@sha256:0123", "localhost/shop"),
        *("registry.example.org/shop", "localhost:5000/shop"),
    ],
)
def test_what_can_be_no_branch_is_pulled(upstream: Path, pulled: list[str], asked: str) -> None:
    assert find(upstream, asked).kind is SideKind.IMAGE
    assert pulled == [asked]


def test_outside_of_a_checkout_any_image_is_pulled(tmp_path: Path, pulled: list[str]) -> None:
    assert find(tmp_path, "someone/shop").kind is SideKind.IMAGE
    assert pulled == ["someone/shop"]


@pytest.mark.parametrize("asked", [None, "origin/main"])
def test_a_checkout_that_git_refuses_is_told_with_its_own_words(
    detached: Path, pulled: list[str], monkeypatch: pytest.MonkeyPatch, asked: str | None
) -> None:
    for name, value in OWNED_BY_ANOTHER.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(UsageError, match=r"Git says: .*dubious ownership.*safe\.directory"):
        find(detached, asked)

    assert pulled == []


# -- a tree without changes --------------------------------------------------------------------


def test_a_working_tree_without_changes_has_a_commit(upstream: Path) -> None:
    engine: Any = FakeEngine()
    tree = versions.find(engine, upstream, SideName.HEAD, None)

    assert (tree.kind, tree.folder) == (SideKind.PATH, upstream)
    assert tree.commit == in_git(upstream, "rev-parse", "HEAD")

    (upstream / "code.py").write_text("changed")
    assert versions.find(engine, upstream, SideName.HEAD, None).commit is None


def a_side(name: SideName, asked: str, commit: str | None, kind: SideKind) -> Side:
    return make_side(name, asked=asked, commit=commit, kind=kind, digest="sha256:one")


def test_a_base_that_is_the_head_is_said() -> None:
    commit = "0123456789abcdef"
    base = a_side(SideName.BASE, "merge base with origin/main", commit, SideKind.REF)
    same = a_side(SideName.HEAD, "working tree", commit, SideKind.PATH)
    changed = a_side(SideName.HEAD, "working tree", None, SideKind.PATH)
    folder = a_side(SideName.BASE, "another/folder", commit, SideKind.PATH)
    said = "Base and head are the same commit: ref merge base with origin/main 0123456789ab."

    assert said in versions.differences_of(base, same, (None, None))
    assert said not in versions.differences_of(base, changed, (None, None))
    (alone,) = versions.differences_of(folder, same, (None, None))
    assert alone == "The images are identical (A/A)."
