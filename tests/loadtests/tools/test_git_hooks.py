"""Which checkout is asked where a hook's variables name a repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.tools import git
from tests.loadtests.gate.test_versions import in_git
from tests.loadtests.tools.test_git import commit


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """The repository that a gate is to read."""
    folder = tmp_path / "upstream"
    folder.mkdir()
    in_git(folder, "init", "--quiet")
    commit(folder, "two")
    return folder


@pytest.fixture
def another(tmp_path: Path) -> Path:
    """A repository that a hook's variables name."""
    folder = tmp_path / "another"
    folder.mkdir()
    in_git(folder, "init", "--quiet")
    commit(folder, "another")
    return folder


def test_a_folder_is_of_its_own_checkout_whatever_repository_a_hook_names(
    upstream: Path, another: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = upstream / "below"
    below.mkdir()
    own = commit(upstream, "three", "below/three.py")
    monkeypatch.setenv("GIT_DIR", str(another / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(another))
    monkeypatch.setenv("GIT_INDEX_FILE", str(another / ".git/index"))
    into = tmp_path / "exported"
    into.mkdir()

    assert git.commit_of(below, "HEAD") == own
    assert git.toplevel(below) == upstream
    assert git.files_of(below) == ("three.py",)
    assert git.unchanged_commit(below) == own
    git.export(below, own, into)
    assert sorted(path.name for path in into.rglob("*.py")) == ["code.py", "three.py"]


def test_below_the_top_of_a_checkout_the_variables_of_its_own_hook_change_nothing(
    upstream: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    below = upstream / "below"
    below.mkdir()
    commit(upstream, "three", "below/three.py")

    for named in (".git", str(upstream / ".git")):
        monkeypatch.setenv("GIT_DIR", named)
        assert git.toplevel(below) == upstream
        assert git.complaint(below) is None


def test_a_folder_may_be_a_checkout_by_the_variables_alone(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = tmp_path / "served"
    served.mkdir()
    expected = in_git(upstream, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(upstream / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(served))

    assert git.commit_of(served, "HEAD") == expected


def test_a_folder_whose_own_repository_is_not_there_is_that_of_the_variables(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mounted = tmp_path / "mounted"  # a work tree without its repository, as in a container
    mounted.mkdir()
    (mounted / ".git").write_text("gitdir: /nowhere/.git/worktrees/mounted\n")
    monkeypatch.setenv("GIT_DIR", str(upstream / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(mounted))

    assert git.toplevel(mounted) == mounted
    assert git.complaint(mounted) is None


def test_a_work_tree_of_the_variables_counts_more_than_a_checkout_around_it(
    upstream: Path, another: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    served = another / "served/app"
    served.mkdir(parents=True)
    expected = in_git(upstream, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(upstream / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(served.parent))

    assert git.commit_of(served, "HEAD") == expected


def test_a_linked_work_tree_is_a_checkout_of_its_own(
    upstream: Path, another: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    linked = tmp_path / "linked"
    in_git(upstream, "worktree", "add", "--quiet", str(linked))
    own = in_git(upstream, "rev-parse", "HEAD")
    monkeypatch.setenv("GIT_DIR", str(another / ".git"))

    assert git.toplevel(linked) == linked
    assert git.commit_of(linked, "HEAD") == own
