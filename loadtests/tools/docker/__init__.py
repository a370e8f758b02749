"""Docker: command lines, and queries to the engine.

A stack's containers are found by the labels that Compose sets. What is removed needs our own label
and a name that Compose made from our project's name as well.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from docker.errors import APIError, DockerException, NotFound
from requests.exceptions import RequestException

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools.docker import (
    command_lines,
    connection,
    contexts,
    images,
    process_rows,
    pulse,
    reasons,
)

build = images.build
build_argv, exec_argv = command_lines.build_argv, command_lines.exec_argv
update_argv, build_limits = command_lines.update_argv, command_lines.build_limits
no_restart_argv = command_lines.no_restart_argv
_reason, NoEngine = reasons.reason, reasons.NoEngine

PROJECT_LABEL = "com.docker.compose.project"
SERVICE_LABEL = "com.docker.compose.service"
NUMBER_LABEL = "com.docker.compose.container-number"
RUN_LABEL = "io.twofold.run"
"""The label of everything that belongs to a run of ours; see compose/compose.yaml."""
OWNER_LABEL = "io.twofold.owner"
"""The label that names the process of the run, as ``environments.owner`` writes it."""
MEMBER_LABEL = "io.twofold.member"
"""The label of a service of the user's that the replicas need, with the user's name for it."""

ENGINE_LIMIT_S = 20
"""Time limit for one answer of the engine."""

BASE_PULL_LIMIT_S = 120.0
"""Time limit for a base image; an own one is made otherwise."""


@dataclass(frozen=True, kw_only=True)
class Container:
    """A container as the engine describes it; ``pid`` is 0 if it does not run.

    ``address`` is the one at which the harness reaches it.
    ``member`` is the user's name for a service that the replicas need, and empty for all others.
    ``health`` is the result of its own check of health, and empty without one.
    ``restarting`` tells that it ended with an error, and that the engine will start it again.
    """

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
    member: str = ""
    health: str = ""
    restarting: bool = False


class NetworkKept(EnvironmentFailure):
    """The engine cannot remove a network although no container uses it (moby issue 42119)."""


class Engine:
    """The Docker engine at ``host``, or else the one that the environment variables name."""

    def __init__(self, host: str | None = None) -> None:
        self.host = host
        try:
            self._client = connection.connected(host, timeout_s=ENGINE_LIMIT_S)
            self.version = str(self._client.version()["Version"])
        except (DockerException, RequestException, KeyError) as error:
            at = f" at {host}" if host else _by_context()
            is_nobody = reasons.is_nobody(error) and not connection.is_by_ssh(host)
            kind = NoEngine if is_nobody else EnvironmentFailure
            raise kind(
                f"No Docker engine answers{at} ({_reason(error)}). Start it, or allow this user to"
                " use its socket; or run without one: --backend processes."
            ) from error

    def close(self) -> None:
        """Close the connections to the engine."""
        self._client.close()

    def answers(self) -> bool:
        """Return whether the engine answers within a few seconds."""
        return pulse.answers(host=self.host)

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
            with pulse.heard(self.host):
                data: bytes = self._client.api.logs(
                    container, tail="all" if lines is None else lines, timestamps=True
                )
        except (DockerException, RequestException) as error:
            return f"(no log: {_reason(error)})"
        return data.decode(errors="replace")

    def variables(self, container: str) -> dict[str, str]:
        """Return the environment variables of a container; {} where it cannot be asked."""
        with contextlib.suppress(DockerException, RequestException), pulse.heard(self.host):
            entries = self._client.api.inspect_container(container)["Config"]["Env"] or []
            return dict(entry.split("=", 1) for entry in entries if "=" in entry)
        return {}

    def processes(self, container: str) -> Sequence[Sequence[str]]:
        """Return pid, parent, threads and words of each process, the first one first.

        Nothing where ``ps`` fails.
        """
        with contextlib.suppress(DockerException, RequestException), pulse.heard(self.host):
            listed = self._client.api.top(container, "-eo pid,ppid,nlwp,args")["Processes"]
            return process_rows.parents_first(listed or [])
        return []

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

    def image(self, image: str) -> images.Image | None:
        """Return what an image declares, or None if the engine does not have it."""
        with _answering(), contextlib.suppress(NotFound):
            return images.parse_image(self._client.images.get(image).attrs)
        return None

    def remove_unused(self, image: str) -> None:
        """Remove an image that has no name any more, unless a container or an image needs it."""
        with contextlib.suppress(DockerException, RequestException):
            if not self._client.images.get(image).tags:
                self._client.api.remove_image(image)

    def exposed_ports(self, image: str) -> tuple[int, ...]:
        """Return the TCP ports that an image declares (``EXPOSE``), sorted."""
        found = self.image(image)
        return found.ports if found else ()

    def why_not_pulled(self, image: str) -> str | None:
        """Ask the image's registry; return None if it has the image, or what was answered."""
        try:
            self._client.images.get_registry_data(image)
        except (DockerException, RequestException) as error:
            return _reason(error)
        return None

    def set_quota(self, container: str, quota_us: int, period_us: int) -> None:
        """Give a running container so much CPU in each such period; takes 10 to 50 ms."""
        with _answering():
            self._client.api.update_container(container, cpu_quota=quota_us, cpu_period=period_us)

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
        networks_left: list[str] = []
        try:
            for labels, remove in self._objects():
                if labels[PROJECT_LABEL] == project:
                    with contextlib.suppress(NotFound):
                        networks_left += remove()
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


def _by_context() -> str:
    """Return words that name the context by which the engine is reached, if it is by one."""
    context = contexts.chosen()
    return "" if context is None else f" at {context.address} (the context {context.name!r})"


@contextlib.contextmanager
def _answering() -> Iterator[None]:
    """Turn every error of the engine into :class:`EnvironmentFailure` with a message."""
    try:
        yield
    except (DockerException, RequestException) as error:
        raise EnvironmentFailure(
            f"The Docker engine failed or no longer answers ({_reason(error)}). {pulse.WAY_OUT}"
        ) from error


def parse_container(attributes: Mapping[str, Any]) -> Container:
    """Convert the engine's description of a container (``docker inspect``).

    One that Compose did not make, such as that of an import, has its own name for a service.
    """
    labels = attributes["Config"]["Labels"] or {}
    state = attributes["State"]
    networks = attributes["NetworkSettings"]["Networks"]
    return Container(
        id=attributes["Id"],
        service=labels.get(SERVICE_LABEL) or str(attributes.get("Name", "")).removeprefix("/"),
        number=int(labels.get(NUMBER_LABEL) or 1),
        image=attributes["Image"],
        started_at=state["StartedAt"],
        running=state["Running"] and not state.get("Paused", False),
        exit_code=state["ExitCode"],
        out_of_memory=state.get("OOMKilled", False),
        pid=state["Pid"],
        address=_address(networks),
        member=labels.get(MEMBER_LABEL, ""),
        health=(state.get("Health") or {}).get("Status", ""),
        restarting=state.get("Restarting", False),
    )


def _address(networks: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a container's address; that in the network ``front``, if it is in several."""
    in_front = [network for name, network in networks.items() if name.endswith("_front")]
    return next((str(network["IPAddress"]) for network in (*in_front, *networks.values())), "")


def pull(image: str) -> bool:
    """Try to pull an image; return whether that worked."""
    return images.pull(image, limit_s=BASE_PULL_LIMIT_S) is None


def is_local() -> bool:
    """Return whether the engine runs on this machine, so that ``/proc`` shows its processes.

    Raises :class:`EnvironmentFailure` for a context that does not exist.
    """
    return connection.address_of().startswith("unix://")
