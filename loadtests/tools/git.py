"""git: resolves names to commits and exports their files. It never changes a checkout."""

from __future__ import annotations

import posixpath
import stat
import tarfile
from pathlib import Path, PurePosixPath

from loadtests.model.errors import EnvironmentFailure, ProcessFailure, UsageError
from loadtests.model.safe_text import one_line
from loadtests.tools import proc

MAIN_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
"""Names of the main branch, in order of preference: remote ones first, as others see them."""

ARCHIVE_LIMIT_S = 120.0


def toplevel(folder: Path) -> Path | None:
    """Return the root of the checkout that contains a folder, or None."""
    path = _ask(folder, "rev-parse", "--show-toplevel")
    return Path(path) if path else None


def files_of(folder: Path) -> tuple[str, ...]:
    """Return the files that git knows in a folder, by their paths in it; () outside a checkout."""
    listed = _ask(folder, "ls-files", "-z")
    return tuple(name for name in listed.split("\0") if name) if listed else ()


def commit_of(folder: Path, name: str) -> str | None:
    """Return the commit that a name resolves to, or None if it names no commit."""
    return _ask(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    )


def merge_base(folder: Path) -> str:
    """Return the commit where HEAD branched off the main branch.

    Raises :class:`UsageError` if there is no main branch, or no common commit.
    """
    for branch in MAIN_BRANCHES:
        if commit_of(folder, branch) is None:
            continue
        commit = _ask(folder, "merge-base", "HEAD", branch)
        if commit is None:
            raise UsageError(
                f"HEAD and {branch} have no common commit here; this may be a shallow clone. Fetch"
                " the history (GitHub: fetch-depth: 0; GitLab: GIT_DEPTH: 0), or name a commit:"
                " --base REF."
            )
        return commit
    raise UsageError(
        f"{folder} has no main branch ({', '.join(MAIN_BRANCHES)}) to compare with."
        " Name the version to compare with: --base REF, IMAGE or PATH."
    )


def export(folder: Path, commit: str, into: Path) -> None:
    """Write all files of a commit into an empty folder, wherever in the checkout ``folder`` is.

    Raises :class:`EnvironmentFailure` if they cannot be written, and :class:`UsageError` for a
    commit with an entry that leads out of the folder: a commit may be a stranger's.
    """
    archive = into.with_suffix(".tar")
    # In a folder below the top, git archives that folder alone.
    command = (*_git(toplevel(folder) or folder), "-c", "tar.umask=022", "archive", "--format=tar")
    try:
        proc.run((*command, f"--output={archive}", commit), timeout_s=ARCHIVE_LIMIT_S)
        with tarfile.open(archive) as files:
            _check_entries(files.getmembers(), commit)
            # Python below 3.11.4 has no filters (Debian 12 has 3.11.2), and ignores this one.
            files.extraction_filter = getattr(tarfile, "data_filter", None)
            files.extractall(into)  # noqa: S202 (git itself made this archive)
        _take_modes(toplevel(folder) or folder, into)
    except (ProcessFailure, OSError, tarfile.TarError) as error:
        raise EnvironmentFailure(
            f"The files of {commit[:12]} cannot be written to {into} ({error})."
            " Free some disk space, or name an image: --base IMAGE."
        ) from error
    finally:
        archive.unlink(missing_ok=True)


def _take_modes(checkout: Path, exported: Path) -> None:
    """Give exported files and folders the modes that they have in a checkout, by its umask.

    Git keeps only whether a file is executable. An image has all of the mode, so equal files would
    make two different images. Where that one bit differs, the commit's stays.
    """
    for path in (exported, *exported.rglob("*")):
        there = checkout / path.relative_to(exported)
        if path.is_symlink() or there.is_symlink() or path.is_dir() != there.is_dir():
            continue
        own, wanted = path.stat().st_mode, there.stat().st_mode if there.exists() else None
        if wanted is not None and own & stat.S_IXUSR == wanted & stat.S_IXUSR:
            path.chmod(stat.S_IMODE(wanted))


def _check_entries(entries: list[tarfile.TarInfo], commit: str) -> None:
    """Raise :class:`UsageError` for an entry that would be written, or points, elsewhere.

    The same on every Python: those below 3.11.4 extract anything. No entry can lie behind a link
    that leads out, since there is no such link.
    """
    for entry in entries:
        place = PurePosixPath(entry.name)
        inside = not place.is_absolute() and ".." not in place.parts
        if entry.issym():
            end = posixpath.normpath(posixpath.join(posixpath.dirname(entry.name), entry.linkname))
            inside = inside and not end.startswith(("/", "../")) and end != ".."
        if not inside or not (entry.isfile() or entry.isdir() or entry.issym()):
            target = f" → {one_line(entry.linkname)}" if entry.issym() else ""
            raise UsageError(
                f"{commit[:12]} has {one_line(entry.name)}{target}, which leads out of its folder,"
                " so its files are not written. Take it out of the commit, or name an image:"
                " --base-image, --head-image."
            )


def _ask(folder: Path, *words: str) -> str | None:
    try:
        done = proc.run((*_git(folder), *words), check=False)
    except ProcessFailure:  # without git, no name resolves
        return None
    return done.stdout.strip() or None if done.code == 0 else None


def _git(folder: Path) -> tuple[str, ...]:
    return ("git", "-C", str(folder))
