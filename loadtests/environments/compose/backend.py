"""The Compose backend: brings stacks of containers up and down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from loadtests.environments.compose import files as compose_file
from loadtests.environments.compose import images, project_image
from loadtests.environments.compose.containers import LOG_LINES, ContainerStack
from loadtests.environments.compose.projects import Project, opened, opened_engine, project_name
from loadtests.environments.compose.tested import document as tested_document
from loadtests.environments.compose.tested import forcing, user_images
from loadtests.environments.compose.tested.compose_file.service_project import HEALTHCHECK_NOTE
from loadtests.environments.compose.tested.start.listening import Wanted
from loadtests.environments.compose.tested.start.starting import Starting, ignored_sigterm
from loadtests.environments.compose.tested.subject import Subject
from loadtests.environments.protocol import Say
from loadtests.environments.replica_environment import NO_SETTINGS, Settings
from loadtests.environments.wait_idle import busy_after, wait_until_quiet
from loadtests.model.errors import EnvironmentFailure, ProcessFailure
from loadtests.model.plan import Plan, Upstream
from loadtests.model.stack import Replica
from loadtests.model.tested.target import SAMPLE, Target, TargetKind
from loadtests.model.vocabulary import Role
from loadtests.planning.budget import cores_used
from loadtests.servers.server import Command
from loadtests.tools import docker, files, host, postgres, proc
from loadtests.tools.docker.images import Image
from loadtests.tools.docker_compose import Compose

APP_PORT = 8000
STORE_LIMIT_S = 30.0

QUIET_LIMIT_S = 20.0
"""Seconds in which a user's replicas have to become idle; the rule ``idle_cost`` judges others."""

STOP_GRACE_S = 2


class ComposeBackend:
    """Brings up stacks on the Docker engine, with the images of a checkout or of the user's target.

    ``app_image`` is the image of the sample's replicas; without it, the checkout's ``app/`` is
    built. ``subject`` are the services of the user's target, as ``tested.inspection`` saw them.
    """

    name = "compose"

    def __init__(
        self,
        root: Path,
        *,
        tested: Target = SAMPLE,
        subject: Subject | None = None,
        settings: Settings = NO_SETTINGS,
        app_image: str | None = None,
    ) -> None:
        self._tested = tested
        self._subject = subject
        self._root = root
        self._settings = settings
        self._app_image = app_image

    @contextmanager
    def open(self, plan: Plan, folder: Path, say: Say) -> Iterator[ComposeStack]:
        """Build the images and start the plan's stack; take it down at the end."""
        with opened_engine(say) as (engine, compose):
            opened_stack = self._open_sample if self._subject is None else self._open_subject
            with opened_stack(engine, compose, plan, folder, say) as stack:
                yield stack

    @contextmanager
    def _open_sample(
        self, engine: docker.Engine, compose: Compose, plan: Plan, folder: Path, say: Say
    ) -> Iterator[ComposeStack]:
        stack_images = images.build_all(
            engine,
            self._root,
            say=say,
            with_store=plan.with_store,
            with_servers=images.wants_servers(plan),
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

    @contextmanager
    def _open_subject(
        self, engine: docker.Engine, compose: Compose, plan: Plan, folder: Path, say: Say
    ) -> Iterator[ComposeStack]:
        """Start the user's services, and find the port of the replicas."""
        assert self._subject is not None
        subject, commands, notes = self._built(engine, self._subject, plan, say)
        image = engine.image(subject.measured.image) if commands else None
        if image is None:
            image = user_images.provide(engine, subject, say)[subject.measured.name]
            subject, commands = forcing.prepare(subject, image, plan.workers)
        stack_images = images.build_all(
            engine, self._root, say=say, app_image=subject.measured.image
        )
        services, values = tested_document.document(
            subject,
            plan,
            memory_bytes=memory_share(engine, plan),
            settings=self._settings,
            commands=commands,
        )
        project = Project(
            engine=engine,
            compose=compose,
            name=project_name(folder.name),
            files=compose_file.written(services, self._root, folder),
            variables=compose_file.variables(plan, stack_images, run=folder.name) | values,
        )
        with opened(project, folder, say) as project:
            starting = Starting(
                project=project,
                subject=subject,
                workers=[worker.name for worker in plan.workers],
                replicas=plan.replica_counts[-1],
                wanted=_wanted(plan, image, subject),
                run=folder.name,
                say=say,
                local=docker.is_local(),
                notes=[*notes, *_note_on_health(image, subject)],
            )
            ports = starting.start()
            stack = ComposeStack(
                project, plan, folder, self._root, ports=ports, notes=starting.notes
            )
            if self._tested.kind is not TargetKind.IMPORT_STRING:
                stack.check_forced()
            yield stack
            stack.stop_replicas()

    def _built(
        self, engine: docker.Engine, subject: Subject, plan: Plan, say: Say
    ) -> tuple[Subject, dict[str, Command], tuple[str, ...]]:
        """Return the subject with its image, each variant's command, and notes on both.

        Only an import string has something to build here, and commands of ours.
        """
        if self._tested.kind is not TargetKind.IMPORT_STRING:
            return subject, {}, ()
        base = images.base_image(engine, self._root, say=say)
        image = project_image.build(
            engine, self._root, self._tested, base=base, say=say, workers=plan.workers
        )
        tested = project_image.inspect(image, self._tested, say)
        commands = {worker.name: project_image.command(worker, tested) for worker in plan.workers}
        measured = replace(subject.measured, image=image, ports=(project_image.PORT,))
        return (
            replace(subject, measured=measured),
            commands,
            tested.notes[len(self._tested.notes) :],
        )


def _note_on_health(image: Image, subject: Subject) -> list[str]:
    told = HEALTHCHECK_NOTE in subject.notes
    return [HEALTHCHECK_NOTE] if image.checks_health and not told else []


class ComposeStack(ContainerStack):
    """The running containers of a run; see ``environments.protocol.Stack``.

    ``ports`` are those of the replicas by worker model, where they are the user's own. Then the
    services that they need are members too, and ``notes`` grow.
    """

    def __init__(
        self,
        project: Project,
        plan: Plan,
        folder: Path,
        root: Path,
        *,
        ports: Mapping[str, int] | None = None,
        notes: Sequence[str] = (),
    ) -> None:
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
        self._is_users = ports is not None
        self._notes = list(notes)
        self._read_containers()
        self.replicas = _replicas(self._containers, plan, ports or {})

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found, changed or added since the start."""
        return tuple(self._notes)

    @property
    def host_cores(self) -> tuple[int, ...]:
        """The cores that the run uses, or none if the engine is on another machine."""
        return self._cores if self._local else ()

    @property
    def _stores(self) -> list[str]:
        """The members that the replicas need: the sample's store, or the user's services."""
        needed = [name for name, container in self._containers.items() if container.member]
        return [*([Role.STORE] if Role.STORE in self._containers else []), *needed]

    def configure_proxy(self, upstreams: Sequence[Upstream]) -> None:
        """Write the proxy's configuration, which starts it, and apply the CPU budgets.

        Until then the replicas may use the whole machine, so that they start faster.
        """
        names = [replica.name for replica in self.replicas]
        if self._is_users:
            busy = busy_after([*names, *self._stores], self.read, limit_s=QUIET_LIMIT_S)
            if busy:
                self._notes.append(f"Use CPU without any request: {', '.join(busy)}.")
        else:
            wait_until_quiet([*names, *self._stores], self.read)
        self._hold_to_budget(names)
        config = self._proxy_config(upstreams)
        files.write(self._folder / "nginx.conf", config)
        self._start_proxy(config)

    def _hold_to_budget(self, names: Sequence[str]) -> None:
        budget = self._plan.budget
        self._hold(names, cpus=budget.replica_cpus, cores=budget.replica_cores)
        if self._stores:
            self._hold(self._stores, cpus=budget.store_cpus, cores=budget.store_cores)

    def check_forced(self) -> None:
        """Raise unless the image runs the worker models that were put into force in it."""
        for worker in self._plan.workers:
            if not worker.as_started:
                member = f"{worker.name}-1"
                forcing.check(worker, self.first_log(member), self.processes_of(member))

    def stop_replicas(self) -> None:
        """Stop the user's replicas, and take note if they ignore SIGTERM.

        A server that is started by our command waits longer, for the proxy's idle connections.
        """
        workers = [worker.name for worker in self._plan.workers]
        if self._plan.budget.replica_cpus is not None:
            # With a tenth of a CPU, a Python program takes several seconds to end.
            with suppress(ProcessFailure):
                self._hold([replica.name for replica in self.replicas], cpus=1.0, cores=())
        self._project.stop(workers, grace_s=STOP_GRACE_S)
        is_ours = self._plan.tested.kind is TargetKind.IMPORT_STRING
        if not is_ours and ignored_sigterm(self._project.containers().values(), workers):
            self._notes.append(SIGTERM_NOTE)


SIGTERM_NOTE = (
    f"Replicas ignored SIGTERM and were killed {STOP_GRACE_S} s later, so each deployment loses"
    " requests. A shell as first program does that (CMD without brackets; use exec), and so does a"
    " program without a handler (init: true)."
)


def memory_share(engine: docker.Engine, plan: Plan) -> int:
    """Return the memory that a replica may use, so that all of them use half of the machine's."""
    replicas = plan.replica_counts[-1] * len(plan.workers)
    return int(engine.facts()["MemTotal"]) // 2 // replicas


def _replicas(
    containers: Mapping[str, docker.Container], plan: Plan, ports: Mapping[str, int]
) -> tuple[Replica, ...]:
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
                    address=f"{container.address}:{ports.get(worker.name, APP_PORT)}",
                    identity=container.id,
                )
            )
    return tuple(replicas)


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


def _wanted(plan: Plan, image: Image, subject: Subject) -> Wanted:
    """Return what a replica has to do to be ready, and where it may listen."""
    return Wanted(
        asked=plan.tested.port,
        declared=tuple(sorted({*image.ports, *subject.measured.ports})),
        path=plan.health_path,
        limit_s=plan.start_limit_s,
    )
