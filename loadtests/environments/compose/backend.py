"""A stack of containers, brought up and down by Docker Compose."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from types import MappingProxyType

from loadtests.environments.compose import files as compose_file
from loadtests.environments.compose import images
from loadtests.environments.compose.projects import project_name, remove_dead, take_down
from loadtests.environments.counters import Counters, EngineCounters, KernelCounters, member_name
from loadtests.environments.protocol import Say
from loadtests.environments.replica_environment import NO_SETTINGS, Settings
from loadtests.environments.wait_idle import wait_until_quiet
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.model.plan import Plan, Upstream
from loadtests.model.stack import HostReading, Reading, Replica
from loadtests.model.vocabulary import Role
from loadtests.planning.budget import cores_used
from loadtests.tools import docker, host, nginx, postgres, proc, signals
from loadtests.tools.proc import Child

STATUS_PORT = 9000
APP_PORT = 8000
PROXY_FOLDER = "/run/nginx"
PROXY_CONFIG = f"{PROXY_FOLDER}/nginx.conf"

UP_LIMIT_S = 180.0
STORE_LIMIT_S = 30.0
SPOKEN_TO = frozenset({"generator", "metronome"})
"""Members whose program is started in their container, and has a log of its own."""

LOG_LINES = 20
"""How much of a log a message shows."""


class ComposeBackend:
    """Brings stacks up on the Docker engine, with the images of a checkout.

    ``app_image`` is the image of the replicas; without it, the checkout's ``app/`` is built.
    """

    name = "compose"

    def __init__(
        self, root: Path, *, settings: Settings = NO_SETTINGS, app_image: str | None = None
    ) -> None:
        self._root = root
        self._settings = settings
        self._app_image = app_image

    @contextmanager
    def open(self, plan: Plan, folder: Path, say: Say) -> Iterator[ComposeStack]:
        """Build the images, start everything that the plan needs, and take it down at the end."""
        engine = docker.Engine()
        try:
            compose = docker.find_compose()
            remove_dead(engine, say)
            built = images.build_all(
                engine,
                self._root,
                say=say,
                with_store=plan.with_store,
                app_image=self._app_image,
            )
            project = project_name(folder.name)
            files = compose_file.files(plan, self._root, folder, self._settings)
            variables = compose_file.variables(plan, built, run=folder.name)
            try:
                up = partial(_up, compose, project, files, variables)
                if plan.with_store:
                    say("Starting PostgreSQL")
                    up((Role.STORE,))
                    _wait_for_store(engine, project)
                scale = {worker.name: plan.replica_counts[-1] for worker in plan.workers}
                say(f"Starting {sum(scale.values())} replicas, the proxy and the generator")
                up((*scale, "proxy", "generator", "metronome"), scale)
                yield ComposeStack(engine, project, plan, folder, self._root)
            finally:
                with signals.shield():
                    try:
                        say("Taking the stack down")
                        save_logs(engine, project, folder / "logs")
                    finally:
                        take_down(compose, engine, project, files, variables, say)
        finally:
            engine.close()


class ComposeStack:
    """A stack of containers that is up; see ``environment.protocol.Stack``."""

    def __init__(
        self,
        engine: docker.Engine,
        project: str,
        plan: Plan,
        folder: Path,
        root: Path,
    ) -> None:
        machine_cores = tuple(range(int(engine.facts()["NCPU"])))
        self._engine = engine
        self._folder = folder
        self._plan = plan
        self._template = (root / "compose/nginx.conf.j2").read_text()
        self._containers = {member_name(each): each for each in engine.containers(project)}
        self.replicas = _replicas(self._containers, plan)
        self._local = docker.is_local()
        self._counters = self._choose_counters(project)
        self._metronome_cores = plan.budget.replica_cores or machine_cores
        self._cores = cores_used(plan.budget)
        self.proxy_host = self._containers["proxy"].address
        self.status_url = f"http://{self.proxy_host}:{STATUS_PORT}/status"

    def _choose_counters(self, project: str) -> Counters:
        if self._local:
            kernel = KernelCounters(self._containers)
            if kernel.complete:
                return kernel
        return EngineCounters(self._engine, project, self._containers)

    @property
    def host_cores(self) -> tuple[int, ...]:
        """The cores that the run uses, where the engine is on this machine."""
        return (self._cores or host.usable_cores()) if self._local else ()

    def start_generator(self) -> Child:
        """Start the generator's program in its container."""
        processes = str(self._plan.generator_processes)
        return self._speak(
            "generator", "python", "-m", "loadtests.generator", "--processes", processes
        )

    def start_metronome(self) -> Child:
        """Start the metronome in its container, on the replicas' cores."""
        return self._speak(
            "metronome",
            *(
                "python",
                "-m",
                "loadtests.generator.metronome",
                compose_file.joined(self._metronome_cores),
            ),
        )

    def _speak(self, member: str, *command: str) -> Child:
        logs = self._folder / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        return Child(
            docker.exec_argv(self._containers[member].id, *command), log=logs / f"{member}.log"
        )

    def configure_proxy(self, upstreams: Sequence[Upstream]) -> None:
        """Write the configuration into the proxy, which starts with it.

        From here on, too, the replicas have the means of the plan and no more: until they answer
        they have the whole machine, which makes the start some three times shorter.
        """
        names = [replica.name for replica in self.replicas]
        wait_until_quiet([*names, Role.STORE] if self._plan.with_store else names, self.read)
        self._hold_to_budget()
        addresses = {(each.worker, each.number): each.address for each in self.replicas}
        servers = [
            nginx.ServerBlock(
                port=upstream.port,
                members=tuple(addresses[(upstream.worker, number)] for number in upstream.members),
            )
            for upstream in upstreams
        ]
        text = nginx.render(self._template, servers, status_port=STATUS_PORT, folder=PROXY_FOLDER)
        (self._folder / "nginx.conf").write_text(text)
        # Under another name first: the proxy starts as soon as the file is there.
        write = f"cat > {PROXY_CONFIG}.new && mv {PROXY_CONFIG}.new {PROXY_CONFIG}"
        proc.run(docker.exec_argv(self._containers["proxy"].id, "sh", "-c", write), input_text=text)

    def _hold_to_budget(self) -> None:
        means = self._plan.budget
        names = [replica.name for replica in self.replicas]
        self._hold(names, cpus=means.replica_cpus, cores=means.replica_cores)
        if self._plan.with_store:
            self._hold([Role.STORE], cpus=means.store_cpus, cores=means.store_cores)

    def _hold(self, names: Sequence[str], *, cpus: float | None, cores: Sequence[int]) -> None:
        if cpus is not None or cores:
            containers = [self._containers[name].id for name in names]
            proc.run(docker.update_argv(containers, cpus=cpus, cores=cores))

    def read(self, members: Collection[str]) -> tuple[Reading, ...]:
        """Read the counters of these members now."""
        return self._counters.read(members)

    def read_host(self) -> HostReading | None:
        """Read what the machine's cores did, where the engine is on this machine."""
        if not self._local:
            return None
        return host.read_host(self.host_cores)

    def identities(self) -> Mapping[str, str]:
        """Give what each member is now."""
        return self._counters.identities()

    def container(self, member: str) -> str:
        """Give the id of a member's container, for what only Docker can do with it."""
        return self._containers[member].id

    def log_of(self, member: str) -> str:
        """Give the end of a member's log."""
        container = self._containers.get(member)
        return self._engine.log(container.id, lines=LOG_LINES) if container else "(no container)"


def _replicas(containers: Mapping[str, docker.Container], plan: Plan) -> tuple[Replica, ...]:
    found = []
    for worker in plan.workers:
        for number in range(1, plan.replica_counts[-1] + 1):
            container = containers.get(f"{worker.name}-{number}")
            if container is None or not container.running:
                raise EnvironmentFailure(
                    f"Replica {worker.name}-{number} of {plan.replica_counts[-1]} does not run:"
                    f" {_why(container)}. Its log is in the run's folder, logs/."
                )
            found.append(
                Replica(
                    name=f"{worker.name}-{number}",
                    worker=worker.name,
                    number=number,
                    address=f"{container.address}:{APP_PORT}",
                    identity=container.id,
                )
            )
    return tuple(found)


def _why(container: docker.Container | None) -> str:
    if container is None:
        return "Compose started no such container"
    if container.out_of_memory:
        return "it was ended for want of memory"
    return f"it ended with code {container.exit_code}"


def _up(
    compose: docker.Compose,
    project: str,
    files: Sequence[Path],
    variables: Mapping[str, str],
    services: Sequence[str],
    scale: Mapping[str, int] = MappingProxyType({}),
) -> None:
    words = docker.up_words(scale, services)
    try:
        proc.run(
            compose.command(*words, project=project, files=files),
            env=variables,
            timeout_s=UP_LIMIT_S,
        )
    except ProcessFailure as error:
        raise EnvironmentFailure(
            f"Compose {compose.version} did not start the stack: {error.output or error}"
        ) from error


def _wait_for_store(engine: docker.Engine, project: str) -> None:
    """Wait until PostgreSQL takes connections: the replicas connect to it as they start."""
    store = {member_name(each): each for each in engine.containers(project)}[Role.STORE]
    argv = docker.exec_argv(store.id, "sh", "-c", postgres.READY_SCRIPT)
    proc.wait_until(
        lambda: proc.run(argv, check=False).code == 0,
        limit_s=STORE_LIMIT_S,
        failure=lambda: (
            f"PostgreSQL did not take connections in {STORE_LIMIT_S:g} s. The end of its log:\n"
            f"{engine.log(store.id, lines=LOG_LINES)}"
        ),
    )


def save_logs(engine: docker.Engine, project: str, folder: Path) -> None:
    """Save the logs as far as it goes: a full disk must not keep a stack up, nor hide a result."""
    with suppress(OSError, EnvironmentFailure):
        folder.mkdir(parents=True, exist_ok=True)
        for container in engine.containers(project):
            name = member_name(container)
            suffix = "-container" if name in SPOKEN_TO else ""
            (folder / f"{name}{suffix}.log").write_text(engine.log(container.id))
