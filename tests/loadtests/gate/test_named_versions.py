"""What base and head may be named by, in a CI system, too, and how wrong names are told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loadtests.gate import named_versions, versions
from loadtests.gate.model.vocabulary import SideKind, SideName
from loadtests.gate.named_versions import Named
from loadtests.gate.options import GateOptions
from loadtests.model.errors import UsageError
from loadtests.tools import docker
from tests.loadtests.gate.builders import make_side
from tests.loadtests.gate.test_versions import FakeEngine, checkout, in_git
from tests.loadtests.tools.test_git import OWNED_BY_ANOTHER, detached, shallow, upstream

__all__ = ["checkout", "detached", "shallow", "upstream"]

NO_IMAGES: Any = FakeEngine()


@pytest.fixture
def pulled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The images that were pulled; the registry has any name."""
    names: list[str] = []

    def pull(name: str) -> bool:
        names.append(name)
        return True

    monkeypatch.setattr(docker, "pull", pull)
    return names


def find(
    here: Path,
    asked: str | None,
    name: SideName = SideName.BASE,
    *,
    pull: bool = True,
    engine: Any = NO_IMAGES,
) -> Named:
    return named_versions.find(engine, here, name, asked, pull=pull)


def test_without_names_the_working_tree_meets_where_it_left_main(checkout: Path) -> None:
    base = find(checkout, None)
    head = find(checkout / "app", None, SideName.HEAD)

    assert (base.kind, base.commit) == (SideKind.REF, in_git(checkout, "rev-parse", "main"))
    assert (head.kind, head.folder) == (SideKind.PATH, checkout)


def test_a_name_is_a_path_or_a_commit_or_else_an_image(checkout: Path) -> None:
    engine = FakeEngine(**{"topic": (8000,), "shop:1": (8000,)})

    assert find(checkout, str(checkout), engine=engine).kind is SideKind.PATH
    assert find(checkout, "topic", engine=engine).kind is SideKind.REF
    assert find(checkout, "main~1", engine=engine).kind is SideKind.REF
    assert find(checkout, "shop:1", engine=engine).kind is SideKind.IMAGE


@pytest.mark.parametrize("asked", ["no-such-branch", "--help", "shop:2", "deadbeef"])
def test_a_wrong_name_is_one_message(
    checkout: Path, asked: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(docker, "pull", lambda _: False)

    with pytest.raises(UsageError, match=f"--base '{asked}' is neither a folder, nor a commit"):
        find(checkout, asked)


def test_outside_of_a_checkout_there_are_no_defaults(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a git checkout"):
        find(tmp_path, None, SideName.HEAD)


def test_a_clone_without_history_is_told_to_fetch_it(checkout: Path, tmp_path: Path) -> None:
    shallow = tmp_path / "shallow"
    command = ("clone", "--quiet", "--depth=1", "--no-single-branch", f"file://{checkout}")
    in_git(checkout, "checkout", "--quiet", "--force", "main")
    in_git(tmp_path, *command, str(shallow))
    in_git(shallow, "checkout", "--quiet", "topic")

    with pytest.raises(UsageError, match="fetch-depth: 0"):
        find(shallow, None)


def test_a_repository_without_a_main_branch_asks_for_a_name(checkout: Path) -> None:
    in_git(checkout, "branch", "--move", "main", "trunk")

    with pytest.raises(UsageError, match="no main branch"):
        find(checkout, None)


def test_without_pulling_an_image_that_may_exist_is_left_for_later(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pull(_: str) -> bool:
        raise AssertionError("nothing may be pulled yet")

    monkeypatch.setattr(docker, "pull", pull)

    named = find(checkout, "shop:2", SideName.HEAD, pull=False)

    assert named.kind is SideKind.IMAGE
    assert named_versions.find_image(NO_IMAGES, SideName.HEAD, "shop:2", pull=False) == named
    with pytest.raises(UsageError):
        find(checkout, "no-such-branch", SideName.HEAD, pull=False)


# -- in a CI system ----------------------------------------------------------------------------


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
    tree = find(upstream, None, SideName.HEAD)

    assert (tree.kind, tree.folder) == (SideKind.PATH, upstream)
    assert tree.commit == in_git(upstream, "rev-parse", "HEAD")

    (upstream / "code.py").write_text("changed")
    assert find(upstream, None, SideName.HEAD).commit is None


# -- what base is by default -------------------------------------------------------------------


def both(here: Path, **options: Any) -> tuple[Named, Named]:
    engine: Any = FakeEngine(**{"shop:1": (8000,)})
    return named_versions.find_both(engine, here, GateOptions(**options))


def unchanged(here: Path, **options: Any) -> tuple[str, ...]:
    base, head = (
        make_side(named.name, asked=named.asked, kind=named.kind, commit=named.commit)
        for named in both(here, **options)
    )
    return versions.without_change(base, head, GateOptions(**options))


def test_base_is_where_the_named_head_left_the_branch_and_not_where_the_checkout_is(
    upstream: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout of main gates another branch: what main has since is no loss of that branch."""
    base, head = both(upstream, head="topic")

    assert head.commit == in_git(upstream, "rev-parse", "topic")
    assert base.commit == in_git(upstream, "merge-base", "topic", "main")
    assert base.commit != in_git(upstream, "rev-parse", "main")

    monkeypatch.setenv("CHANGE_TARGET", "release/1.x")
    assert both(upstream, head="topic")[0].commit == in_git(upstream, "rev-parse", "release/1.x")


def test_so_it_is_for_the_worktree_of_another_branch(upstream: Path, tmp_path: Path) -> None:
    worktree = tmp_path / "worktree"
    in_git(upstream, "worktree", "add", "--quiet", str(worktree), "topic")

    base, head = both(upstream, head=str(worktree))

    assert (head.kind, head.folder) == (SideKind.PATH, worktree)
    assert base.commit == in_git(upstream, "merge-base", "topic", "main")


@pytest.mark.parametrize("head", [None, "HEAD", "."])
def test_a_branch_after_a_merge_has_no_change_by_default_and_that_is_said(
    upstream: Path, monkeypatch: pytest.MonkeyPatch, head: str | None
) -> None:
    """A gate of each push to main compares main with itself, and always passes."""
    monkeypatch.chdir(upstream)

    (told,) = unchanged(upstream, head=head)

    assert told.startswith("There is no change to compare: ")
    assert told.endswith("such as --base HEAD~1.")


@pytest.mark.parametrize(
    "options",
    [
        {"base": "main"},
        {"base": "main~1"},
        {"base_image": "shop:1"},
        {"head_image": "shop:1"},
        {"head_environment": {"THREADS": "8"}},
        {"variants": ("gthread", "sync")},
    ],
)
def test_what_differs_otherwise_or_was_asked_for_is_compared(
    upstream: Path, options: dict[str, Any]
) -> None:
    assert unchanged(upstream, **options) == ()


def test_a_changed_file_is_a_change(upstream: Path) -> None:
    (upstream / "code.py").write_text("changed")

    base, head = both(upstream)

    assert (base.commit, head.commit) == (in_git(upstream, "rev-parse", "main"), None)
    assert unchanged(upstream) == ()


def test_a_folder_with_the_name_of_a_branch_is_never_taken_for_it(
    upstream: Path, detached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A change could bring a slow copy of itself as a folder ``main``, and pass beside it."""
    for here, ref in ((upstream, "main"), (detached, "origin/main")):
        (here / "main").mkdir()
        monkeypatch.chdir(here)
        with pytest.raises(UsageError, match=rf"is a folder here and a commit \({ref}, "):
            find(here, "main")

        assert find(here, "./main").kind is SideKind.PATH
        assert find(here, "main~0").commit == in_git(here, "rev-parse", ref)
