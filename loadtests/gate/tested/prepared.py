"""One version of a user's own target, ready to be started."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from loadtests.environments.compose.tested.subject import Subject
from loadtests.servers.server import Command
from loadtests.tools.docker.images import Image


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A version's services with their images, and the commands of its variants by their names.

    ``image`` is what the measured service is started from. A variant without a command is started
    as the image starts itself.
    """

    subject: Subject
    image: Image
    commands: Mapping[str, Command] = field(default_factory=dict)
