"""A server that nobody here knows: a command line from the user's configuration. PURE."""

from __future__ import annotations

from collections.abc import Sequence

from loadtests.config import command_places
from loadtests.model.errors import UsageError
from loadtests.model.plan import WorkerModel
from loadtests.servers import entry
from loadtests.servers.server import ANY_INTERFACE, Command, ReplicaOrder, Server

PYTHON_WORDS = frozenset({"python", "python3", "{python}"})
"""First words that mean the application's interpreter."""

CONTAINER_BIND = "0.0.0.0:8000"


def check(words: Sequence[str]) -> None:
    """Raise :class:`UsageError` for a command without address, or with an unknown placeholder."""
    if not words:
        raise UsageError('A variant\'s command is empty. Try command = "python -m server {bind}".')
    for fault in command_places.faults_in(words):
        raise UsageError(f"The command {' '.join(words)!r} cannot be started. {fault}")


def takes_only_a_port(worker: WorkerModel) -> bool:
    """Return whether a worker model is a command whose server chooses its address itself.

    It may listen on all addresses, so no two replicas can have the same port.
    """
    if worker.server != SERVER.name:
        return False
    check(worker.options)
    names = {*command_places.names_in(worker.options)}
    return "port" in names and not {"bind", "host"} & names


def filled(words: Sequence[str], values: dict[str, str]) -> tuple[str, ...]:
    """Return a command's words with the placeholders' values."""
    check(words)
    return tuple(word.format(**values) for word in words)


def program_name(worker: WorkerModel) -> str | None:
    """Return the name of a command's program that has to be looked for; None for a path."""
    first = worker.options[0]
    is_name = first not in PYTHON_WORDS and not {"/", "{"} & set(first)
    return first if is_name else None


def planned_python(worker: WorkerModel, implementation: str | None) -> str | None:
    """Return what the target's Python calls itself; None where a variant may run another one.

    That is one with a ``python`` or a command of its own.
    """
    return None if worker.python or worker.server == SERVER.name else implementation


def command(order: ReplicaOrder) -> Command:
    """Return the user's command for one replica; ``python`` is the application's interpreter.

    The order's ``program`` is the command's, where it lies beside that interpreter.
    """
    values = {
        "bind": order.bind,
        "host": order.host,
        "port": order.port,
        "python": order.python,
        "app": order.application,
        "module": entry.module(order),
        "name": order.name,
    }
    first, *rest = filled(order.worker.options, values)
    is_python = order.worker.options[0] in PYTHON_WORDS
    env = entry.environment(order)
    if order.folder is None:  # nobody knows what the sample's words for a server mean to this one
        env |= order.worker.env
    return Command(
        argv=(order.python if is_python else order.program or first, *rest),
        env=env,
        files=entry.files(order),
    )


def container(worker: WorkerModel) -> Command:
    """Return the user's command in a container of the sample application."""
    host, _, port = CONTAINER_BIND.rpartition(":")
    values = {
        "bind": CONTAINER_BIND,
        "host": host,
        "port": port,
        "python": "/venv/bin/python",
        "app": "app:create_app()",
        "module": entry.SAMPLE_MODULE,
        "name": worker.name,
    }
    first, *rest = filled(worker.options, values)
    program = "/venv/bin/python" if worker.options[0] in PYTHON_WORDS else first
    return Command(argv=(program, *rest), env=entry.sample_settings(worker))


SERVER = Server(
    name="command",
    about="a command line of your own",
    worker_models=(),
    command=command,
    container=container,
    serves=lambda _: ANY_INTERFACE,
    serves_any=False,  # the words may name the application themselves
)
