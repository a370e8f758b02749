"""Docker Swarm: the manager's nodes, services and networks; and images that go from node to node.

Everything of ours has our label and the stack's. Containers of its tasks have Compose's labels as
well, by which each node's engine finds them.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from docker.errors import DockerException, NotFound
from requests.exceptions import RequestException

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import proc
from loadtests.tools.docker import OWNER_LABEL, RUN_LABEL, Engine
from loadtests.tools.docker.command_lines import docker_argv
from loadtests.tools.docker.variables import Carried

STACK_LABEL = "io.twofold.stack"
"""The label of services and networks of a stack, with the stack's name."""

ROLE_LABEL = "twofold.role"

CLOCK_LOOKS = 5


@dataclass(frozen=True, kw_only=True)
class NodeFacts:
    """A node as the manager sees it; ``role`` is the value of our label, or empty."""

    id: str
    hostname: str
    role: str
    ready: bool
    cores: int
    memory_bytes: int


@dataclass(frozen=True, kw_only=True)
class Task:
    """The newest task of a service: its state in the Swarm's words, and what went wrong."""

    service: str
    state: str
    error: str
    node: str
    container: str


@dataclass(frozen=True, kw_only=True)
class ServiceOrder:
    """A service of one task. ``image`` is an image's id, and ``node`` the id of the task's node.

    ``cpus`` and ``memory_bytes`` limit it; None is no limit. ``tmpfs`` are writable folders with
    their sizes in bytes. ``hardened`` takes away root, capabilities and the writable root.
    """

    name: str
    image: str
    node: str
    network: str
    alias: str
    labels: Mapping[str, str]
    container_labels: Mapping[str, str]
    env: Mapping[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()
    cpus: float | None = None
    memory_bytes: int | None = None
    pids: int | None = None
    tmpfs: Mapping[str, int] = field(default_factory=dict)
    hardened: bool = True


NOWHERE = "127.0.0.1:1/twofold"
"""Repository of the names that images get on nodes. A node asks the registry for a service's image
first, and takes its own when nobody answers. At this address nobody does, at once: without a way to
a registry that would take 40 s, and with one it might be somebody else's image."""

HARDENED = (
    *("--user", "10001:10001"),
    "--read-only",
    *("--cap-drop", "ALL"),
    *("--ulimit", "nofile=16384:16384"),
)

LOGGING = (
    *("--log-driver", "json-file"),
    *("--log-opt", "max-size=10m"),
    *("--log-opt", "max-file=1"),
)


def create_argv(
    order: ServiceOrder, *, host: str | None, ways: Carried | None = None
) -> tuple[str, ...]:
    """Return the command that makes a service.

    ``ways`` are those of its variables: a value is among the words only where neither the
    environment nor a file can carry it. Without them, all are this process's own.

    There is no virtual address (``dnsrr``), so the proxy reaches each task itself. A task that ends
    is not replaced: a trial has to see it missing.
    """
    limits: list[str] = []
    if order.cpus is not None:
        limits += ["--limit-cpu", f"{order.cpus:g}"]
    if order.memory_bytes is not None:
        limits += ["--limit-memory", str(order.memory_bytes)]
    if order.pids is not None:
        limits += ["--limit-pids", str(order.pids)]
    mounts = (
        word
        for folder, size in order.tmpfs.items()
        for word in (
            "--mount",
            f"type=tmpfs,destination={folder},tmpfs-size={size},tmpfs-mode=1777",
        )
    )
    return docker_argv(
        host,
        *("service", "create", "--detach", "--quiet", "--no-resolve-image", "--no-healthcheck"),
        *("--name", order.name),
        *("--constraint", f"node.id=={order.node}"),
        *("--network", f"name={order.network},alias={order.alias}"),
        *("--endpoint-mode", "dnsrr"),
        *("--restart-condition", "none"),
        *("--stop-grace-period", "2s"),
        "--init",
        *LOGGING,
        *limits,
        *(HARDENED if order.hardened else ()),
        *mounts,
        *(word for text in (ways.texts if ways else order.env) for word in ("--env", text)),
        *(("--env-file", str(ways.file)) if ways and ways.file is not None else ()),
        *_labels("--label", order.labels),
        *_labels("--container-label", order.container_labels),
        name_of(order.image),
        *order.command,
    )


def name_of(image: str) -> str:
    """Return the name of an image on the nodes, which its id alone makes."""
    return f"{NOWHERE}:{image.rpartition(':')[2][:32]}"


def network_argv(
    name: str, *, labels: Mapping[str, str], encrypted: bool, host: str | None
) -> tuple[str, ...]:
    """Return the command that makes an overlay network without a way out."""
    return docker_argv(
        host,
        *("network", "create", "--driver", "overlay", "--internal"),
        *(("--opt", "encrypted") if encrypted else ()),
        *_labels("--label", labels),
        name,
    )


def _labels(option: str, labels: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(word for item in labels.items() for word in (option, "=".join(item)))


class NodeEngine(Engine):
    """The engine of a node, of which a Swarm's manager is one."""

    @property
    def _api(self) -> Any:
        """Docker's interface; its types are missing where a Swarm is concerned."""
        return self._client.api

    def alive(self) -> bool:
        """Return whether the engine answers now."""
        with contextlib.suppress(DockerException, RequestException):
            return bool(self._client.ping())
        return False

    def swarm(self) -> Mapping[str, Any]:
        """Return what the engine says of its Swarm; see ``docker info``."""
        answer: Mapping[str, Any] = self.facts().get("Swarm") or {}
        return answer

    def clock_offset_s(self) -> float:
        """Return how many seconds the node's clock is ahead of this machine's.

        By the shortest of a few round trips, in whose middle the node is taken to have answered
        (RFC 5905, section 8).
        """
        looks = []
        for _ in range(CLOCK_LOOKS):
            sent_s = proc.now_s()
            told = str(self.facts()["SystemTime"])
            returned_s = proc.now_s()
            middle_s = (sent_s + returned_s) / 2
            looks.append((returned_s - sent_s, datetime.fromisoformat(told).timestamp() - middle_s))
        return min(looks)[1]

    def name_image(self, image: str) -> None:
        """Give an image, by its id, the name that services use."""
        with self._asking("name an image"):
            repository, _, tag = name_of(image).rpartition(":")
            self._api.tag(image, repository, tag, force=True)

    def nodes(self) -> tuple[NodeFacts, ...]:
        """Return the nodes of the Swarm that this manager has."""
        with self._asking("tell the Swarm's nodes"):
            return tuple(parse_node(attributes) for attributes in self._api.nodes())

    def stacks(self) -> dict[str, str]:
        """Return the stacks of which a service or a network is left, each with its owner."""
        owners: dict[str, str] = {}
        with self._asking("list services"):
            api, ours = self._api, {"label": [RUN_LABEL, STACK_LABEL]}
            found = [service["Spec"].get("Labels") or {} for service in api.services(filters=ours)]
            found += [network["Labels"] or {} for network in api.networks(filters=ours)]
        for labels in found:
            stack = labels[STACK_LABEL]
            owners[stack] = owners.get(stack) or labels.get(OWNER_LABEL, "")
        return dict(sorted(owners.items()))

    def tasks(self, stack: str) -> tuple[Task, ...]:
        """Return the newest task of each service of a stack."""
        with self._asking("list tasks"):
            api = self._api
            names = {
                service["ID"]: service["Spec"]["Name"]
                for service in api.services(filters={"label": f"{STACK_LABEL}={stack}"})
            }
            found = api.tasks(filters={"service": list(names.values())}) if names else []
        newest: dict[str, Mapping[str, Any]] = {}
        for task in sorted(found, key=lambda task: str(task.get("CreatedAt"))):
            newest[task["ServiceID"]] = task
        return tuple(
            parse_task(names[service], task) for service, task in newest.items() if service in names
        )

    def remove_services(self, stack: str) -> None:
        """Remove the services of a stack; their nodes then remove the containers."""
        with self._asking("remove services"):
            ours = {"label": [RUN_LABEL, f"{STACK_LABEL}={stack}"]}
            for service in self._api.services(filters=ours):
                with contextlib.suppress(NotFound):
                    self._api.remove_service(service["ID"])

    def remove_networks(self, stack: str) -> None:
        """Remove the networks of a stack; raise while a task is still on one."""
        with self._asking("remove a network"):
            ours = {"label": [RUN_LABEL, f"{STACK_LABEL}={stack}"]}
            for network in self._api.networks(filters=ours):
                with contextlib.suppress(NotFound):
                    self._api.remove_network(network["Id"])

    @contextlib.contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        try:
            yield
        except (DockerException, RequestException) as error:
            reason = (str(error).strip() or type(error).__name__).splitlines()[0]
            raise EnvironmentFailure(
                f"The Swarm's manager did not {what}: {reason}. Look at it: docker node ls."
            ) from error


def parse_node(attributes: Mapping[str, Any]) -> NodeFacts:
    """Convert the manager's description of a node (``docker node inspect``)."""
    spec, description = attributes["Spec"], attributes["Description"]
    resources = description.get("Resources") or {}
    return NodeFacts(
        id=attributes["ID"],
        hostname=description.get("Hostname", "?"),
        role=(spec.get("Labels") or {}).get(ROLE_LABEL, ""),
        ready=attributes["Status"]["State"] == "ready" and spec.get("Availability") == "active",
        cores=int(resources.get("NanoCPUs", 0)) // 10**9,
        memory_bytes=int(resources.get("MemoryBytes", 0)),
    )


def parse_task(service: str, attributes: Mapping[str, Any]) -> Task:
    """Convert the manager's description of a task."""
    status = attributes["Status"]
    return Task(
        service=service,
        state=status["State"],
        error=status.get("Err", ""),
        node=attributes.get("NodeID", ""),
        container=(status.get("ContainerStatus") or {}).get("ContainerID", ""),
    )
