"""Puts gunicorn's worker models into force in an image that starts gunicorn itself.

By ``GUNICORN_CMD_ARGS``, which gunicorn reads after its configuration file; and where the image's
command can be read, by options at its end, for a command line wins over the variable.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

from loadtests.environments.compose.tested.subject import Subject
from loadtests.model.errors import AS_IT_STARTS, NotInForce, UsageError
from loadtests.model.plan import Plan, WorkerModel
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.tested.target import TargetKind
from loadtests.servers import gunicorn, registry
from loadtests.servers.server import Command
from loadtests.tools.docker.images import Image

Look = Callable[[WorkerModel], tuple[str, Sequence[ServerProcess]]]

VARIABLE = gunicorn.ARGUMENTS

_SHELLS = frozenset({"sh", "bash", "ash", "dash"})
_LAST_COMMAND = re.compile(r"(?:^|&&|;|\n)\s*(?P<last>[^;&\n]*?)\s*$")
_UNSURE = re.compile(r"[|<>#`&]|\$\(")
"""Signs in a shell's last command after which words at its end would not reach gunicorn."""


def commands_of(
    subject: Subject, image: Image, workers: Sequence[WorkerModel]
) -> dict[str, Command]:
    """Return by name what puts each worker model into force that is not as started.

    A command's variables win over the subject's, which are those of the others. Its
    ``GUNICORN_CMD_ARGS`` begins with what the variant, the user or the image says in it.

    Raises :class:`UsageError` for a server that only a command of ours could start.
    """
    part = subject.measured
    forced = [worker for worker in workers if not worker.as_started]
    for worker in forced:
        if worker.server != gunicorn.SERVER.name:
            raise UsageError(
                f"{worker.name} runs under {worker.server}, but the image of {part.name} starts a"
                " server of its own. For an image, --workers takes gunicorn's models, and"
                " as-started. Name the application itself (--app shop:app) to choose its server."
            )
    if not forced:
        return {}
    own = {key: _text(value, subject.values) for key, value in part.definition.items()}
    command = command_of(own, image)
    given = own.get("environment", {}).get(VARIABLE, dict(image.env).get(VARIABLE, ""))
    return {worker.name: _command(worker, command, given) for worker in forced}


def _command(worker: WorkerModel, command: Sequence[str], given: str) -> Command:
    env = gunicorn.forced_environment(worker)
    words = shlex.split(env[VARIABLE])
    given = worker.env.get(VARIABLE, given)
    return Command(
        argv=with_words(command, words), env={**env, VARIABLE: f"{given} {env[VARIABLE]}".strip()}
    )


def command_of(definition: Mapping[str, Any], image: Image) -> tuple[str, ...]:
    """Return the words after the entrypoint that a container is started with."""
    command = definition.get("command")
    if command is None:
        # An entrypoint of the user's takes the image's command away.
        return () if definition.get("entrypoint") else image.command
    return tuple(shlex.split(command)) if isinstance(command, str) else tuple(command)


def with_words(command: Sequence[str], words: Sequence[str]) -> tuple[str, ...]:
    """Return a command with options for gunicorn at its end, or () where they would not reach it.

    Of an option that stands twice, gunicorn takes the last.
    """
    if not command:
        return ()
    if _name(command[0]) in _SHELLS and len(command) > 2 and command[1] in {"-c", "-ec"}:
        text = _in_shell(command[2], words)
        return (*command[:2], text, *command[3:]) if text else ()
    return (*command, *words) if any(_name(word) == "gunicorn" for word in command) else ()


def _in_shell(text: str, words: Sequence[str]) -> str | None:
    """Return a shell's text with the words at the end, if gunicorn is what it starts last."""
    match = _LAST_COMMAND.search(text.rstrip())
    last = match["last"] if match else ""
    starts = [word for word in last.split() if "=" not in word and word != "exec"]
    module = starts[1:3] == ["-m", "gunicorn"]
    if not starts or _UNSURE.search(last) or not (_name(starts[0]) == "gunicorn" or module):
        return None
    return f"{text.rstrip()} {shlex.join(words)}"


def _name(word: str) -> str:
    return PurePosixPath(word).name


def _text(value: Any, values: Mapping[str, str]) -> Any:
    """Return a part of a definition with its hidden texts."""
    if isinstance(value, str):
        return values.get(value.removeprefix("${").removesuffix("}"), value)
    if isinstance(value, Mapping):
        return {key: _text(inner, values) for key, inner in value.items()}
    return [_text(inner, values) for inner in value] if isinstance(value, list | tuple) else value


def notes(plan: Plan) -> tuple[str, ...]:
    """Return a sentence on what is put into force in a target that starts its own server."""
    names = [worker.name for worker in plan.workers if not worker.as_started]
    if not names or plan.tested.kind is TargetKind.IMPORT_STRING:
        return ()
    return (
        f"gunicorn's mode was set in the image, by {VARIABLE} and its command: {', '.join(names)}.",
    )


def check(worker: WorkerModel, log: str, processes: Sequence[ServerProcess]) -> None:
    """Raise :class:`NotInForce` unless a replica runs what was put into force."""
    server = registry.recognised(log, processes)
    if server is not gunicorn.SERVER:
        runs = f"runs {server.name}" if server else "runs no server that is known here"
        raise _not_in_force(
            worker,
            f"{worker.name} is a worker model of gunicorn, and the image {runs}.",
        )
    mode = server.look(log, processes).mode
    if mode is None:
        raise _not_in_force(
            worker,
            f"Nothing shows that {worker.name} is in force in the image: gunicorn's log does not"
            " name its worker class (its log level may be above info).",
        )
    if mode != (worker.mode or worker.name):
        raise _not_in_force(
            worker,
            f"{worker.name} could not be put into force in the image: gunicorn runs {mode}, which"
            " its command line or its start script sets.",
        )


def _not_in_force(worker: WorkerModel, why: str) -> NotInForce:
    return NotInForce(f"{why} {AS_IT_STARTS}", workers=(worker.name,))


def all_in_force(workers: Sequence[WorkerModel], look: Look) -> None:
    """Raise :class:`NotInForce` with every worker model that was to be put into force and is not.

    ``look`` returns the beginning of the log and the processes of one's first replica.
    """
    errors = []
    for worker in workers:
        try:
            if not worker.as_started:
                check(worker, *look(worker))
        except NotInForce as error:
            errors.append(error)
    if errors:
        names = tuple(name for error in errors for name in error.workers)
        raise NotInForce(str(errors[0]), workers=names)
