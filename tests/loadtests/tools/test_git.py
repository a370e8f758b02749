"""What a checkout tells: where a change began, and the files of a commit as they were."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.tools import git
from tests.loadtests.gate.test_versions import in_git

OWNED_BY_ANOTHER = {
    "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
}


def commit(folder: Path, text: str, name: str = "code.py") -> str:
    """Commit a file with this text, and return the commit."""
    (folder / name).write_text(text)
    in_git(folder, "add", "--all")
    in_git(folder, "commit", "--quiet", "--message", text)
    return in_git(folder, "rev-parse", "HEAD")


@pytest.fixture
def upstream(tmp_path: Path) -> Path:
    """A repository with the branches main, release/1.x and topic, which left release/1.x."""
    folder = tmp_path / "upstream"
    folder.mkdir()
    in_git(folder, "init", "--quiet")
    commit(folder, "one")
    in_git(folder, "checkout", "--quiet", "-b", "release/1.x")
    commit(folder, "release")
    in_git(folder, "checkout", "--quiet", "-b", "topic")
    commit(folder, "topic")
    in_git(folder, "checkout", "--quiet", "main")
    commit(folder, "two")
    return folder


@pytest.fixture
def detached(upstream: Path, tmp_path: Path) -> Path:
    """What actions/checkout makes with the whole history: no branch of its own."""
    folder = tmp_path / "detached"
    in_git(tmp_path, "clone", "--quiet", str(upstream), str(folder))
    in_git(folder, "checkout", "--quiet", "--detach", "origin/topic")
    in_git(folder, "branch", "--delete", "--force", "main")
    in_git(folder, "remote", "set-head", "origin", "--delete")
    return folder


@pytest.fixture
def shallow(upstream: Path, tmp_path: Path) -> Path:
    """What actions/checkout makes without fetch-depth: one commit, and no branch at all."""
    folder = tmp_path / "shallow"
    folder.mkdir()
    in_git(folder, "init", "--quiet")
    in_git(folder, "remote", "add", "origin", f"file://{upstream}")
    in_git(folder, "fetch", "--quiet", "--depth=1", "origin", "topic")
    in_git(folder, "checkout", "--quiet", "--detach", "FETCH_HEAD")
    return folder


@pytest.mark.parametrize("variable", git.TARGET_BRANCH_IN)
def test_a_change_is_compared_with_the_branch_that_it_goes_into(
    detached: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    main, release = (
        in_git(detached, "merge-base", "HEAD", f"origin/{name}") for name in ("main", "release/1.x")
    )
    assert git.merge_base(detached) == git.MergeBase(commit=main, branch="origin/main")

    monkeypatch.setenv(variable, "release/1.x")

    assert git.merge_base(detached) == git.MergeBase(commit=release, branch="origin/release/1.x")
    assert main != release


def test_a_target_branch_may_be_a_whole_ref(
    detached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYSTEM_PULLREQUEST_TARGETBRANCH", "refs/heads/release/1.x")

    assert git.merge_base(detached).branch == "origin/release/1.x"


def test_a_target_branch_that_was_not_fetched_is_no_reason_to_take_another(
    detached: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_BASE_REF", "develop")

    with pytest.raises(UsageError) as raised:
        git.merge_base(detached)

    assert "has no branch develop (origin/develop, develop) to compare with" in str(raised.value)
    assert "git fetch origin +refs/heads/develop:refs/remotes/origin/develop" in str(raised.value)


@pytest.mark.parametrize("target", ["", "release/1.x"])
def test_a_checkout_of_one_commit_is_told_to_fetch_the_history(
    shallow: Path, monkeypatch: pytest.MonkeyPatch, target: str
) -> None:
    monkeypatch.setenv("GITHUB_BASE_REF", target)

    with pytest.raises(UsageError, match=r"This is a shallow clone.*fetch-depth: 0.*GIT_DEPTH: 0"):
        git.merge_base(shallow)


def test_why_there_is_no_checkout_is_told_in_gits_own_words(
    upstream: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert git.complaint(upstream) is None
    assert "not a git repository" in (git.complaint(tmp_path) or "")

    for name, value in OWNED_BY_ANOTHER.items():
        monkeypatch.setenv(name, value)
    assert "detected dubious ownership" in git.remark(upstream)

    monkeypatch.setenv("PATH", "")
    assert "'git' was not found" in git.remark(upstream)


# -- a working tree ----------------------------------------------------------------------------


def test_a_tree_without_changes_has_its_commit(upstream: Path) -> None:
    results = upstream / "results/gate-20261127-101500-1a2b"
    results.mkdir(parents=True)
    (results / "verdict.json").write_text("{}")

    assert git.unchanged_commit(upstream) == in_git(upstream, "rev-parse", "HEAD")

    (upstream / "results/more.py").write_text("new")
    assert git.unchanged_commit(upstream) is None
    (upstream / "results/more.py").unlink()
    (upstream / "code.py").write_text("changed")
    assert git.unchanged_commit(upstream) is None


def test_a_folder_that_git_ignores_has_no_commit(upstream: Path, tmp_path: Path) -> None:
    commit(upstream, "copies/\n", ".gitignore")
    (upstream / "copies").mkdir()
    (upstream / "copies/code.py").write_text("anything")

    assert git.unchanged_commit(upstream / "copies") is None
    assert git.unchanged_commit(tmp_path) is None


# -- the files of a commit ---------------------------------------------------------------------


@pytest.fixture
def into(tmp_path: Path) -> Path:
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def test_files_are_those_of_a_checkout_and_not_those_of_an_archive(
    upstream: Path, into: Path
) -> None:
    (upstream / "tests.py").write_text("kept")
    (upstream / "version.txt").write_text("$Format:%H$\n")
    attributes = "tests.py export-ignore\nversion.txt export-subst\n*.bat text eol=crlf\n"
    (upstream / ".gitattributes").write_text(attributes)
    there = commit(upstream, "echo\n", "run.bat")
    # Only the commit's own attributes count.
    (upstream / ".gitattributes").write_text("*.txt text eol=crlf\n")

    git.export(upstream, there, into)

    assert (into / "tests.py").read_text() == "kept"
    assert (into / "version.txt").read_bytes() == b"$Format:%H$\n"
    assert (into / "run.bat").read_bytes() == b"echo\r\n"
    assert (into / ".gitattributes").read_text() == attributes
    assert not (into / ".git").exists()


def test_what_a_filter_makes_of_a_file_is_in_both(upstream: Path, into: Path) -> None:
    in_git(upstream, "config", "filter.shout.smudge", "tr a-z A-Z")
    (upstream / ".gitattributes").write_text("*.txt filter=shout\n")
    there = commit(upstream, "quiet", "a.txt")

    git.export(upstream, there, into)

    assert (into / "a.txt").read_text() == "QUIET"


def test_a_filter_that_fails_is_told_with_its_own_line(upstream: Path, into: Path) -> None:
    (upstream / ".gitattributes").write_text("*.txt filter=lfs2\n")
    there = commit(upstream, "pointer", "a.txt")
    in_git(upstream, "config", "filter.lfs2.smudge", "false")
    in_git(upstream, "config", "filter.lfs2.required", "true")

    with pytest.raises(EnvironmentFailure, match=r"lfs2.*git lfs pull"):
        git.export(upstream, there, into)


def test_an_export_changes_nothing_in_the_checkout(upstream: Path, into: Path) -> None:
    there = commit(upstream, "three")
    (upstream / "code.py").write_text("staged")
    in_git(upstream, "add", "--all")
    (upstream / "code.py").write_text("changed")
    hook = upstream / ".git/hooks/post-index-change"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {upstream}/hooked\n")
    hook.chmod(0o755)
    index = (upstream / ".git/index").read_bytes()

    git.export(upstream, f"{there}~1", into)

    assert (upstream / ".git/index").read_bytes() == index
    assert (upstream / "code.py").read_text() == "changed"
    assert not (upstream / "hooked").exists()
    assert (into / "code.py").read_text() == "two"
    assert [path.name for path in into.parent.iterdir() if "index" in path.name] == []


def test_files_have_the_same_time_whenever_they_are_written(upstream: Path, into: Path) -> None:
    times = []
    for _ in range(2):
        git.export(upstream, "main", into)
        times.append((into / "code.py").stat().st_mtime)
        shutil.rmtree(into)
        into.mkdir()

    assert times == [float(in_git(upstream, "log", "-1", "--format=%ct", "main"))] * 2


def test_a_sparse_checkout_gives_all_files_of_a_commit(upstream: Path, into: Path) -> None:
    (upstream / "docs").mkdir()
    there = commit(upstream, "page", "docs/page.md")
    in_git(upstream, "sparse-checkout", "set", "--cone", "nothing")
    assert not (upstream / "docs").exists()

    git.export(upstream, there, into)

    assert (into / "docs/page.md").read_text() == "page"


def test_submodules_with_files_are_named_and_images_advised(
    upstream: Path, into: Path, tmp_path: Path
) -> None:
    library = tmp_path / "library"
    library.mkdir()
    in_git(library, "init", "--quiet")
    commit(library, "code")
    subprocess.run(
        (
            *("git", "-C", str(upstream), "-c", "protocol.file.allow=always"),
            *("submodule", "--quiet", "add", str(library), "vendor/library"),
        ),
        check=True,
    )
    there = commit(upstream, "with a submodule")

    with pytest.raises(UsageError, match=r"has submodules \(vendor/library\).*--base-image"):
        git.export(upstream, there, into)

    in_git(upstream, "submodule", "--quiet", "deinit", "--all", "--force")
    git.export(upstream, there, into)  # as the checkout itself now is
    assert list((into / "vendor/library").iterdir()) == []


def test_a_link_that_leads_out_over_another_link_is_not_written(upstream: Path, into: Path) -> None:
    (upstream / "a/b").mkdir(parents=True)
    (upstream / "a/b/top").symlink_to("../..")
    (upstream / "circle").symlink_to("circle")
    within = commit(upstream, "a link to the top")
    (upstream / "out").symlink_to("a/b/top/..")
    without = commit(upstream, "over it")

    git.export(upstream, within, into)
    assert (into / "a/b/top/code.py").read_text() == "a link to the top"
    shutil.rmtree(into)
    into.mkdir()

    with pytest.raises(UsageError, match=r"has out → a/b/top/\.\., which leads out of its folder"):
        git.export(upstream, without, into)
    assert list(into.iterdir()) == []
