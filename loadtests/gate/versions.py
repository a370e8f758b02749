"""Builds the images of base and head; ``tested.versions`` builds those of a user's own target."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from loadtests.environments.compose import images
from loadtests.environments.compose.tested import build_context
from loadtests.environments.protocol import Say
from loadtests.gate import fingerprints
from loadtests.gate.model.plan import Side
from loadtests.gate.model.vocabulary import SideKind, SideName
from loadtests.gate.named_versions import Named
from loadtests.gate.options import MOST_VARIANTS, GateOptions
from loadtests.gate.tested.differences import Hashes, differences_of, hashes_of
from loadtests.gate.tested.prepared import Prepared
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.targets import dockerfile as dockerfiles
from loadtests.tools import docker, git, temporary

DEFAULT_PORT = 8000
"""Port of an image without EXPOSE: gunicorn's default."""

APP_FOLDER = "app"
"""Folder of the application in a checkout, if not its top."""


@dataclass(frozen=True, kw_only=True)
class Sides:
    """The images of both versions, and their differences as sentences.

    ``variables`` has the values, which are written into no file. ``prepared`` are the versions of a
    user's own target; none for the sample application's. ``remarks`` say what is not compared,
    although it differs. ``identical`` says that two commits are the same images, set alike: there
    is nothing to measure, and a false alarm would be one.
    """

    base: Side
    head: Side
    differences: tuple[str, ...]
    variables: Mapping[SideName, Mapping[str, str]] = field(default_factory=dict, repr=False)
    prepared: Mapping[SideName, Prepared] = field(default_factory=dict, repr=False)
    remarks: tuple[str, ...] = ()
    identical: bool = False


def remarks_on(sides: Sides, options: GateOptions) -> tuple[str, ...]:
    """Return what is not compared: nothing at all, or what the versions' builds have told."""
    return (*without_change(sides.base, sides.head, options), *sides.remarks)


def without_change(base: Side, head: Side, options: GateOptions) -> tuple[str, ...]:
    """Return a sentence where nobody named a base, and the default is what head is.

    So it is after a merge, on the branch that changes go into. Such a gate passes whatever was
    merged.
    """
    is_named = options.base is not None or options.base_image is not None
    is_own = len(options.variants) == MOST_VARIANTS or options.base_environment != (
        options.head_environment
    )
    if is_named or is_own or base.commit is None or base.commit != head.commit:
        return ()
    return (
        f"There is no change to compare: {head.asked} and {base.asked} are both commit"
        f" {base.commit[:12]}, so a version is compared with itself. On a branch that changes go"
        " into, name what was there before, such as --base HEAD~1.",
    )


def build(
    engine: docker.Engine,
    root: Path,
    here: Path,
    named: tuple[Named, Named],
    environments: Mapping[SideName, Mapping[str, str]],
    say: Say,
    words: Sequence[str] = (),
) -> Sides:
    """Return the images of both versions, built where necessary.

    ``root`` is the project's own checkout, for the base image. ``here`` is in the checkout with the
    named commits. ``words`` are further options of each build. Raises if a version has no
    Dockerfile or does not build, or if their ports differ.
    """
    with temporary.folder("gate") as place:
        folders = [_folder(version, here, place) for version in named]
        base, head = (
            _image(engine, root, version, folder, environments[version.name], say, words)
            for version, folder in zip(named, folders, strict=True)
        )
        differences = differences_of(base, head, [_hashes(folder) for folder in folders])
    if base.port != head.port:
        raise EnvironmentFailure(
            f"Base listens on port {base.port} and head on port {head.port} (EXPOSE), and a"
            " proxy needs one port for both. Give both the same port."
        )
    return Sides(
        base=base,
        head=head,
        differences=differences,
        variables=environments,
        identical=are_same_images(base, head),
    )


def are_same_images(base: Side, head: Side) -> bool:
    """Return whether a change leaves the image and the variables as they are, such as one of docs.

    What was named twice, as a version or as an image, is compared with itself because somebody
    wants that.
    """
    is_change = base.kind is SideKind.REF and base.commit != head.commit
    of_base, of_head = ((side.digest, side.environment) for side in (base, head))
    return is_change and of_base == of_head


def _folder(named: Named, here: Path, place: Path) -> Path | None:
    """Return the build context of a version, or None for an image."""
    if named.kind is SideKind.IMAGE:
        return None
    folder = named.folder
    if folder is None:
        assert named.commit is not None
        folder = place / named.name
        folder.mkdir()
        git.export(here, named.commit, folder)
    for context in (folder / APP_FOLDER, folder):
        dockerfile = context / "Dockerfile"
        if dockerfile.is_file():
            if not dockerfile.resolve().is_relative_to(folder.resolve()):
                raise UsageError(  # a builder's message would show the file's first line
                    f"{dockerfile} is a link to {dockerfile.resolve()}. Put the file there instead."
                )
            build_context.check(context, dockerfile)
            return context
    raise UsageError(
        f"--{named.name} {named.asked!r} has no Dockerfile, neither at its top nor in"
        f" {APP_FOLDER}/. {dockerfiles.instead(folder)}"
    )


def _image(
    engine: docker.Engine,
    root: Path,
    named: Named,
    folder: Path | None,
    environment: Mapping[str, str],
    say: Say,
    words: Sequence[str],
) -> Side:
    tag = named.asked
    if folder is not None:
        tag = f"twofold/gate-{named.name}:latest"
        say(f"Building the image of {named.name} ({describe(named)})")
        with images.replacing(engine, tag):
            docker.build(
                docker.build_argv(
                    tag=tag,
                    folder=folder,
                    dockerfile=folder / "Dockerfile",
                    base_image=images.base_image(engine, root, say=say),
                    words=words,
                ),
                what=f"{named.name} ({describe(named)})",
                on_line=lambda _: None,
            )
    digest = engine.image_id(tag)
    if digest is None:
        raise EnvironmentFailure(
            f"The image {tag!r} of {named.name} was removed during the gate. Try again."
        )
    return Side(
        name=named.name,
        asked=named.asked,
        kind=named.kind,
        digest=digest,
        port=_port(engine.exposed_ports(tag), named),
        commit=named.commit,
        environment=fingerprints.of(environment),
    )


def _port(exposed: tuple[int, ...], named: Named) -> int:
    if len(exposed) == 1:
        return exposed[0]
    if not exposed or DEFAULT_PORT in exposed:
        return DEFAULT_PORT
    raise EnvironmentFailure(
        f"The image of {named.name} exposes ports {', '.join(map(str, exposed))}, so the"
        " serving port is unknown. Expose only that one."
    )


def describe(named: Named | Side) -> str:
    """Return a short description of a version."""
    commit = f" {named.commit[:12]}" if named.commit else ""
    return f"{named.kind} {named.asked}{commit}" if named.asked != "working tree" else named.asked


def _hashes(folder: Path | None) -> Hashes | None:
    if folder is None:
        return None
    files = (file.relative_to(folder) for file in folder.rglob("*"))
    return hashes_of(
        folder, (file for file in files if not {"__pycache__", ".git"} & set(file.parts))
    )
