"""Docker Compose: its command lines.

Two programs are called alike: the v2 plugin (``docker compose``), and docker-compose 1.29 where
only that is there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import proc

ANSWER_LIMIT_S = 20
"""Time limit for the version of one of them."""


@dataclass(frozen=True, kw_only=True)
class Compose:
    """The Compose of this machine: its command and its version."""

    argv: tuple[str, ...]
    version: str

    def command(self, *words: str, project: str, files: Sequence[Path]) -> tuple[str, ...]:
        """Return a Compose command for one project; later files override earlier ones."""
        named = [word for file in files for word in ("--file", str(file))]
        return (*self.argv, "--project-name", project, *named, *words)


def up_words(scale: Mapping[str, int], services: Sequence[str]) -> tuple[str, ...]:
    """Return the Compose words that start services; ``scale`` gives containers by service."""
    scaled = [f"--scale={service}={number}" for service, number in scale.items()]
    return ("up", "--detach", "--no-build", "--no-color", *scaled, *services)


DOWN_WORDS = ("down", "--volumes", "--remove-orphans", "--timeout", "2")


def find_compose() -> Compose:
    """Return the Compose v2 plugin, else docker-compose 1.29.

    Raises :class:`EnvironmentFailure` if neither answers.
    """
    for argv in (("docker", "compose"), ("docker-compose",)):
        if proc.which(argv[0]) is None:
            continue
        try:
            done = proc.run((*argv, "version", "--short"), check=False, timeout_s=ANSWER_LIMIT_S)
        except ProcessFailure:
            continue
        version = done.stdout.strip().removeprefix("v")
        if done.code == 0 and version[:1].isdigit():
            return Compose(argv=argv, version=version)
    raise EnvironmentFailure(
        "Neither `docker compose` nor `docker-compose` answers. Install the Compose plugin"
        " (Debian: docker-compose; Docker's own packages: docker-compose-plugin), or run without"
        " Docker: --backend processes."
    )
