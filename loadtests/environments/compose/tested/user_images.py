"""Builds or pulls the images of the user's services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadtests.environments.compose.images import replacing
from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.environments.protocol import Say
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.tools import temporary
from loadtests.tools.docker import Engine, variables
from loadtests.tools.docker import images as docker_images
from loadtests.tools.docker.images import Image

LABEL = "io.twofold.target"
"""The label of an image that was built of a target, with the service's name."""

PASSED = {
    "target": "--target",
    "network": "--network",
    "shm_size": "--shm-size",
    "platform": "--platform",
}
LISTED = {
    "cache_from": "--cache-from",
    "cache_to": "--cache-to",
    "ssh": "--ssh",
    "extra_hosts": "--add-host",
    "secrets": "--secret",
}
CONTEXTS = "additional_contexts"
INLINE = "dockerfile_inline"
UNTOLD = frozenset(
    {
        *("context", "dockerfile", INLINE, "args", "labels", "tags", "x-bake", CONTEXTS),
        *("no_cache", "pull", "provenance", "sbom"),
    }
)
"""Settings of a build that are read elsewhere, or that only name its result."""


SENDING_LIMIT_S = 300.0
"""Seconds in which the classic builder has to have sent a context."""


@dataclass(frozen=True, kw_only=True)
class BuildCommand:
    """A builder's command line, and the variables that hold its secret arguments."""

    argv: tuple[str, ...]
    env: Mapping[str, str]


def provide(
    engine: Engine, subject: Subject, say: Say, words: Sequence[str] = ()
) -> dict[str, Image]:
    """Build or pull the image of each part; return what each declares, by the part's name.

    An image that several parts have is built once.
    ``words`` are further options of each build, which win over those of a build section.
    Raises :class:`EnvironmentFailure` with the failed step, or with the engine's own line.
    """
    built: set[str] = set()
    return {part.name: _provide(engine, part, say, words, built) for part in subject.parts}


def provide_by_ids(
    engine: Engine, subject: Subject, say: Say, words: Sequence[str] = ()
) -> tuple[Subject, Image]:
    """Provide the images of all parts; return the subject with their ids, and the measured image.

    No later build changes what an id names. See :func:`provide`.
    """
    provided = provide(engine, subject, say, words)
    by_ids = subject.with_images({name: image.id for name, image in provided.items()})
    return by_ids, provided[subject.measured.name]


def _provide(engine: Engine, part: Part, say: Say, words: Sequence[str], built: set[str]) -> Image:
    if part.build is not None and part.image not in built:
        built.add(part.image)
        say(f"Building the image of {part.name}")
        with _inline(part.build) as dockerfile, replacing(engine, part.image):
            command = build_command(part, words, dockerfile=dockerfile)
            docker_images.build(
                command.argv,
                what=part.name,
                on_line=lambda _: None,
                env=command.env,
                starts_s=SENDING_LIMIT_S,
                context=command.argv[-1],
            )
    image = engine.image(part.image)
    if image is None:
        say(f"Pulling {part.image}")
        why = docker_images.pull(part.image, platform=part.definition.get("platform"))
        if why:
            raise EnvironmentFailure(
                f"The image {part.image!r} of {part.name} is not on the engine and cannot be"
                f" pulled: {why}. Build it, pull it yourself (docker pull), or name another."
            )
        image = engine.image(part.image)
    if image is None:
        raise EnvironmentFailure(f"The image {part.image!r} of {part.name} was removed. Try again.")
    if not image.starts and not {"command", "entrypoint"} & part.definition.keys():
        raise EnvironmentFailure(
            f"The image of {part.name} has neither CMD nor ENTRYPOINT, so a container of it starts"
            " nothing. Say in its Dockerfile what it runs (CMD)."
        )
    return image


@contextmanager
def _inline(build: Mapping[str, Any]) -> Iterator[Path | None]:
    """Provide a file with the Dockerfile that stands in a build section, or None."""
    if not build.get(INLINE):
        yield None
        return
    with temporary.folder("dockerfile") as folder:
        file = folder / "Dockerfile"
        file.write_text(str(build[INLINE]), encoding="utf-8")
        yield file


def build_command(
    part: Part, further: Sequence[str] = (), *, dockerfile: Path | None = None
) -> BuildCommand:
    """Return the command that builds a part by its ``build`` section.

    ``dockerfile`` is that of the section itself (``dockerfile_inline``).
    Arguments that hold secrets are passed by the builder's environment, so that no value is in a
    list of processes. See ``tools.docker.variables`` for why others are not.
    """
    assert part.build is not None
    build = part.build
    contexts = build.get(CONTEXTS) or {}
    unknown = sorted(set(build) - UNTOLD - PASSED.keys() - LISTED.keys())
    if any(str(place).startswith("service:") for place in contexts.values()):
        unknown.append(f"{CONTEXTS} of another service")
    if unknown:
        raise UsageError(
            f"The build section of {part.name} has {', '.join(unknown)}, which twofold does not"
            " pass on. Build the image yourself, and name it (image:) instead."
        )
    context = str(build.get("context") or ".")
    named = Path(str(build.get("dockerfile") or "Dockerfile"))
    if dockerfile is None:
        dockerfile = named if "://" in context else Path(context) / named
    arguments = _arguments(build.get("args"))
    passed = variables.of_build(arguments)
    words: list[str] = []
    for key, option in PASSED.items():
        words += [option, str(build[key])] if build.get(key) else []
    for key, option in LISTED.items():
        words += [word for value in _texts(build.get(key)) for word in (option, value)]
    for name, place in contexts.items():
        words += ["--build-context", f"{name}={place}"]
    argv = docker_images.build_argv(
        tag=part.image,
        folder=Path(context) if context.startswith(("/", ".")) else context,
        dockerfile=dockerfile,
        arguments=passed,
        labels={LABEL: part.name},
        words=(*words, *further),
    )
    env = {
        name: value
        for name, value in arguments.items()
        if value is not None and passed[name] is None
    }
    return BuildCommand(argv=argv, env=env)


def _arguments(given: Any) -> dict[str, str | None]:
    if isinstance(given, Mapping):
        return {str(name): None if value is None else str(value) for name, value in given.items()}
    pairs = (str(line).partition("=") for line in given or ())
    return {name: value if equals else None for name, equals, value in pairs}


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{name}:{inner}" for name, inner in value.items()]
    return [str(inner) for inner in value or ()]
