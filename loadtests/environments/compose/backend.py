"""The Compose backend: brings stacks of containers up and down."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadtests.environments import idle_control
from loadtests.environments.compose import files as compose_file
from loadtests.environments.compose import images, project_image
from loadtests.environments.compose.containers import LOG_LINES
from loadtests.environments.compose.front import FrontStack
from loadtests.environments.compose.further import ALONE
from loadtests.environments.compose.projects import (
    Project,
    opened,
    opened_engine,
    project_name,
)
from loadtests.environments.compose.stack import ComposeStack
from loadtests.environments.compose.tested import document as tested_document
from loadtests.environments.compose.tested import forcing, pythons, user_images
from loadtests.environments.compose.tested.compose_file.service_project import HEALTHCHECK_NOTE
from loadtests.environments.compose.tested.memory import beside_share, memory_share
from loadtests.environments.compose.tested.start.listening import Wanted
from loadtests.environments.compose.tested.start.starting import Starting
from loadtests.environments.compose.tested.subject import Subject
from loadtests.environments.counters import CONTROL_SERVICE
from loadtests.environments.protocol import Say
from loadtests.environments.replica_environment import NO_SETTINGS, Settings
from loadtests.model.errors import EnvironmentFailure
from loadtests.model.plan import Plan
from loadtests.model.tested.target import SAMPLE, Target, TargetKind
from loadtests.model.vocabulary import Role
from loadtests.servers.server import Command
from loadtests.tools import docker, postgres, proc
from loadtests.tools.docker.images import Image
from loadtests.tools.docker_compose import Compose

STORE_LIMIT_S = 30.0


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
            self._start_controls(project, plan, say)
            with closing(ComposeStack(project, plan, folder, self._root)) as stack:
                yield stack

    @contextmanager
    def _open_subject(
        self, engine: docker.Engine, compose: Compose, plan: Plan, folder: Path, say: Say
    ) -> Iterator[ComposeStack]:
        """Start the user's services, and find the port of the replicas."""
        assert self._subject is not None
        subject, commands, own_images, notes = self._built(engine, self._subject, plan, say)
        image = engine.image(subject.measured.image) if commands else None
        if image is None:
            subject, image = user_images.provide_by_ids(engine, subject, say)
            commands = forcing.commands_of(subject, image, plan.workers)
        built = images.build_all(engine, self._root, say=say, app_image=subject.measured.image)
        services, values = tested_document.document(
            subject,
            plan,
            memory_bytes=memory_share(engine, plan.replica_counts[-1] * len(plan.workers)),
            beside_bytes=beside_share(engine),
            settings=self._settings,
            commands=commands,
            images=own_images,
        )
        project = Project(
            engine=engine,
            compose=compose,
            name=project_name(folder.name),
            files=self._written(services, plan, folder),
            variables=compose_file.variables(plan, built, run=folder.name) | values,
            images={part.name: part.image for part in subject.parts} | own_images,
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
                notes=[*notes, *forcing.notes(plan), *_note_on_health(image, subject)],
            )
            ports = starting.start()
            self._start_controls(project, plan, say)
            stack = self._stack(project, plan, folder, starting, ports)
            if isinstance(stack, FrontStack) and stack.foreseen is not None:
                say(stack.foreseen)
            if self._tested.kind is not TargetKind.IMPORT_STRING:
                stack.check_forced()
            with closing(stack), stack.asking_stores():
                yield stack
                stack.stop_replicas()

    def _written(self, services: Mapping[str, Any], plan: Plan, folder: Path) -> tuple[Path, ...]:
        """Write the services of a subject, with idle controls, and return the Compose files."""
        controls = idle_control.workers_of(plan.workers, self._tested)
        controlled = compose_file.with_controls(services["services"], controls)
        return compose_file.written({**services, "services": controlled}, self._root, folder)

    def _start_controls(self, project: Project, plan: Plan, say: Say) -> None:
        """Start the idle controls; a run goes on without them."""
        workers = idle_control.workers_of(plan.workers, self._tested)
        try:
            if workers:
                project.up([CONTROL_SERVICE + worker.name for worker in workers], options=ALONE)
        except EnvironmentFailure as error:
            say(f"The idle controls were not started: {error}")

    def _stack(
        self,
        project: Project,
        plan: Plan,
        folder: Path,
        starting: Starting,
        ports: dict[str, int],
    ) -> ComposeStack:
        """Return the stack of the started services, behind the user's proxy or behind ours."""
        subject = starting.subject
        if subject.front is None or starting.front_port is None:
            return ComposeStack(
                project, plan, folder, self._root, ports=ports, notes=starting.notes
            )
        return FrontStack(
            project,
            plan,
            folder,
            self._root,
            ports=ports,
            notes=starting.notes,
            part=subject.front,
            names=subject.measured.hosts,
            port=starting.front_port,
        )

    def _built(
        self, engine: docker.Engine, subject: Subject, plan: Plan, say: Say
    ) -> tuple[Subject, dict[str, Command], dict[str, str], tuple[str, ...]]:
        """Return the subject with its image, each variant's command and image, and notes.

        Only an import string has something to build here, and commands of ours: an image for each
        Python that variants ask for.
        """
        if self._tested.kind is not TargetKind.IMPORT_STRING:
            return subject, {}, {}, ()
        commands: dict[str, Command] = {}
        built: dict[str, str] = {}
        notes: list[str] = []
        pythons.check(plan.workers)
        for python, workers in pythons.grouped(plan.workers).items():
            image = project_image.build(
                engine,
                self._root,
                self._tested,
                base=pythons.base_of(engine, self._root, python, say=say),
                say=say,
                workers=workers,
                tag=pythons.tag_of(project_image.tag_of(Path(self._tested.folder or ".")), python),
            )
            limit_s = plan.start_limit_s
            tested = project_image.inspect(image, self._tested, say, start_limit_s=limit_s)
            commands |= {
                worker.name: project_image.command(worker, tested, start_limit_s=limit_s)
                for worker in workers
            }
            built |= {worker.name: image for worker in workers}
            notes += tested.notes[len(self._tested.notes) :]
        first = built[plan.workers[0].name]
        measured = replace(subject.measured, image=first, ports=(project_image.PORT,))
        return replace(subject, measured=measured), commands, built, tuple(dict.fromkeys(notes))


def _note_on_health(image: Image, subject: Subject) -> list[str]:
    told = HEALTHCHECK_NOTE in subject.notes
    return [HEALTHCHECK_NOTE] if image.checks_health and not told else []


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
