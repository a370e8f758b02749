"""The services of a stack on a Swarm: one for each member, each of one task."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from loadtests.environments import idle_control
from loadtests.environments.compose.tested.document import PIDS_LIMIT
from loadtests.environments.counters import CONTROL_SERVICE
from loadtests.environments.owner import Owner
from loadtests.environments.replica_environment import (
    IMPORT_PATH,
    Settings,
    joined_places,
    settings_of,
)
from loadtests.model.plan import Plan, WorkerModel
from loadtests.model.vocabulary import Role, generator_member, is_generator
from loadtests.planning.swarm_placement import Placement
from loadtests.servers import entry
from loadtests.servers import registry as servers
from loadtests.servers.server import Command
from loadtests.tools import postgres
from loadtests.tools.docker import (
    NUMBER_LABEL,
    OWNER_LABEL,
    PROJECT_LABEL,
    RUN_LABEL,
    SERVICE_LABEL,
)
from loadtests.tools.docker.swarm import STACK_LABEL, ServiceOrder

MIB = 1024 * 1024

MOST_NAME = 24
"""Longest variant in a service's name, which is a host's name of at most 63 characters."""

SMALL_TMP = {"/tmp": 16 * MIB}  # noqa: S108  a folder of the container
PROXY_TMP = {"/tmp": 64 * MIB, "/run/nginx": 64 * MIB}  # noqa: S108
GENERATOR_TMP = {"/tmp": 256 * MIB}  # noqa: S108
STORE_TMP = {"/tmp": 16 * MIB, "/run/store": 384 * MIB}  # noqa: S108


@dataclass(frozen=True, kw_only=True)
class ReplicaImage:
    """What a replica is made from: an image's id, and what is started in it, by variant.

    ``ports`` are by variant. Without a command, the image starts itself. ``is_users`` leaves the
    container as the user's image wants it, and gives it ``memory_bytes``.
    """

    image: Mapping[str, str]
    commands: Mapping[str, Command]
    ports: Mapping[str, int]
    env: Mapping[str, str] = field(default_factory=dict)
    is_users: bool = False
    memory_bytes: int = 256 * MIB


@dataclass(frozen=True, kw_only=True)
class Orders:
    """Makes the orders of a stack's services."""

    stack: str
    run: str
    plan: Plan
    placement: Placement
    replica: ReplicaImage
    proxy_image: str
    generator_image: str
    store_image: str | None
    settings: Settings
    password: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)

    @property
    def network(self) -> str:
        """The name of the stack's network."""
        return f"{self.stack}_stack"

    @property
    def labels(self) -> dict[str, str]:
        """The labels of services and networks."""
        return {
            RUN_LABEL: self.run,
            OWNER_LABEL: Owner.this_process().as_label(),
            STACK_LABEL: self.stack,
        }

    def services(self) -> tuple[ServiceOrder, ...]:
        """Return the proxy, the generator on each of its nodes, and the CPU speed probe."""
        generators = [member for member in self.placement.node_of if is_generator(member)]
        return (
            self._service(Role.PROXY, self.proxy_image, memory=256, pids=64, tmpfs=PROXY_TMP),
            *(
                self._service(
                    Role.GENERATOR,
                    self.generator_image,
                    number=number,
                    memory=1024,
                    pids=256,
                    tmpfs=GENERATOR_TMP,
                )
                for number, _ in enumerate(generators, start=1)
            ),
            self._service(Role.METRONOME, self.generator_image, memory=256, pids=128, tmpfs={}),
        )

    def store(self) -> ServiceOrder | None:
        """Return the sample application's store, or None without one."""
        if self.store_image is None:
            return None
        env = {
            "STORE_FOLDER": "/run/store",
            "STORE_CONFIG": "/etc/twofold/postgresql.conf",
            "STORE_HOST": "*",
            "STORE_PORT": str(postgres.PORT),
            "STORE_PASSWORD": self.password,
            "STORE_CONNECTIONS": str(postgres.connections(self.plan)),
        }
        return self._service(
            Role.STORE,
            self.store_image,
            memory=512,
            pids=512,
            tmpfs=STORE_TMP,
            env=env,
            cpus=self.plan.budget.store_cpus,
        )

    def replicas(self) -> tuple[ServiceOrder, ...]:
        """Return all replicas of all variants."""
        return tuple(
            self.replica_order(worker, number)
            for worker in self.plan.workers
            for number in range(1, self.plan.replica_counts[-1] + 1)
        )

    def replica_order(self, worker: WorkerModel, number: int) -> ServiceOrder:
        """Return one replica; a further one is on the node of the first."""
        member = f"{worker.name}-{number}"
        nodes = self.placement.node_of
        command = self.replica.commands.get(worker.name, Command(argv=(), env={}))
        env = {
            **self.replica.env,
            **({} if self.replica.is_users else self._of_sample()),
            **(worker.env if self.replica.is_users else {}),
            **command.env,  # it may add to a variable of the variant's
            **settings_of(member, self.settings),
        }
        if IMPORT_PATH in command.env:
            env[IMPORT_PATH] = joined_places(
                *(own.get(IMPORT_PATH) for own in (command.env, worker.env, self.replica.env))
            )
        return ServiceOrder(
            name=f"{self.stack}_{self._short(worker)}-{number}",
            image=self.replica.image[worker.name],
            node=nodes.get(member, nodes[f"{worker.name}-1"]).id,
            network=self.network,
            alias=f"replica-{self._index(worker)}-{number}",
            labels=self.labels,
            container_labels=self._container_labels(worker.name, number),
            env=env,
            command=command.argv,
            cpus=self.plan.budget.replica_cpus,
            memory_bytes=self.replica.memory_bytes,
            pids=PIDS_LIMIT if self.replica.is_users else 256,
            tmpfs={} if self.replica.is_users else SMALL_TMP,
            hardened=not self.replica.is_users,
        )

    def controls(self) -> tuple[ServiceOrder, ...]:
        """Return the idle controls, each as the first replica of its variant and on its node."""
        return tuple(
            replace(
                self.replica_order(worker, 1),
                name=f"{self.stack}_idle-{self._index(worker)}",
                alias=f"idle-{self._index(worker)}",
                container_labels=self._container_labels(CONTROL_SERVICE + worker.name, 1),
                env={},
                command=idle_control.command(
                    worker,
                    python=entry.IN_IMAGE,
                    bind=entry.ALL_ADDRESSES,
                    folder=idle_control.IN_CONTAINER,
                ),
            )
            for worker in idle_control.workers_of(self.plan.workers, self.plan.tested)
        )

    def _of_sample(self) -> dict[str, str]:
        url = ""
        if self.store_image is not None:
            url = postgres.url(host=Role.STORE, port=postgres.PORT, password=self.password)
        # Flask's sessions need the same key on every replica; it is worthless after the run.
        return {"SECRET_KEY": f"only for the load test {self.run}", "DATABASE_URL": url}

    def _short(self, worker: WorkerModel) -> str:
        return worker.name if len(worker.name) <= MOST_NAME else f"v{self._index(worker)}"

    def _index(self, worker: WorkerModel) -> int:
        return [each.name for each in self.plan.workers].index(worker.name)

    def _service(
        self,
        role: Role,
        image: str,
        *,
        number: int = 1,
        memory: int,
        pids: int,
        tmpfs: Mapping[str, int],
        env: Mapping[str, str] | None = None,
        cpus: float | None = None,
    ) -> ServiceOrder:
        member = generator_member(number) if role is Role.GENERATOR else role.value
        name = member.replace(":", "_")
        return ServiceOrder(
            name=f"{self.stack}_{name}",
            image=image,
            node=self.placement.node_of[member].id,
            network=self.network,
            alias=name,
            labels=self.labels,
            container_labels=self._container_labels(role, number),
            env=env or {},
            cpus=cpus,
            memory_bytes=memory * MIB,
            pids=pids,
            tmpfs=tmpfs,
        )

    def _container_labels(self, service: str, number: int) -> dict[str, str]:
        """Return Compose's labels, by which a node's engine finds the containers of a stack."""
        return {
            RUN_LABEL: self.run,
            OWNER_LABEL: Owner.this_process().as_label(),
            PROJECT_LABEL: self.stack,
            SERVICE_LABEL: service,
            NUMBER_LABEL: str(number),
        }


def of_sample(plan: Plan, *, app: str, app_servers: str | None, port: int) -> ReplicaImage:
    """Return the replicas of the sample application, whose image starts gunicorn itself."""
    commands = {worker.name: servers.of(worker).container(worker) for worker in plan.workers}
    return ReplicaImage(
        image={
            name: (app_servers or app) if command.argv else app
            for name, command in commands.items()
        },
        commands=commands,
        ports=dict.fromkeys(commands, port),
    )
