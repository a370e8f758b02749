"""Files of Git LFS: a version is exported with them where the checkout has them, and only there."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import git
from tests.loadtests.gate.test_versions import in_git
from tests.loadtests.tools.test_git import commit, into, upstream

__all__ = ["into", "upstream"]

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 5\n"
MODEL = "model.bin"


@pytest.fixture
def tracked(upstream: Path) -> Path:
    """A repository with a file of LFS, whose pointer is in the working tree.

    The filter that fetches it is the machine's, as on GitHub's runners. It does not heed
    ``GIT_LFS_SKIP_SMUDGE``, as git-lfs does not under ``git checkout-index``.
    """
    (upstream / ".gitattributes").write_text("*.bin filter=lfs\n")
    commit(upstream, POINTER, MODEL)
    in_git(upstream, "config", "filter.lfs.smudge", "cat >/dev/null; echo the model")
    in_git(upstream, "config", "filter.lfs.required", "true")
    return upstream


def export(folder: Path, into: Path) -> str:
    git.export(folder, in_git(folder, "rev-parse", "HEAD"), into)
    return (into / MODEL).read_text()


def test_pointers_of_the_checkout_are_pointers_in_a_commits_files(
    tracked: Path, into: Path
) -> None:
    """Else base would have its data, and head would read a pointer of 130 bytes."""
    assert export(tracked, into) == POINTER


def test_files_of_the_checkout_are_fetched_for_a_commit(tracked: Path, into: Path) -> None:
    (tracked / MODEL).write_text("the model\n")

    assert export(tracked, into) == "the model\n"


def test_a_file_on_one_side_and_a_pointer_on_the_other_is_refused(
    tracked: Path, into: Path
) -> None:
    (tracked / MODEL).write_text("the model\n")
    in_git(tracked, "config", "filter.lfs.smudge", "cat")  # fetches nothing

    with pytest.raises(EnvironmentFailure, match=rf"one has the file {MODEL}, and one a pointer"):
        export(tracked, into)
