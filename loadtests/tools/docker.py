"""Docker and Compose: command lines, and queries to the engine.

Containers are found by the labels that Compose sets, never by their names. Two versions of Compose
are supported: the v2 plugin (``docker compose``), and docker-compose 1.29 if the plugin is missing.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import docker
from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.tools import proc

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"
RUN_LABEL = "io.twofold.run"
"""The label of everything that belongs to a run; see compose/compose.yaml."""

ENGINE_LIMIT_S = 20
"""Time limit for one answer of the engine."""

BUILD_LIMIT_S = 900.0
PULL_LIMIT_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container as the engine describes it; ``pid`` is 0 if it does not run."""

    id: str
    service: str
    number: int
    image: str
    started_at: str
    running: bool
    exit_code: int
    out_of_memory: bool
    pid: int
    address: str


class NetworkKept(EnvironmentFailure):
    """The engine cannot remove a network although no container uses it (moby issue 42119)."""


class Engine:
    """The Docker engine that this process's environment variables name."""

    def __init__(self) -> None:
        try:
            self._client = docker.from_env(timeout=ENGINE_LIMIT_S)
            self.version = str(self._client.version()["Version"])
        except (DockerException, RequestException, KeyError) as error:
            raise EnvironmentFailure(
                f"No Docker engine answers ({_reason(error)}). Start it, or allow this user to"
                " use its socket; or run without one: --backend processes."
            ) from error

    def close(self) -> None:
        """Close the connections to the engine."""
        self._client.close()

    def containers(self, project: str) -> tuple[Container, ...]:
        """Return the containers of a Compose project, ordered by service and number."""
        containers = []
        with _answering():
            for short in self._client.api.containers(
                all=True, filters={"label": f"{PROJECT_LABEL}={project}"}
            ):
                with contextlib.suppress(NotFound):  # removed after it was listed
                    containers.append(
                        parse_container(self._client.api.inspect_container(short["Id"]))
                    )
        return tuple(
            sorted(containers, key=lambda container: (container.service, container.number))
        )

    def log(self, container: str, *, lines: int | None = None) -> str:
        """Return a container's log, or its last ``lines`` lines."""
        try:
            data: bytes = self._client.api.logs(
                container, tail="all" if lines is None else lines, timestamps=True
            )
        except (DockerException, RequestException) as error:
            return f"(no log: {_reason(error)})"
        return data.decode(errors="replace")

    def stats(self, container: str) -> dict[str, Any] | None:
        """Return the engine's counters of a container; None if it no longer exists.

        The engine takes about a second to answer.
        """
        with _answering(), contextlib.suppress(NotFound):
            answer: dict[str, Any] = self._client.api.stats(container, stream=False, one_shot=True)
            return answer
        return None

    def facts(self) -> dict[str, Any]:
        """Return the engine's description of itself and its machine (``docker info``)."""
        with _answering():
            answer: dict[str, Any] = self._client.info()
        return answer

    def image_id(self, image: str) -> str | None:
        """Return an image's digest, or None if the engine does not have the image."""
        with _answering(), contextlib.suppress(NotFound):
            return str(self._client.images.get(image).id)
        return None

    def exposed_ports(self, image: str) -> tuple[int, ...]:
        """Return the TCP ports that an image declares (``EXPOSE``), sorted."""
        with _answering():
            config = self._client.images.get(image).attrs["Config"]
        words = (port.partition("/") for port in config.get("ExposedPorts") or {})
        return tuple(sorted(int(number) for number, _, kind in words if kind in {"", "tcp"}))

    def pin(self, container: str, cores: Sequence[int]) -> None:
        """Pin a running container to cores; takes 10 ms, ``docker update`` would take 100 ms."""
        with _answering():
            self._client.api.update_container(
                container, cpuset_cpus=",".join(str(core) for core in cores)
            )

    def projects(self) -> tuple[str, ...]:
        """Return the Compose projects of all runs that still own something on this engine."""
        api, label_filter = self._client.api, {"label": RUN_LABEL}
        with _answering():
            resources = (
                *api.containers(all=True, filters=label_filter),
                *api.networks(filters=label_filter),
                *(api.volumes(filters=label_filter).get("Volumes") or ()),
            )
        label_sets = [resource.get("Labels") or {} for resource in resources]
        return tuple(
            sorted(
                {
                    resource_labels[PROJECT_LABEL]
                    for resource_labels in label_sets
                    if PROJECT_LABEL in resource_labels
                }
            )
        )

    def remove(self, project: str) -> None:
        """Remove everything that a project still has: containers, then networks, then volumes.

        Raises :class:`NetworkKept` if everything is removed except networks without containers.
        """
        api = self._client.api
        label_filter = {"label": f"{PROJECT_LABEL}={project}"}
        networks_left = []
        try:
            for container in api.containers(all=True, filters=label_filter):
                with contextlib.suppress(NotFound):
                    api.remove_container(container["Id"], v=True, force=True)
            for network in api.networks(filters=label_filter):
                try:
                    api.remove_network(network["Id"])
                except NotFound:
                    continue
                except APIError:
                    if api.inspect_network(network["Id"])["Containers"]:
                        raise
                    networks_left.append(network["Name"])
            for volume in api.volumes(filters=label_filter).get("Volumes") or ():
                with contextlib.suppress(NotFound):
                    api.remove_volume(volume["Name"], force=True)
        except (DockerException, RequestException) as error:
            raise EnvironmentFailure(
                f"The engine did not remove what a run had started: {_reason(error)}."
                " Run `twofold down` once it answers again."
            ) from error
        if networks_left:
            raise NetworkKept(
                f"The engine cannot remove the network {', '.join(networks_left)}, although no"
                " container uses it. It does no harm. To remove it, restart the engine and run"
                " `twofold down`."
            )


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """Turn every error of the engine into :class:`EnvironmentFailure` with a message."""
    try:
        yield
    except (DockerException, RequestException) as error:
        raise EnvironmentFailure(
            f"The Docker engine failed or no longer answers ({_reason(error)}). Run `twofold down`"
            " once it answers again; it removes what is left."
        ) from error


def _reason(error: BaseException) -> str:
    """Return the operating system's text if one caused the error, else the error's first line."""
    causes: list[object] = [error]
    for cause in causes:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror
        if isinstance(cause, BaseException):
            nested = (
                cause.__cause__,
                cause.__context__,
                getattr(cause, "reason", None),
                *cause.args,
            )
            causes += [part for part in nested if part is not None and part not in causes]
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def parse_container(attributes: Mapping[str, Any]) -> Container:
    """Convert the engine's description of a container (``docker inspect``)."""
    labels = attributes["Config"]["Labels"]
    state = attributes["State"]
    networks = attributes["NetworkSettings"]["Networks"].values()
    return Container(
        id=attributes["Id"],
        service=labels[SERVICE_LABEL],
        number=int(labels[NUMBER_LABEL]),
        image=attributes["Image"],
        started_at=state["StartedAt"],
        running=state["Running"] and not state.get("Paused", False),
        exit_code=state["ExitCode"],
        out_of_memory=state.get("OOMKilled", False),
        pid=state["Pid"],
        address=next((network["IPAddress"] for network in networks), ""),
    )


# -- command lines ----------------------------------------------------------------------------


def build_argv(*, tag: str, folder: Path, dockerfile: Path, base_image: str) -> tuple[str, ...]:
    """Return the command that builds an image from a folder (its build context)."""
    return (
        *("docker", "build"),
        *("--tag", tag),
        "--force-rm",  # the classic builder keeps the container of a failed step otherwise
        *("--file", str(dockerfile)),
        *("--build-arg", f"BASE_IMAGE={base_image}"),
        str(folder),
    )


def exec_argv(container: str, *command: str) -> tuple[str, ...]:
    """Return the command that runs a program in a container and connects its streams."""
    return ("docker", "exec", "--interactive", container, *command)


def update_argv(
    containers: Sequence[str], *, cpus: float | None, cores: Sequence[int]
) -> tuple[str, ...]:
    """Return the command that limits running containers to a CPU budget and to cores."""
    budget = () if cpus is None else (f"--cpus={cpus:g}",)
    pinned = (f"--cpuset-cpus={','.join(str(core) for core in cores)}",) if cores else ()
    return ("docker", "update", *budget, *pinned, *containers)


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
            done = proc.run((*argv, "version", "--short"), check=False, timeout_s=ENGINE_LIMIT_S)
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


def build(argv: Sequence[str], *, what: str, on_line: Callable[[str], None]) -> None:
    """Build an image; raises :class:`EnvironmentFailure` with the end of the builder's output."""
    try:
        proc.run(argv, timeout_s=BUILD_LIMIT_S, on_line=on_line)
    except ProcessFailure as error:
        raise EnvironmentFailure(
            f"The image of {what} does not build. The end of the builder's output:\n"
            f"{error.output or error}\nTry it by hand: {' '.join(argv)}"
        ) from error


def pull(image: str) -> bool:
    """Try to pull an image; return whether that worked."""
    try:
        return proc.run(("docker", "pull", image), check=False, timeout_s=PULL_LIMIT_S).code == 0
    except ProcessFailure:
        return False


def is_local() -> bool:
    """Return whether the engine runs on this machine, so that ``/proc`` shows its processes."""
    host = os.environ.get("DOCKER_HOST", "")
    if host and not host.startswith("unix://"):
        return False
    try:
        done = proc.run(("docker", "context", "inspect"), check=False, timeout_s=ENGINE_LIMIT_S)
        endpoint = json.loads(done.stdout)[0]["Endpoints"]["docker"]["Host"]
    except (ProcessFailure, ValueError, LookupError, TypeError):
        return not host
    return bool(host) or str(endpoint).startswith("unix://")
