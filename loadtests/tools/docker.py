"""Docker and Compose: command lines, and what the engine says of containers.

Containers are found by the labels that Compose gives them, never by patterns of their names. Two
Composes are spoken to alike: the v2 plugin (``docker compose``), and docker-compose 1.29 where only
that is there.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
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
"""The label of everything that belongs to a run of ours; see compose/compose.yaml."""
OWNER_LABEL = "io.twofold.owner"
"""The label that names the process of the run, as ``environments.owner`` writes it."""

ENGINE_LIMIT_S = 20
"""How long the engine may take for one answer before it counts as not answering."""

BUILD_LIMIT_S = 900.0
PULL_LIMIT_S = 120.0


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container as the engine describes it. ``pid`` is 0 where it does not run."""

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
    """The engine does not let go of a network that nothing is on (moby issue 42119)."""


class Engine:
    """The Docker engine that the environment of this process points to."""

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
        """Give the connections back."""
        self._client.close()

    def containers(self, project: str) -> tuple[Container, ...]:
        """Give the containers of a Compose project, in the order of service and number."""
        found = []
        with _answering():
            for short in self._client.api.containers(
                all=True, filters={"label": f"{PROJECT_LABEL}={project}"}
            ):
                with contextlib.suppress(NotFound):  # gone since it was listed
                    found.append(parse_container(self._client.api.inspect_container(short["Id"])))
        return tuple(sorted(found, key=lambda container: (container.service, container.number)))

    def log(self, container: str, *, lines: int | None = None) -> str:
        """Give what a container wrote, or the last ``lines`` lines of it."""
        try:
            data: bytes = self._client.api.logs(
                container, tail="all" if lines is None else lines, timestamps=True
            )
        except (DockerException, RequestException) as error:
            return f"(no log: {_reason(error)})"
        return data.decode(errors="replace")

    def stats(self, container: str) -> dict[str, Any] | None:
        """Give the engine's counters of a container, None where it is gone; about a second."""
        with _answering(), contextlib.suppress(NotFound):
            answer: dict[str, Any] = self._client.api.stats(container, stream=False, one_shot=True)
            return answer
        return None

    def facts(self) -> dict[str, Any]:
        """Give what the engine says of itself and its machine."""
        with _answering():
            answer: dict[str, Any] = self._client.info()
        return answer

    def image_id(self, image: str) -> str | None:
        """Give an image's digest, or None where the engine does not have it."""
        with _answering(), contextlib.suppress(NotFound):
            return str(self._client.images.get(image).id)
        return None

    def exposed_ports(self, image: str) -> tuple[int, ...]:
        """Give the TCP ports that an image says it listens on."""
        with _answering():
            config = self._client.images.get(image).attrs["Config"]
        words = (port.partition("/") for port in config.get("ExposedPorts") or {})
        return tuple(sorted(int(number) for number, _, kind in words if kind in {"", "tcp"}))

    def pin(self, container: str, cores: Sequence[int]) -> None:
        """Bind a running container to cores; some 10 ms, where the command takes a tenth of a s."""
        with _answering():
            self._client.api.update_container(
                container, cpuset_cpus=",".join(str(core) for core in cores)
            )

    def projects(self) -> dict[str, str]:
        """Give the Compose projects that have objects of our runs, each with its owner's label.

        The label is empty where none of a project's objects has one.
        """
        with _answering():
            labels = [labels for labels, _ in self._objects()]
        owners: dict[str, str] = {}
        for label in labels:
            project = label[PROJECT_LABEL]
            owners[project] = owners.get(project) or label.get(OWNER_LABEL, "")
        return dict(sorted(owners.items()))

    def remove(self, project: str) -> None:
        """Remove what one of our projects still has: containers, then networks, then volumes.

        Each object by itself, and only those of :meth:`projects`. :class:`NetworkKept` says that
        all is gone but networks that nothing is on.
        """
        kept: list[str] = []
        try:
            for labels, remove in self._objects():
                if labels[PROJECT_LABEL] == project:
                    with contextlib.suppress(NotFound):
                        kept += remove()
        except (DockerException, RequestException) as error:
            raise EnvironmentFailure(
                f"The engine did not remove what a run had started: {_reason(error)}."
                " Run `twofold down` once it answers again."
            ) from error
        if kept:
            raise NetworkKept(
                f"The engine does not let go of the network {', '.join(kept)}, though no container"
                " is on it. It is in nobody's way; after a restart of the engine `twofold down`"
                " removes it."
            )

    def _objects(self) -> Iterator[tuple[Mapping[str, str], Callable[[], list[str]]]]:
        """Give the labels of all that is ours, and what removes it; in an order that works.

        Ours is what has our own label, and is named after its Compose project. A label alone says
        nothing: containers inherit those of their image, and anybody can set one.
        """
        api, ours = self._client.api, {"label": [RUN_LABEL, PROJECT_LABEL]}
        for container in api.containers(all=True, filters=ours):
            if _is_named_after_project(container["Labels"], *container["Names"]):
                yield container["Labels"], partial(self._remove_container, container["Id"])
        for network in api.networks(filters=ours):
            if _is_named_after_project(network["Labels"], network["Name"]):
                yield network["Labels"], partial(self._remove_network, network)
        for volume in api.volumes(filters=ours).get("Volumes") or ():
            if _is_named_after_project(volume["Labels"], volume["Name"]):
                yield volume["Labels"], partial(self._remove_volume, volume["Name"])

    def _remove_container(self, container: str) -> list[str]:
        self._client.api.remove_container(container, v=True, force=True)
        return []

    def _remove_network(self, network: Mapping[str, Any]) -> list[str]:
        """Remove a network; give its name where the engine keeps it though nothing is on it."""
        api = self._client.api
        try:
            api.remove_network(network["Id"])
        except NotFound:
            return []
        except APIError:
            if api.inspect_network(network["Id"])["Containers"]:
                raise
            return [str(network["Name"])]
        return []

    def _remove_volume(self, volume: str) -> list[str]:
        self._client.api.remove_volume(volume, force=True)
        return []


def _is_named_after_project(labels: Mapping[str, str], *names: str) -> bool:
    """Tell whether Compose gave an object its name: the project, a separator, and more."""
    project = re.escape(labels.get(PROJECT_LABEL, ""))
    return any(re.fullmatch(f"/?{project}[-_].+", name) for name in names)


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """Turn an engine that fails, or is gone, into one message."""
    try:
        yield
    except (DockerException, RequestException) as error:
        raise EnvironmentFailure(
            f"The Docker engine failed or is gone ({_reason(error)}). Once it answers again,"
            " `twofold down` removes what is left."
        ) from error


def _reason(error: BaseException) -> str:
    """Give the system's own words where they lie at the bottom of an error, else its first line."""
    below: list[object] = [error]
    for each in below:
        if isinstance(each, OSError) and each.strerror:
            return each.strerror
        if isinstance(each, BaseException):
            inside = (each.__cause__, each.__context__, getattr(each, "reason", None), *each.args)
            below += [part for part in inside if part is not None and part not in below]
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def parse_container(attributes: Mapping[str, Any]) -> Container:
    """Read what is needed out of the engine's description of a container."""
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
    """Give the command that builds an image from a folder."""
    return (
        *("docker", "build"),
        *("--tag", tag),
        "--force-rm",  # without it the classic builder leaves the container of a step that failed
        *("--file", str(dockerfile)),
        *("--build-arg", f"BASE_IMAGE={base_image}"),
        str(folder),
    )


def exec_argv(container: str, *command: str) -> tuple[str, ...]:
    """Give the command that runs a program in a container, joined by standard input and output."""
    return ("docker", "exec", "--interactive", container, *command)


def update_argv(
    containers: Sequence[str], *, cpus: float | None, cores: Sequence[int]
) -> tuple[str, ...]:
    """Give the command that holds running containers to a CPU budget and to cores."""
    budget = () if cpus is None else (f"--cpus={cpus:g}",)
    pinned = (f"--cpuset-cpus={','.join(str(core) for core in cores)}",) if cores else ()
    return ("docker", "update", *budget, *pinned, *containers)


@dataclass(frozen=True, kw_only=True)
class Compose:
    """The Compose that is there: how it is called, and its version."""

    argv: tuple[str, ...]
    version: str

    def command(self, *words: str, project: str, files: Sequence[Path]) -> tuple[str, ...]:
        """Give a Compose command of one project; later files add to the earlier ones."""
        named = [word for file in files for word in ("--file", str(file))]
        return (*self.argv, "--project-name", project, *named, *words)


def up_words(scale: Mapping[str, int], services: Sequence[str]) -> tuple[str, ...]:
    """Give the words that start services, some of them several times."""
    scaled = [f"--scale={service}={number}" for service, number in scale.items()]
    return ("up", "--detach", "--no-build", "--no-color", *scaled, *services)


DOWN_WORDS = ("down", "--volumes", "--remove-orphans", "--timeout", "2")


def find_compose() -> Compose:
    """Find the Compose v2 plugin, else docker-compose 1.29; raise where there is neither."""
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
    """Build an image; raise with the end of what the builder wrote."""
    try:
        proc.run(argv, timeout_s=BUILD_LIMIT_S, on_line=on_line)
    except ProcessFailure as error:
        raise EnvironmentFailure(
            f"The image of {what} does not build. The builder's last words:\n"
            f"{error.output or error}\nTry it by hand: {' '.join(argv)}"
        ) from error


def pull(image: str) -> bool:
    """Try to pull an image; tell whether it came."""
    try:
        return proc.run(("docker", "pull", image), check=False, timeout_s=PULL_LIMIT_S).code == 0
    except ProcessFailure:
        return False


def is_local() -> bool:
    """Tell whether the engine runs on this very machine, so that its processes are seen here."""
    host = os.environ.get("DOCKER_HOST", "")
    if host and not host.startswith("unix://"):
        return False
    try:
        done = proc.run(("docker", "context", "inspect"), check=False, timeout_s=ENGINE_LIMIT_S)
        endpoint = json.loads(done.stdout)[0]["Endpoints"]["docker"]["Host"]
    except (ProcessFailure, ValueError, LookupError, TypeError):
        return not host
    return bool(host) or str(endpoint).startswith("unix://")
