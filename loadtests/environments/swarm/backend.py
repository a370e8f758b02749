"""The Swarm backend: brings stacks of services up on a Swarm's nodes, and down again."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from loadtests.environments import owner
from loadtests.environments.compose import images, project_image
from loadtests.environments.compose.backend import STORE_LIMIT_S
from loadtests.environments.compose.stack import APP_PORT
from loadtests.environments.compose.tested import forcing, inspection, user_images
from loadtests.environments.compose.tested.memory import memory_share
from loadtests.environments.compose.tested.subject import Subject
from loadtests.environments.protocol import Chosen, Say
from loadtests.environments.removal import remove_dead
from loadtests.environments.replica_environment import NO_SETTINGS, Settings
from loadtests.environments.swarm import nodes, orders, stacks
from loadtests.environments.swarm.nodes import Cluster
from loadtests.environments.swarm.orders import Orders, ReplicaImage
from loadtests.environments.swarm.stack import SwarmStack
from loadtests.environments.swarm.stacks import ServiceStack
from loadtests.model.errors import EnvironmentFailure, UsageError
from loadtests.model.machine import Node
from loadtests.model.plan import Plan
from loadtests.model.tested.swarm import SwarmAccess
from loadtests.model.tested.target import SAMPLE, Target, TargetKind
from loadtests.model.vocabulary import Role
from loadtests.planning.swarm_placement import place
from loadtests.tools import docker, docker_compose, postgres, proc
from loadtests.tools.docker import transfer
from loadtests.tools.docker.command_lines import pointed_at
from loadtests.tools.docker.swarm import NodeEngine, ServiceOrder


@dataclass(frozen=True, kw_only=True)
class _Built:
    """The ids of the images, all on the builder."""

    replica: ReplicaImage
    proxy: str
    generator: str
    store: str | None = None


class SwarmBackend:
    """Brings up stacks on a Swarm. ``subject`` is the user's target, None for the sample."""

    name = "swarm"

    def __init__(
        self,
        root: Path,
        *,
        tested: Target = SAMPLE,
        subject: Subject | None = None,
        settings: Settings = NO_SETTINGS,
    ) -> None:
        self._root = root
        self._tested = tested
        self._subject = subject
        self._settings = settings
        self._access = tested.swarm or SwarmAccess()

    @contextmanager
    def open(self, plan: Plan, folder: Path, say: Say) -> Iterator[SwarmStack]:
        """Build the images, bring them to the nodes and start the services; at the end remove."""
        with nodes.opened(self._access) as cluster:
            remove_dead(stacks.remains(cluster.manager, cluster.engines), say)
            builder = nodes.builder_of(self._access, cluster)
            with pointed_at(builder), closing(docker.Engine()) as engine:
                built = self._build(engine, plan, say)
            placement = place(
                cluster.nodes,
                [worker.name for worker in plan.workers],
                plan.replica_counts[-1],
                with_store=built.store is not None,
            )
            made = Orders(
                stack=stacks.stack_name(folder.name),
                run=folder.name,
                plan=plan,
                placement=placement,
                replica=built.replica,
                proxy_image=built.proxy,
                generator_image=built.generator,
                store_image=built.store,
                settings=self._settings,
            )
            given = built.replica.image if self._tested.kind is TargetKind.IMAGE else {}
            bring_images(made, cluster, builder, say, published=frozenset(given.values()))
            stack = ServiceStack(cluster=cluster, name=made.stack)
            with stacks.opened(stack, folder, say):
                self._start(stack, made, say)
                check_machines(stack, plan)
                with closing(SwarmStack(stack, made, plan, folder, self._root)) as running:
                    yield running

    def _start(self, stack: ServiceStack, made: Orders, say: Say) -> None:
        stack.create_network(made.network, labels=made.labels, encrypted=self._access.encrypted)
        store = made.store()
        if store is not None:
            say("Starting PostgreSQL")
            stack.create([store])
            stack.wait_running([store])
            _wait_for_store(stack)
        replicas = made.replicas()
        count = len(stack.cluster.nodes)
        say(f"Starting {len(replicas)} replicas, the proxy and the generator on {count} nodes")
        every: tuple[ServiceOrder, ...] = (*made.services(), *replicas)
        stack.create(every)
        stack.wait_running(every)
        self._start_controls(stack, made.controls(), say)

    def _start_controls(
        self, stack: ServiceStack, controls: Sequence[ServiceOrder], say: Say
    ) -> None:
        """Start the idle controls; a run goes on without them."""
        try:
            stack.create(controls)
            stack.wait_running(controls)
        except EnvironmentFailure as error:
            say(f"The idle controls were not started: {error}")

    # -- images -----------------------------------------------------------------------------------

    def _build(self, engine: docker.Engine, plan: Plan, say: Say) -> _Built:
        if self._subject is not None:
            return self._build_users(engine, self._subject, plan, say)
        built = images.build_all(
            engine,
            self._root,
            say=say,
            with_store=plan.with_store,
            with_servers=images.wants_servers(plan),
        )
        replica = orders.of_sample(
            plan, app=built.app, app_servers=built.app_servers, port=APP_PORT
        )
        return _Built(
            replica=replica, proxy=built.proxy, generator=built.generator, store=built.store
        )

    def _build_users(self, engine: docker.Engine, subject: Subject, plan: Plan, say: Say) -> _Built:
        names = [worker.name for worker in plan.workers]
        if self._tested.kind is TargetKind.IMPORT_STRING:
            base = images.base_image(engine, self._root, say=say)
            image = project_image.build(
                engine, self._root, self._tested, base=base, say=say, workers=plan.workers
            )
            tested = project_image.inspect(image, self._tested, say)
            commands = {
                worker.name: project_image.command(worker, tested) for worker in plan.workers
            }
            port = project_image.PORT
        else:
            seen = user_images.provide(engine, subject, say)[subject.measured.name]
            commands = forcing.commands_of(subject, seen, plan.workers)
            image, port = seen.id, _port_of(self._tested, seen.ports)
        services = images.build_services(engine, self._root, say=say)
        memory = memory_share(engine, plan.replica_counts[-1] * len(names))
        return _Built(
            replica=ReplicaImage(
                image=dict.fromkeys(names, engine.image_id(image) or image),
                commands=commands,
                ports=dict.fromkeys(names, port),
                env=dict(self._tested.env),
                is_users=True,
                memory_bytes=min(memory, MOST_MEMORY_BYTES),
            ),
            proxy=services.proxy,
            generator=services.generator,
        )


MOST_MEMORY_BYTES = 2 * 1024**3
"""Most memory of a replica of the user's; nodes may have less than the engine that builds."""


def _port_of(tested: Target, exposed: tuple[int, ...]) -> int:
    if tested.port is not None:
        return tested.port
    if len(exposed) == 1:
        return exposed[0]
    raise UsageError(
        f"The image of {tested.name} declares {len(exposed)} ports, so the one to ask is not known"
        " on a Swarm. Name it: --port 8000."
    )


def bring_images(
    made: Orders, cluster: Cluster, builder: str, say: Say, *, published: Collection[str] = ()
) -> None:
    """Bring each image to the nodes whose services need it and that do not have it yet.

    Those that may be in a registry (``published``) are pulled by their digest where a node can;
    all others are copied.
    """
    ordered = [*made.services(), *made.replicas()]
    if (store := made.store()) is not None:
        ordered.append(store)
    wanted = dict.fromkeys((order.image, order.node) for order in ordered)
    names = {node.id: node.name for node in cluster.nodes}
    for image, node in wanted:
        engine = cluster.engines[node]
        if engine.image_id(image) is None:
            what = f"the image {image[7:19]} to the node {names[node]}"
            if image not in published or not _is_pulled(image, builder, engine, what, say):
                say(f"Copying {what}")
                transfer.copy_image(image, builder, str(engine.host))
        engine.name_image(image)


def _is_pulled(image: str, builder: str, engine: NodeEngine, what: str, say: Say) -> bool:
    say(f"Pulling {what}")
    return transfer.pull_image(image, builder, str(engine.host))


def check_machines(stack: ServiceStack, plan: Plan) -> None:
    """Raise where a node is on another machine than its engine's address says.

    An engine behind a local socket or port may be elsewhere: its cores, counters and processes
    would be taken for this machine's. And nodes that were planned as several machines may be one,
    whose cores would be counted twice; or those that were planned as one machine are several. The
    kernel's boot id tells machines apart.
    """
    here = owner.boot_id()
    hosts: dict[str, tuple[str, Node]] = {}
    seen: dict[str, str] = {}
    for node, member, container, boot in _boots(stack):
        if nodes.is_here(node.engine):
            here = here or boot
            # A process that is seen here is here: a container of LXC has a boot id of its own.
            if boot != here and not nodes.is_shown(node, container):
                raise EnvironmentFailure(
                    f"The engine of the node {node.name} at {node.engine} is not on this machine,"
                    f" although its address is ({member} has another boot id). Name it by ssh:// or"
                    f" by its own address, in {nodes.TABLE} or DOCKER_HOST."
                )
        own = here if nodes.is_here(node.engine) else boot
        first_boot, other = hosts.setdefault(node.host, (own, node))
        if own != first_boot:
            raise EnvironmentFailure(
                f"The nodes {other.name} and {node.name} are two machines ({member} has another"
                f" boot id), although both are called {node.host}. They were planned as one, whose"
                " cores they share. Give each a host name of its own (hostnamectl set-hostname"
                " NAME), and restart its engine."
            )
        first = seen.setdefault(boot, node.host)
        if first != node.host and plan.budget.replica_cpus is not None:
            raise EnvironmentFailure(
                f"The nodes at {first} and {node.host} are one machine ({member} has the same boot"
                " id), so the budgets would promise its cores twice. Take one of them out of"
                f" {nodes.TABLE}."
            )


def _boots(stack: ServiceStack) -> Iterator[tuple[Node, str, docker.Container, str]]:
    """Give the boot id of each node, with a member there that has told it."""
    told: set[str] = set()
    for member, (node, container) in sorted(stack.containers().items()):
        if node.id in told:
            continue
        argv = docker.exec_argv(container.id, "cat", str(owner.BOOT_ID), host=node.engine)
        boot = proc.run(argv, check=False).stdout.strip()
        if boot:
            told.add(node.id)
            yield node, member, container, boot


def _wait_for_store(stack: ServiceStack) -> None:
    """Wait until PostgreSQL accepts connections: the replicas connect when they start."""
    node, container = stack.containers()[Role.STORE]
    argv = docker.exec_argv(container.id, "sh", "-c", postgres.READY_SCRIPT, host=node.engine)
    proc.wait_until(
        lambda: proc.run(argv, check=False).code == 0,
        limit_s=STORE_LIMIT_S,
        failure=lambda: (
            f"PostgreSQL did not accept connections in {STORE_LIMIT_S:g} s. The end of its log:\n"
            f"{stack.cluster.engine_of(node).log(container.id, lines=stacks.LOG_LINES)}"
        ),
    )


def choose(root: Path, tested: Target) -> Chosen:
    """Return the backend for a target, and the machines of its nodes.

    Raises :class:`EnvironmentFailure` where no Swarm's manager answers, and :class:`UsageError` for
    a target that cannot be used as it is.
    """
    access = tested.swarm or SwarmAccess()
    with nodes.opened(access) as cluster:
        nodes.check_architectures(cluster)
        machine = nodes.machine_of(cluster)
        builder = nodes.builder_of(access, cluster)
        subject = None
        if tested.kind is not TargetKind.SAMPLE:
            with pointed_at(builder), closing(docker.Engine()) as engine:
                subject = inspection.inspect(tested, engine, docker_compose.find_compose())
        seen = inspection.seen(tested, subject)
        told = (*cluster.notes, f"Images are built by the engine at {builder}.")
        seen = replace(seen, notes=(*seen.notes, *told))
        names = ", ".join(node.name for node in cluster.nodes)
        why = f"the Swarm's manager answers; nodes: {names}"
        here = all(nodes.is_here(node.engine) for node in cluster.nodes)
        lock = "" if here else str(cluster.manager.host)
    return Chosen(
        backend=SwarmBackend(root, tested=seen, subject=subject),
        machine=machine,
        why=why,
        tested=seen,
        lock=lock,
    )
