"""git: what a name stands for, and its files as they were. Nothing in a checkout is changed."""

from __future__ import annotations

import tarfile
from pathlib import Path

from loadtests.model.errors import EnvironmentFailure, ProcessFailure, UsageError
from loadtests.tools import proc

MAIN_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
"""Where the main branch is looked for, in this order: what others have before what is here."""

ARCHIVE_LIMIT_S = 120.0


def toplevel(folder: Path) -> Path | None:
    """Give the checkout that a folder lies in, or None."""
    found = _ask(folder, "rev-parse", "--show-toplevel")
    return Path(found) if found else None


def commit_of(folder: Path, name: str) -> str | None:
    """Give the commit that a name stands for, or None where it is no name of one."""
    return _ask(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    )


def merge_base(folder: Path) -> str:
    """Give the commit where what is checked out left the main branch."""
    for branch in MAIN_BRANCHES:
        if commit_of(folder, branch) is None:
            continue
        found = _ask(folder, "merge-base", "HEAD", branch)
        if found is None:
            raise UsageError(
                f"HEAD and {branch} have no common commit here: a shallow clone, perhaps. Fetch the"
                " history (GitHub: fetch-depth: 0; GitLab: GIT_DEPTH: 0), or name one: --base REF."
            )
        return found
    raise UsageError(
        f"{folder} has no main branch ({', '.join(MAIN_BRANCHES)}) to compare with."
        " Name the version to compare with: --base REF, IMAGE or PATH."
    )


def export(folder: Path, commit: str, into: Path) -> None:
    """Write the files of a commit into an empty folder."""
    archive = into.with_suffix(".tar")
    command = (*_git(folder), "-c", "tar.umask=022", "archive", "--format=tar")
    try:
        proc.run((*command, f"--output={archive}", commit), timeout_s=ARCHIVE_LIMIT_S)
        with tarfile.open(archive) as files:
            # Python below 3.11.4 (Debian 12's is 3.11.2) knows no filters, and ignores this one.
            files.extraction_filter = getattr(tarfile, "data_filter", None)
            files.extractall(into)  # noqa: S202 (what git itself has just packed)
    except (ProcessFailure, OSError, tarfile.TarError) as error:
        raise EnvironmentFailure(
            f"The files of {commit[:12]} cannot be written to {into} ({error})."
            " Make room, or name an image: --base IMAGE."
        ) from error
    finally:
        archive.unlink(missing_ok=True)


def _ask(folder: Path, *words: str) -> str | None:
    try:
        done = proc.run((*_git(folder), *words), check=False)
    except ProcessFailure:  # no git here, so nothing is a name of a commit
        return None
    return done.stdout.strip() or None if done.code == 0 else None


def _git(folder: Path) -> tuple[str, ...]:
    return ("git", "-C", str(folder))
