"""The Compose backend: brings stacks of containers up and down."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from loadtests.environments.compose import files as compose_file
from loadtests.environments.compose import images
from loadtests.environments.compose.containers import LOG_LINES, ContainerStack
from loadtests.environments.compose.projects import Project, opened, opened_engine, project_name
from loadtests.environments.protocol import Say
from loadtests.environments.replica_environment import NO_SETTINGS, Settings
from loadtests.environments.wait_idle import wait_until_quiet
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import Plan, Upstream
from loadtests.model.stack import Replica
from loadtests.model.tested.target import SAMPLE, Target
from loadtests.model.vocabulary import Role
from loadtests.planning.budget import cores_used
from loadtests.tools import docker, files, host, postgres, proc

APP_PORT = 8000
STORE_LIMIT_S = 30.0


class ComposeBackend:
    """Brings up stacks on the Docker engine, with the images of a checkout.

    ``app_image`` is the image of the replicas; without it, the checkout's ``app/`` is built.
    """

    name = "compose"

    def __init__(
        self,
        root: Path,
        *,
        tested: Target = SAMPLE,
        settings: Settings = NO_SETTINGS,
        app_image: str | None = None,
    ) -> None:
        self._tested = tested
        self._root = root
        self._settings = settings
        self._app_image = app_image

    @contextmanager
    def open(self, plan: Plan, folder: Path, say: Say) -> Iterator[ComposeStack]:
        """Build the images and start the plan's stack; take it down at the end."""
        with_servers = images.wants_servers(plan)
        with opened_engine(say) as (engine, compose):
            stack_images = images.build_all(
                engine,
                self._root,
                say=say,
                with_store=plan.with_store,
                with_servers=with_servers,
                app_image=self._app_image,
            )
            project = Project(
                engine=engine,
                compose=compose,
                name=project_name(folder.name),
                files=compose_file.files(plan, self._root, folder, self._settings),
                variables=compose_file.variables(plan, stack_images, run=folder.name),
            )
            with opened(project, folder, say) as project:
                if plan.with_store:
                    say("Starting PostgreSQL")
                    project.up((Role.STORE,))
                    _wait_for_store(project)
                scale = {worker.name: plan.replica_counts[-1] for worker in plan.workers}
                say(f"Starting {sum(scale.values())} replicas, the proxy and the generator")
                project.up((*scale, Role.PROXY, Role.GENERATOR, Role.METRONOME), scale)
                yield ComposeStack(project, plan, folder, self._root)


class ComposeStack(ContainerStack):
    """The running containers of a run; see ``environments.protocol.Stack``."""

    def __init__(self, project: Project, plan: Plan, folder: Path, root: Path) -> None:
        machine_cores = tuple(range(int(project.engine.facts()["NCPU"])))
        super().__init__(
            project,
            root,
            folder,
            cores=cores_used(plan.budget) or host.usable_cores(),
            metronome_cores=plan.budget.replica_cores or machine_cores,
            generator_processes=plan.generator_processes,
        )
        self._plan = plan
        self._read_containers()
        self.replicas = _replicas(self._containers, plan)

    @property
    def host_cores(self) -> tuple[int, ...]:
        """The cores that the run uses, or none if the engine is on another machine."""
        return self._cores if self._local else ()

    def configure_proxy(self, upstreams: Sequence[Upstream]) -> None:
        """Write the proxy's configuration, which starts it, and apply the CPU budgets.

        Until then the replicas may use the whole machine, so that they start faster.
        """
        names = [replica.name for replica in self.replicas]
        wait_until_quiet([*names, Role.STORE] if self._plan.with_store else names, self.read)
        self._hold_to_budget(names)
        config = self._proxy_config(upstreams)
        files.write(self._folder / "nginx.conf", config)
        self._start_proxy(config)

    def _hold_to_budget(self, names: Sequence[str]) -> None:
        budget = self._plan.budget
        self._hold(names, cpus=budget.replica_cpus, cores=budget.replica_cores)
        if self._plan.with_store:
            self._hold([Role.STORE], cpus=budget.store_cpus, cores=budget.store_cores)


def _replicas(containers: Mapping[str, docker.Container], plan: Plan) -> tuple[Replica, ...]:
    replicas = []
    for worker in plan.workers:
        for number in range(1, plan.replica_counts[-1] + 1):
            container = containers.get(f"{worker.name}-{number}")
            if container is None or not container.running:
                raise EnvironmentFailure(
                    f"Replica {worker.name}-{number} of {plan.replica_counts[-1]} does not run:"
                    f" {_why(container)}. Its log is in logs/ in the run's folder."
                )
            replicas.append(
                Replica(
                    name=f"{worker.name}-{number}",
                    worker=worker.name,
                    number=number,
                    address=f"{container.address}:{APP_PORT}",
                    identity=container.id,
                    started_at_s=moment_s(container.started_at),
                )
            )
    return tuple(replicas)


def moment_s(text: str) -> float | None:
    """Convert the engine's time, such as ``2026-01-31T10:00:00.123456789Z``; None if it has none.

    It is the engine's clock; that of another machine may differ.
    """
    match = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d{1,6})?\d*Z", text)
    if match is None:
        return None
    return datetime.fromisoformat(f"{match[1]}{match[2] or ''}+00:00").timestamp()


def _why(container: docker.Container | None) -> str:
    if container is None:
        return "Compose started no such container"
    if container.out_of_memory:
        return "it was killed, out of memory"
    return f"it exited with code {container.exit_code}"


def _wait_for_store(project: Project) -> None:
    """Wait until PostgreSQL accepts connections: the replicas connect when they start."""
    store = project.containers()[Role.STORE]
    argv = docker.exec_argv(store.id, "sh", "-c", postgres.READY_SCRIPT)
    proc.wait_until(
        lambda: proc.run(argv, check=False).code == 0,
        limit_s=STORE_LIMIT_S,
        failure=lambda: (
            f"PostgreSQL did not accept connections in {STORE_LIMIT_S:g} s. The end of its log:\n"
            f"{project.engine.log(store.id, lines=LOG_LINES)}"
        ),
    )
