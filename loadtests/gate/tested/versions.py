"""Builds both versions of a user's own target, each from its own files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from loadtests.environments.compose import images, project_image
from loadtests.environments.compose.tested import forcing, inspection, user_images
from loadtests.environments.compose.tested.subject import Subject
from loadtests.environments.protocol import Say
from loadtests.gate import fingerprints, versions
from loadtests.gate.model.plan import Side
from loadtests.gate.model.vocabulary import SideKind, SideName
from loadtests.gate.named_versions import Named
from loadtests.gate.options import GateOptions, load_of, models_of
from loadtests.gate.tested import compose_inputs, differences, mounted, rights, tags
from loadtests.gate.tested.differences import Hashes
from loadtests.gate.tested.places import VARIABLES, place_of, target_in
from loadtests.gate.tested.prepared import Prepared
from loadtests.gate.versions import DEFAULT_PORT, Sides
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.model.plan import START_LIMIT_S, WorkerModel
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import Target, TargetKind
from loadtests.planning import variant_fit
from loadtests.targets.application import build_context
from loadtests.tools import docker, git
from loadtests.tools.docker_compose import Compose

ONE_SERVER = (
    "A gate serves both versions by one variant. Where a change moves the application from WSGI to"
    " ASGI, or back, compare Dockerfiles or images that start their own servers."
)


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """What all builds of a gate need.

    ``here`` is the working folder, and ``folder`` the one that the target's name starts from.
    Files of commits are below ``temporary``, which has to stay while the gate runs.
    ``build_words`` are further options of each build. An application's import may take as long as a
    start, ``start_limit_s``.
    """

    engine: docker.Engine
    compose: Compose
    root: Path
    here: Path
    folder: Path
    temporary: Path
    say: Say
    build_words: tuple[str, ...] = ()
    start_limit_s: float = START_LIMIT_S


@dataclass(frozen=True, kw_only=True)
class _Built:
    side: Side
    prepared: Prepared
    hashes: Hashes | None
    rights: frozenset[str]
    place: Path
    folder: Path
    """That of the target, from which the names of ``hashes`` start."""


def build(
    shop: Workshop,
    named: tuple[Named, Named],
    options: GateOptions,
    environments: Mapping[SideName, Mapping[str, str]],
) -> Sides:
    """Return both versions with their images, services and commands.

    Raises :class:`UsageError` where a version has no such target, where both would run the same
    code, or where head takes more of this machine than base, and :class:`EnvironmentFailure` where
    one does not build.
    """
    assert options.project is not None
    pairs = list(models_of(options).values())
    built: dict[SideName, _Built] = {}
    for index, version in enumerate(named):
        models = tuple({pair[index].name: pair[index] for pair in pairs}.values())
        variables = environments[version.name]
        allowed = built[SideName.BASE].rights if built else None
        built[version.name] = _build(shop, version, options.project, models, variables, allowed)
    base, head = built[SideName.BASE], built[SideName.HEAD]
    told = differences.differences_of(base.side, head.side, (base.hashes, head.hashes))
    notes = dict.fromkeys((*base.prepared.subject.notes, *head.prepared.subject.notes))
    return Sides(
        base=base.side,
        head=head.side,
        differences=(*told, *notes, inspection.NO_WAY_OUT),
        variables=environments,
        prepared={name: entry.prepared for name, entry in built.items()},
        remarks=tuple(_remarks(shop, options, built)),
        identical=versions.are_same_images(base.side, head.side)
        and _started(base.prepared) == _started(head.prepared),
    )


def _started(prepared: Prepared) -> Prepared:
    """Return what is started of a version: without how it was built, and what is only told."""
    subject = prepared.subject
    front = subject.front
    return replace(
        prepared,
        subject=replace(
            subject,
            measured=replace(subject.measured, build=None),
            needs=tuple(replace(part, build=None) for part in subject.needs),
            front=None if front is None else replace(front, build=None),
            notes=(),
            others=(),
            unset=(),
        ),
    )


def _remarks(
    shop: Workshop, options: GateOptions, built: Mapping[SideName, _Built]
) -> Iterator[str]:
    """Yield what is not compared although it differs, and what is compared without being meant."""
    file = load_of(options).locustfile
    for name, entry in built.items():
        yield from differences.of_configuration(name, entry.place, shop.folder, file)
    base, head = built[SideName.BASE], built[SideName.HEAD]
    is_commit_and_tree = (base.side.kind, head.side.kind) == (SideKind.REF, SideKind.PATH)
    if is_commit_and_tree and base.hashes is not None and head.hashes is not None:
        tracked = git.files_of(head.folder)
        if tracked:
            yield from differences.in_no_commit(base.hashes, head.hashes, tracked)


def _build(
    shop: Workshop,
    named: Named,
    project: Project,
    models: tuple[WorkerModel, ...],
    variables: Mapping[str, str],
    allowed: frozenset[str] | None,
) -> _Built:
    place = shop.folder
    if named.kind is not SideKind.IMAGE:
        place = place_of(named, shop.here, shop.folder, shop.temporary)
    env = {**project.tested.env, **variables}
    tested = replace(_target(project.tested, place, shop.folder, named), env=env)
    root = _root(shop, named, place)
    taken = _read_by_compose(tested, place, root)
    if allowed is not None:  # before Compose reads them: it may print what is in them
        rights.check(allowed, taken, named)
    subject = _subject(shop, tested, named, place)
    taken |= rights.of(subject, root)
    if allowed is not None:
        rights.check(allowed, taken, named)
    shop.say(f"Building the image of {named.name} ({versions.describe(named)})")
    with _told_of(named):
        if tested.kind is TargetKind.IMPORT_STRING:
            prepared = _of_application(shop, named, tested, subject, models)
        else:
            prepared = _of_image(shop, subject, models)
    image = prepared.image
    side = Side(
        name=named.name,
        asked=named.asked,
        kind=named.kind,
        digest=image.id,
        port=tested.port or next(iter(image.ports), DEFAULT_PORT),
        commit=named.commit,
        environment=fingerprints.of(env),
    )
    return _Built(
        side=side,
        prepared=prepared,
        hashes=_hashes(named, tested),
        rights=taken,
        place=place,
        folder=Path(tested.folder or place),
    )


@contextmanager
def _told_of(named: Named) -> Iterator[None]:
    """Name the version in the error of a build or an import: both have one target's name."""
    try:
        yield
    except (EnvironmentFailure, UsageError) as error:
        kind = UsageError if isinstance(error, UsageError) else EnvironmentFailure
        way_out = ""
        if named.name is SideName.BASE:
            way_out = "\nThat is what the change is compared with. Name another: --base REF."
        raise kind(
            f"{named.name.capitalize()} ({versions.describe(named)}): {error}{way_out}"
        ) from error


def _read_by_compose(tested: Target, place: Path, root: Path) -> frozenset[str]:
    if tested.kind is not TargetKind.SERVICE or tested.compose_file is None:
        return frozenset()
    is_own = git.toplevel(place) is not None and VARIABLES not in git.files_of(place)
    own = place / VARIABLES if is_own else None
    files = [Path(tested.compose_file), *map(Path, tested.overrides)]
    return compose_inputs.of(files, root, own=own)


def _root(shop: Workshop, named: Named, place: Path) -> Path:
    """Return the folder that has all files of a version."""
    if named.kind is SideKind.REF:
        return shop.temporary / named.name
    return git.toplevel(place) or place


def _target(tested: Target, place: Path, folder: Path, named: Named) -> Target:
    if named.kind is not SideKind.IMAGE:
        return target_in(tested, place, folder, named)
    if tested.kind is TargetKind.SERVICE:  # with what it needs, of the working tree
        return tested
    if tested.kind is TargetKind.IMPORT_STRING:
        raise UsageError(
            f"{named.name} is the image {named.asked}, which starts its own server, and the target"
            f" is {tested.given}, whose server Twofold starts. Name two images"
            " (--base-image, --head-image), or none."
        )
    return replace(
        tested,
        kind=TargetKind.IMAGE,
        given=named.asked,
        name=named.asked,
        image=named.asked,
        folder=None,
        dockerfile=None,
        notes=(),
    )


def _subject(shop: Workshop, tested: Target, named: Named, place: Path) -> Subject:
    with_lost_files = compose_inputs.told_of_files_in_no_commit(tested, place, shop.folder)
    with _told_of(named), with_lost_files:
        subject = inspection.inspect(tested, shop.engine, shop.compose)
    assert subject is not None
    if tested.kind is TargetKind.SERVICE:
        mounted.check(subject, place, named)
        parts = tags.of_version(subject.parts, named)
        subject = replace(subject, measured=parts[0], needs=parts[1:])
    elif tested.kind is TargetKind.DOCKERFILE:
        subject = replace(subject, measured=tags.of_version(subject.parts, named)[0])
    return subject


def _of_application(
    shop: Workshop,
    named: Named,
    tested: Target,
    subject: Subject,
    models: tuple[WorkerModel, ...],
) -> Prepared:
    base = images.base_image(shop.engine, shop.root, say=shop.say)
    digest = project_image.build(
        shop.engine,
        shop.root,
        tested,
        base=base,
        say=shop.say,
        workers=models,
        tag=f"twofold/gate-{named.name}-app:latest",
        words=shop.build_words,
    )
    limit_s = shop.start_limit_s
    seen = project_image.inspect(digest, tested, shop.say, start_limit_s=limit_s)
    _check_served(seen, models)
    image = shop.engine.image(digest)
    if image is None:
        raise EnvironmentFailure(f"The image of {named.name} was removed. Try again.")
    measured = replace(subject.measured, image=digest, ports=(project_image.PORT,))
    commands = {
        model.name: project_image.command(model, seen, start_limit_s=limit_s) for model in models
    }
    # What the image was made from is told by the differences; its folder is only a copy.
    subject = replace(subject, measured=measured, notes=())
    return Prepared(subject=subject, image=image, commands=commands)


def _check_served(seen: Target, models: tuple[WorkerModel, ...]) -> None:
    try:
        variant_fit.check_served(seen, models)
    except UsageError as error:
        raise UsageError(f"{error} {ONE_SERVER}") from error


def _of_image(shop: Workshop, subject: Subject, models: tuple[WorkerModel, ...]) -> Prepared:
    subject, image = user_images.provide_by_ids(shop.engine, subject, shop.say, shop.build_words)
    commands = forcing.commands_of(subject, image, models)
    return Prepared(subject=subject, image=image, commands=commands)


def _hashes(named: Named, tested: Target) -> Hashes | None:
    if named.kind is SideKind.IMAGE or tested.folder is None:
        return None
    folder = Path(tested.folder)
    return differences.hashes_of(folder, build_context.find(folder).files)
