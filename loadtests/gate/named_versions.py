"""Finds the two versions that a gate compares, by their names."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from loadtests.gate.model.vocabulary import SideKind, SideName
from loadtests.gate.options import MOST_VARIANTS, GateOptions
from loadtests.model.errors import UsageError
from loadtests.model.tested.target import Target, TargetKind
from loadtests.tools import docker, git


@dataclass(frozen=True, kw_only=True)
class Named:
    """A version before its build: ``asked`` is its name, ``folder`` or ``commit`` its source."""

    name: SideName
    asked: str
    kind: SideKind
    commit: str | None = None
    folder: Path | None = None


def find_both(
    engine: docker.Engine, here: Path, options: GateOptions, *, pull: bool = True
) -> tuple[Named, Named]:
    """Return both versions; two variants are compared on one, which is head's.

    Raises :class:`UsageError` for a name that is none. Without ``pull``, an image that Docker has
    not is taken for one that it can pull.
    """
    head = _find_one(engine, here, SideName.HEAD, options, pull=pull)
    if len(options.variants) == MOST_VARIANTS:
        return replace(head, name=SideName.BASE), head
    return _find_one(engine, here, SideName.BASE, options, pull=pull, head=head), head


def _find_one(
    engine: docker.Engine,
    here: Path,
    name: SideName,
    options: GateOptions,
    *,
    pull: bool,
    head: Named | None = None,
) -> Named:
    image, asked = options.image_of(name), options.asked_of(name)
    if image is not None:
        return find_image(engine, name, image, pull=pull)
    tested = options.project.tested if options.project is not None else None
    if tested is not None and tested.kind is TargetKind.IMAGE:
        return _find_of_image(engine, here, name, asked, tested, pull=pull)
    return find(engine, here, name, asked, pull=pull, head=head)


def _find_of_image(
    engine: docker.Engine,
    here: Path,
    name: SideName,
    asked: str | None,
    tested: Target,
    *,
    pull: bool,
) -> Named:
    """Return a version of a target that is an image, which head is where nobody names another."""
    if asked is None and name is SideName.HEAD:
        return find_image(engine, name, tested.image or tested.given, pull=pull)
    found = None if asked is None else find(engine, here, name, asked, pull=pull)
    if found is None or found.kind is not SideKind.IMAGE:
        raise UsageError(
            f"The target is the image {tested.given}, so a commit or a folder does not change it."
            f" Name the image of {name}: --{name}-image {tested.given}. Or name the target by its"
            " Dockerfile."
        )
    return found


def find(
    engine: docker.Engine,
    here: Path,
    name: SideName,
    asked: str | None,
    *,
    pull: bool = True,
    head: Named | None = None,
) -> Named:
    """Return the version with a name: a path, a git ref or an image.

    Without a name, head is the working tree, and base is where ``head`` left the branch that it is
    to go into. A branch may be the remote's alone, as in a CI system's checkout. Raises
    :class:`UsageError` for an unknown name, and for one of a path and of a ref: a change can bring
    a folder with the name of a branch. Without ``pull``, an image that Docker has not is taken for
    one that it can pull.
    """
    checkout = git.toplevel(here)
    if asked is None:
        return _default(checkout, here, name, head)
    refs = (asked, f"{git.REMOTE}/{asked}") if checkout else ()
    commits = ((ref, git.commit_of(here, ref)) for ref in refs)
    ref, commit = next(((ref, commit) for ref, commit in commits if commit), (asked, None))
    is_folder = Path(asked).is_dir()
    if is_folder and commit is not None:
        raise UsageError(
            f"--{name} {asked!r} is a folder here and a commit ({ref}, {commit[:12]}). Write"
            f" ./{asked} for the folder, or {asked}~0 for the commit."
        )
    if is_folder:
        return _tree(name, asked, Path(asked).resolve())
    if commit is not None:
        return Named(name=name, asked=ref, kind=SideKind.REF, commit=commit)
    is_remote = _is_remote_image(asked, here)
    if engine.image_id(asked) is not None or (is_remote and (not pull or docker.pull(asked))):
        return Named(name=name, asked=asked, kind=SideKind.IMAGE)
    aside = "" if is_remote else f" An image that is to be pulled is named by --{name}-image."
    raise UsageError(
        f"--{name} {asked!r} is neither a folder, nor a commit of {checkout or here}, nor an image"
        f" that Docker has{' or can pull' * is_remote}. Name one of these; see git branch --all,"
        f" docker images.{aside}{git.remark(here)}"
    )


def find_image(engine: docker.Engine, name: SideName, image: str, *, pull: bool = True) -> Named:
    """Return the version that is an image; raise :class:`UsageError` if Docker has none.

    Without ``pull``, one that Docker has not is taken for one that it can pull.
    """
    if engine.image_id(image) is None and pull and not docker.pull(image):
        raise UsageError(
            f"--{name}-image {image!r}: Docker neither has this image nor can pull it. See docker"
            " images."
        )
    return Named(name=name, asked=image, kind=SideKind.IMAGE)


def _is_remote_image(asked: str, here: Path) -> bool:
    """Return whether a name may be pulled: in a checkout, only one that can be no ref.

    A mistyped branch could be the name of a stranger's image.
    """
    if asked.startswith((".", "/", "-")):
        return False
    host, slash, _ = asked.partition("/")
    in_checkout = any((folder / ".git").exists() for folder in (here, *here.parents))
    is_host = "." in host or host == "localhost"
    return ":" in asked or (bool(slash) and (is_host or not in_checkout))


def _default(checkout: Path | None, here: Path, name: SideName, head: Named | None = None) -> Named:
    if checkout is None:
        raise UsageError(
            f"{here} is not a git checkout, so --{name} has no default. Name a path or an image."
            f"{git.remark(here)}"
        )
    if name is SideName.HEAD:
        return _tree(name, "working tree", checkout)
    fork = git.merge_base(checkout, _tip_of(head))
    asked = f"merge base with {fork.branch}"
    return Named(name=name, asked=asked, kind=SideKind.REF, commit=fork.commit)


def _tip_of(head: Named | None) -> str:
    """Return the commit that a change ends with."""
    if head is None or head.folder is None:
        return (head.commit if head else None) or "HEAD"
    return git.commit_of(head.folder, "HEAD") or "HEAD"


def _tree(name: SideName, asked: str, folder: Path) -> Named:
    """Return the version that is a folder; it has a commit where its files are those of HEAD."""
    commit = git.unchanged_commit(folder)
    return Named(name=name, asked=asked, kind=SideKind.PATH, commit=commit, folder=folder)
