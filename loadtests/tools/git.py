"""git: resolves names to commits and exports their files. It never changes a checkout."""

from __future__ import annotations

import os
import posixpath
import re
import shutil
import stat
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from loadtests.model.errors import EnvironmentFailure, ProcessFailure, UsageError
from loadtests.model.safe_text import one_line
from loadtests.tools import proc

REMOTE = "origin"
"""The remote that CI systems, as ``git clone``, fetch branches from."""

MAIN_BRANCHES = ("origin/HEAD", "origin/main", "origin/master", "main", "master")
"""Names of the main branch, in order of preference: remote ones first, as others see them."""

TARGET_BRANCH_IN = (
    *("GITHUB_BASE_REF", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "CHANGE_TARGET"),
    *("BITBUCKET_PR_DESTINATION_BRANCH", "SYSTEM_PULLREQUEST_TARGETBRANCH"),
    "BUILDKITE_PULL_REQUEST_BASE_BRANCH",
)
"""Variables with the branch that a change is to go into, set for nothing but a change: of GitHub,
GitLab, Jenkins, Bitbucket, Azure Pipelines (with ``refs/heads/`` before the name) and Buildkite."""

EXPORT_LIMIT_S = 120.0

ALONE = (
    *("-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false"),
    *("-c", "core.splitIndex=false", "-c", "core.sparseCheckout=false"),
    *("-c", "index.sparse=false"),
)
"""Settings with which an index of its own has all files, and nothing of the checkout is written."""

OF_A_HOOK = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"),
    *("GIT_NAMESPACE", "GIT_INTERNAL_SUPER_PREFIX", "GIT_SHALLOW_FILE", "GIT_GRAFT_FILE"),
)
"""Variables that hooks, ``rebase --exec`` and scripts have, and that name a repository, whatever
folder git is asked in: some of ``git rev-parse --local-env-vars``. Those of objects stay: in a hook
of a server, new commits are nowhere else yet."""

SUBMODULE_MODE = "160000"

LFS_FILES = ":(attr:filter=lfs)"
POINTER = b"version https://git-lfs.github.com/spec/"
"""How a file begins that stands for one of Git LFS."""

NO_LFS = (
    *("-c", "filter.lfs.smudge=", "-c", "filter.lfs.process="),
    *("-c", "filter.lfs.required=false"),
)
"""Settings by which pointers stay. Its variable ``GIT_LFS_SKIP_SMUDGE`` does not reach
``git checkout-index`` (git-lfs issue 4858)."""

OWN_RESULTS = re.compile(r"\?\? (.*/)?results/(history\.jsonl|(gate-)?\d{8}-\d{6}-[0-9a-f]+/.*)")
"""A line of ``git status`` for what Twofold itself wrote."""


@dataclass(frozen=True, kw_only=True)
class MergeBase:
    """The commit where HEAD left a branch."""

    commit: str
    branch: str


def toplevel(folder: Path) -> Path | None:
    """Return the root of the checkout that contains a folder, or None."""
    path = _ask(folder, "rev-parse", "--show-toplevel")
    return Path(path) if path else None


def complaint(folder: Path) -> str | None:
    """Return git's own words on why it reads no checkout in a folder, or None where it does."""
    try:
        done = proc.run((*_git(folder), "rev-parse", "--show-toplevel"), check=False)
    except ProcessFailure as error:
        return str(error)
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    return one_line(" ".join(lines)) if done.code != 0 else None


def remark(folder: Path) -> str:
    """Return why a name may be unknown in a folder, as a sentence behind others, or ""."""
    why = complaint(folder)
    if why is not None:
        return f" Git says: {why}"
    return f" {way_out(folder)}" if is_shallow(folder) else ""


def is_shallow(folder: Path) -> bool:
    """Return whether a checkout lacks the history before some commit."""
    return _ask(folder, "rev-parse", "--is-shallow-repository") == "true"


def files_of(folder: Path, *patterns: str) -> tuple[str, ...]:
    """Return the files that git knows in a folder, by their paths in it; () outside a checkout.

    With ``patterns``, only those that one of them fits.
    """
    listed = _ask(folder, "ls-files", "-z", "--", *patterns)
    return tuple(name for name in listed.split("\0") if name) if listed else ()


def commit_of(folder: Path, name: str) -> str | None:
    """Return the commit that a name resolves to, or None if it names no commit."""
    return _ask(
        folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}"
    )


def unchanged_commit(folder: Path) -> str | None:
    """Return HEAD's commit if the files of a checkout are those of it, else None.

    Files that git ignores do not count, and neither do results of Twofold's.
    """
    if not files_of(folder):  # a folder that git ignores is none of a commit
        return None
    words = ("--no-optional-locks", "status", "--porcelain", "--untracked-files=all")
    try:
        done = proc.run((*_git(folder), *words), check=False)
    except ProcessFailure:
        return None
    changed = [line for line in done.stdout.splitlines() if not OWN_RESULTS.fullmatch(line)]
    return commit_of(folder, "HEAD") if done.code == 0 and not changed else None


def merge_base(folder: Path, head: str = "HEAD") -> MergeBase:
    """Return the commit where ``head`` left the branch that it is to go into, or the main branch.

    CI systems name that branch. Raises :class:`UsageError` if it is not there, or has no common
    commit with ``head``.
    """
    named = (os.environ[name] for name in TARGET_BRANCH_IN if os.environ.get(name))
    target = next(named, "").removeprefix("refs/heads/")
    branches = (f"{REMOTE}/{target}", target) if target else MAIN_BRANCHES
    branch = next((name for name in branches if commit_of(folder, name)), None)
    if branch is None:
        what = f"branch {target}" if target else "main branch"
        raise UsageError(
            f"{folder} has no {what} ({', '.join(branches)}) to compare with."
            f" {way_out(folder, target)}"
        )
    commit = _ask(folder, "merge-base", head, branch)
    if commit is None:
        raise UsageError(f"{head[:12]} and {branch} have no common commit here. {way_out(folder)}")
    return MergeBase(commit=commit, branch=branch)


def way_out(folder: Path, branch: str | None = None) -> str:
    """Return what to do where a commit, or a branch of the remote, is not in a checkout."""
    if is_shallow(folder):
        return (
            "This is a shallow clone, without the history. Fetch it (GitHub: fetch-depth: 0;"
            " GitLab: GIT_DEPTH: 0), or name the version to compare with: --base REF, IMAGE or"
            " PATH."
        )
    fetch = (
        f"Fetch it (git fetch {REMOTE} +refs/heads/{branch}:refs/remotes/{REMOTE}/{branch}), or"
        " name"
        if branch
        else "Name"
    )
    return f"{fetch} the version to compare with: --base REF, IMAGE or PATH."


def export(folder: Path, commit: str, into: Path) -> None:
    """Write all files of a commit into an empty folder, wherever in the checkout ``folder`` is.

    They are as a checkout has them: attributes that are for archives do not count. Git gets an
    index of its own, so that nothing in the checkout changes. There is no ``.git``.

    Raises :class:`EnvironmentFailure` if they cannot be written, and :class:`UsageError` for a
    commit with submodules that are in the checkout, or with a link that leads out of the folder: a
    commit may be a stranger's. Files of Git LFS are written where the checkout has them, too.
    """
    top = toplevel(folder) or folder
    index = into.parent / f"{into.name}.index"
    words = (*_git(top, index=index), *ALONE, *_without_lfs(top), f"--work-tree={into}")
    try:
        _check_submodules(top, commit)
        # From the index: in the folder itself, a commit's own attributes count, and no others.
        proc.run((*words, "read-tree", commit), timeout_s=EXPORT_LIMIT_S)
        proc.run((*words, "checkout-index", "--all"), timeout_s=EXPORT_LIMIT_S)
        _check_links(into, commit)
        _check_pointers(top, into, commit)
        _take_modes(top, into, _committed_at_s(top, commit))
    except (ProcessFailure, OSError) as error:
        raise EnvironmentFailure(
            f"The files of {commit[:12]} cannot be written to {into} ({error})."
            " Free some disk space, fetch what a filter needs (git lfs pull), or name an image:"
            " --base-image, --head-image."
        ) from error
    finally:
        for file in (index, index.with_name(f"{index.name}.lock")):
            file.unlink(missing_ok=True)


def _without_lfs(top: Path) -> tuple[str, ...]:
    """Return settings by which no file of Git LFS is fetched, where the checkout has pointers."""
    has_pointers = any(_is_pointer(top / name) for name in files_of(top, LFS_FILES))
    return NO_LFS if has_pointers else ()


def _check_pointers(top: Path, exported: Path, commit: str) -> None:
    """Raise :class:`EnvironmentFailure` for a file that is a pointer on one side alone.

    What a version does without its data is no measure of it.
    """
    for name in files_of(top, LFS_FILES):
        here, there = top / name, exported / name
        if here.is_file() and there.is_file() and _is_pointer(here) != _is_pointer(there):
            raise EnvironmentFailure(
                f"Of {commit[:12]} and the checkout, one has the file {one_line(name)}, and one a"
                " pointer of Git LFS. Fetch the file for both (git lfs fetch --all, then git lfs"
                " checkout), or name an image: --base-image, --head-image."
            )


def _is_pointer(path: Path) -> bool:
    """Return whether a path is a file in the place of one of Git LFS."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(POINTER)) == POINTER


def _check_submodules(top: Path, commit: str) -> None:
    """Raise :class:`UsageError` for submodules whose files are in the checkout.

    Their files are in other repositories, so a commit's would be missing. Where the checkout lacks
    them too, both versions are built without.
    """
    done = proc.run((*_git(top), "ls-tree", "-r", "-z", "--full-tree", commit))
    entries = (entry.partition("\t") for entry in done.stdout.split("\0"))
    names = [name for facts, _, name in entries if facts.startswith(SUBMODULE_MODE)]
    there = [name for name in names if (top / name).is_dir() and any((top / name).iterdir())]
    if there:
        raise UsageError(
            f"{commit[:12]} has submodules ({', '.join(map(one_line, there))}), whose files are in"
            " no commit of this repository. Build an image of each version, and name them:"
            " --base-image, --head-image."
        )


def _check_links(exported: Path, commit: str) -> None:
    """Raise :class:`UsageError`, and remove all files, if a link leads out of the folder.

    Git itself writes through no link, and takes no path that leads out.
    """
    for path in exported.rglob("*"):
        if not path.is_symlink():
            continue
        name, target = str(path.relative_to(exported)), str(path.readlink())
        if _leads_out(name, target) or not _ends_in(path, exported):
            shutil.rmtree(exported)
            exported.mkdir()
            raise UsageError(
                f"{commit[:12]} has {one_line(name)} → {one_line(target)}, which leads out of its"
                " folder, so its files are not written. Take it out of the commit, or name an"
                " image: --base-image, --head-image."
            )


def _leads_out(name: str, target: str) -> bool:
    end = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    return end.startswith(("/", "../")) or end == ".."


def _ends_in(link: Path, folder: Path) -> bool:
    """Return whether a link ends in a folder, over others too; one in a circle ends nowhere."""
    try:
        return link.resolve().is_relative_to(folder.resolve())
    except (RuntimeError, OSError):
        return True


def _committed_at_s(top: Path, commit: str) -> int:
    done = proc.run((*_git(top), "rev-list", "--max-count=1", "--timestamp", commit))
    return int(done.stdout.split()[0])


def _take_modes(checkout: Path, exported: Path, at_s: int) -> None:
    """Give exported files and folders the modes that they have in a checkout, by its umask.

    Git keeps only whether a file is executable. An image has all of the mode, so equal files would
    make two different images. Where that one bit differs, the commit's stays. All get the time of
    the commit, so that its files are the same each time.
    """
    for path in (exported, *exported.rglob("*")):
        os.utime(path, (at_s, at_s), follow_symlinks=False)
        there = checkout / path.relative_to(exported)
        if path.is_symlink():
            continue
        is_run = bool(path.stat().st_mode & stat.S_IXUSR)
        mode = 0o755 if is_run else 0o644
        if there.exists() and not there.is_symlink() and path.is_dir() == there.is_dir():
            wanted = there.stat().st_mode
            mode = stat.S_IMODE(wanted) if bool(wanted & stat.S_IXUSR) == is_run else mode
        path.chmod(mode)


def _ask(folder: Path, *words: str) -> str | None:
    try:
        done = proc.run((*_git(folder), *words), check=False)
    except ProcessFailure:  # without git, no name resolves
        return None
    return done.stdout.strip() or None if done.code == 0 else None


def _git(folder: Path, *, index: Path | None = None) -> tuple[str, ...]:
    """Return the beginning of a command that asks for the checkout of a folder, and no other.

    ``index`` is a file in the place of the checkout's own.
    """
    named = [name for name in OF_A_HOOK if name in os.environ] if _has_own(folder) else []
    unset = [word for name in named for word in ("-u", name)]
    own = [f"GIT_INDEX_FILE={index}"] if index is not None else []
    return (*(("env", *unset, *own) if unset or own else ()), "git", "-C", str(folder))


def _has_own(folder: Path) -> bool:
    """Return whether a folder is in a checkout that git finds by itself.

    Another may be one by these variables alone, such as where a server puts what was pushed, or
    where the repository that its ``.git`` names is elsewhere in a container.
    """
    place = folder.absolute()
    tops = (above for above in (place, *place.parents) if _is_repository(above / ".git"))
    top = next(tops, None)
    named = Path(os.environ.get("GIT_WORK_TREE") or "/")
    is_nearer = place.is_relative_to(named) and top in named.parents
    return top is not None and not is_nearer


def _is_repository(path: Path) -> bool:
    """Return whether a ``.git`` is a repository, or a file that names one that is there."""
    with suppress(OSError):  # no file, or one that git cannot read either
        named = path.read_text(encoding="utf-8", errors="surrogateescape")
        path = path.parent / named.removeprefix("gitdir:").strip()
    return os.path.lexists(path / "HEAD")
