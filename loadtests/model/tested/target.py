"""The system under test: what it is, and how a replica of it comes to be. PURE."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from loadtests.model.tested.external import Hooks
from loadtests.model.tested.front import Front
from loadtests.model.tested.swarm import SwarmAccess
from loadtests.model.tested.variables import Variables


class TargetKind(StrEnum):
    """The forms in which a user names the system under test."""

    SAMPLE = "sample"
    """The sample application, which the wheel carries."""
    IMPORT_STRING = "import_string"
    """A WSGI or ASGI application by name, such as ``shop:create_app()``."""
    DOCKERFILE = "dockerfile"
    """A folder with a Dockerfile, or a Dockerfile."""
    IMAGE = "image"
    SERVICE = "service"
    """A service of a Compose file, such as ``compose.yaml:web``, or of several."""
    URL = "url"
    """A deployment that is running already."""


class Interface(StrEnum):
    """How a Python web server calls an application."""

    WSGI = "wsgi"
    """PEP 3333: a call for each request."""
    ASGI = "asgi"
    """Asynchronous: an event loop, as for FastAPI."""


STARTS_ITSELF = (TargetKind.DOCKERFILE, TargetKind.IMAGE, TargetKind.SERVICE)
"""Targets whose server is the image's own; where it is gunicorn, its mode can be chosen."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """The system under test, as its form's file in ``targets/`` found it.

    ``given`` is what the user wrote, and ``name`` is short, for headings. ``folder`` is the
    project's folder as an absolute path; None for the sample application, an image and a URL. Only
    the fields of its own form are set. ``python`` is the interpreter of an import string's
    environment, and ``source`` the folder below the project's that it is imported from. ``modules``
    has the versions of the servers' modules there: None for a missing one, no mapping where nobody
    looked. ``port`` and ``health`` (a path) are None where the user named none: then the port
    is found, and the first request of the workload asks whether a replica is ready. ``env`` are the
    user's variables; reports show their names only. ``needs`` are the services of its Compose file
    that run once beside the replicas, such as its data stores. ``notes`` say what was found,
    changed or ignored, one sentence each.
    """

    kind: TargetKind
    given: str
    name: str
    folder: str | None = None
    application: str | None = None
    python: str | None = None
    implementation: str | None = None
    """What that interpreter calls itself, such as ``CPython``."""
    source: str = ""
    modules: Mapping[str, str | None] | None = None
    interface: Interface | None = None
    """How its application is called, as the import or the source showed it; None: not known."""
    sets_timeout: bool = False
    """Whether its folder's gunicorn.conf.py says how long a worker may be silent."""
    dockerfile: str | None = None
    build_args: Variables = field(default_factory=dict)
    """The arguments that its Dockerfile gets; reports show their names only."""
    build_target: str | None = None
    """The stage of its Dockerfile that is measured; None for the last one."""
    image: str | None = None
    compose_file: str | None = None
    overrides: tuple[str, ...] = ()
    """Further Compose files, which Compose merges over that one in this order."""
    service: str | None = None
    through: str | None = None
    """The service of the Compose file that stands in front of the replicas, not our proxy."""
    front: Front | None = None
    """What was seen of that service while it ran."""
    url: str | None = None
    port: int | None = None
    health: str | None = None
    env: Variables = field(default_factory=dict)
    address: str | None = None
    """Where the URL's host was when it was looked up; the load is sent there and nowhere else."""
    hooks: Hooks | None = None
    """The commands that scale and read a deployment at a URL."""
    shares_machine: bool = False
    """Whether the deployment at a URL runs on this machine, beside the load generator."""
    swarm: SwarmAccess | None = None
    """The engines of a Swarm's nodes, where the configuration names them."""
    needs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


SAMPLE_HEALTH_PATH = "/healthz"

SAMPLE = Target(
    kind=TargetKind.SAMPLE,
    given="",
    name="the sample application",
    interface=Interface.WSGI,
    health=SAMPLE_HEALTH_PATH,
)
