"""Putting gunicorn's worker models into force in an image that starts gunicorn itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from loadtests.environments.compose.tested.document import document
from loadtests.environments.compose.tested.forcing import (
    all_in_force,
    check,
    command_of,
    commands_of,
    notes,
    with_words,
)
from loadtests.environments.compose.tested.hidden import Hidden
from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.model.errors import EnvironmentFailure, NotInForce, UsageError
from loadtests.model.tested.in_force import ServerProcess
from loadtests.model.tested.target import Target, TargetKind
from loadtests.servers import registry
from loadtests.targets import plain
from loadtests.tools.docker.images import Image
from tests.loadtests.builders import make_plan

MODELS = registry.worker_models()
WORDS = ("--worker-class", "sync")


def a_subject(**definition: Any) -> Subject:
    hidden = Hidden()
    part = Part(name="web", service="web", image="s", definition=hidden.all_of(definition))
    return Subject(measured=part, values=hidden.values)


@pytest.mark.parametrize(
    ("command", "made"),
    [
        (("gunicorn", "shop:app"), ("gunicorn", "shop:app", *WORDS)),
        (
            ("/venv/bin/gunicorn", "-w", "4", "a:b"),
            ("/venv/bin/gunicorn", "-w", "4", "a:b", *WORDS),
        ),
        (("python", "-m", "gunicorn", "a:b"), ("python", "-m", "gunicorn", "a:b", *WORDS)),
        (("./entry.sh", "gunicorn", "a:b"), ("./entry.sh", "gunicorn", "a:b", *WORDS)),
        (
            ("/bin/sh", "-c", "cd x && exec gunicorn -b :$PORT a:b"),
            ("/bin/sh", "-c", "cd x && exec gunicorn -b :$PORT a:b --worker-class sync"),
        ),
        (
            ("sh", "-c", "flask db upgrade; python -m gunicorn a:b\n"),
            ("sh", "-c", "flask db upgrade; python -m gunicorn a:b --worker-class sync"),
        ),
        (("sh", "-c", "gunicorn a:b | tee log"), ()),
        (("sh", "-c", "gunicorn a:b &"), ()),
        (("sh", "-c", "gunicorn a:b && echo done"), ()),
        (("sh", "-c", "./start.sh"), ()),
        (("./start.sh",), ()),
        (("flask", "run"), ()),
        ((), ()),
    ],
)
def test_options_go_to_the_end_of_a_command_where_gunicorn_gets_them(
    command: tuple[str, ...], made: tuple[str, ...]
) -> None:
    assert with_words(command, WORDS) == made


def test_the_users_command_wins_over_the_images() -> None:
    image = Image(id="i", entrypoint=("entry",), command=("gunicorn", "a:b"))

    assert command_of({}, image) == ("gunicorn", "a:b")
    assert command_of({"command": "gunicorn 'c d'"}, image) == ("gunicorn", "c d")
    assert command_of({"command": ["x"]}, image) == ("x",)
    assert command_of({"entrypoint": ["y"]}, image) == ()


def test_the_variable_keeps_what_the_user_or_the_image_says_in_it() -> None:
    image = Image(id="i", command=("./start",), env=(("GUNICORN_CMD_ARGS", "--bind :80"),))

    commands = commands_of(a_subject(), image, [MODELS["sync"]])
    subject = a_subject(environment={"GUNICORN_CMD_ARGS": "--bind :81", "A": "1"})
    own = commands_of(subject, image, [MODELS["sync"]])
    varied = replace(MODELS["sync"], env={"GUNICORN_CMD_ARGS": "--bind :82"})
    variants = commands_of(subject, image, [varied])

    assert commands["sync"].env["GUNICORN_CMD_ARGS"].startswith("--bind :80 --worker-class sync")
    assert own["sync"].env["GUNICORN_CMD_ARGS"].startswith("--bind :81 --worker-class sync")
    assert variants["sync"].env["GUNICORN_CMD_ARGS"].startswith("--bind :82 --worker-class sync")
    assert commands["sync"].argv == ()


def test_the_users_variable_stays_with_what_is_as_started() -> None:
    started = plain.as_started()[plain.AS_STARTED]
    subject = a_subject(environment={"GUNICORN_CMD_ARGS": "--bind :81"})
    plan = replace(
        make_plan(workers=("sync",), replica_counts=(1, 2)), workers=(MODELS["sync"], started)
    )
    commands = commands_of(subject, Image(id="i", command=("./start",)), plan.workers)

    made, values = document(
        subject, plan, memory_bytes=10**9, beside_bytes=2 * 10**9, settings={}, commands=commands
    )

    of = {name: made["services"][name]["environment"] for name in ("sync", plain.AS_STARTED)}
    assert of[plain.AS_STARTED] == {"GUNICORN_CMD_ARGS": "${TWOFOLD_VALUE_1}"}
    assert values == {"TWOFOLD_VALUE_1": "--bind :81"}
    assert of["sync"]["GUNICORN_CMD_ARGS"].startswith("--bind :81 --worker-class sync")


def test_a_variants_own_variable_does_not_undo_what_its_command_adds_to_it() -> None:
    varied = replace(MODELS["sync"], env={"GUNICORN_CMD_ARGS": "--bind :82", "A": "1"})
    plan = replace(make_plan(workers=("sync",), replica_counts=(1, 2)), workers=(varied,))
    commands = commands_of(a_subject(), Image(id="i", command=("./start",)), plan.workers)

    made, _ = document(
        a_subject(),
        plan,
        memory_bytes=10**9,
        beside_bytes=2 * 10**9,
        settings={},
        commands=commands,
    )

    environment = made["services"]["sync"]["environment"]
    assert environment["GUNICORN_CMD_ARGS"].startswith("--bind :82 --worker-class sync")
    assert environment["A"].startswith("${TWOFOLD_VALUE_")


def test_what_is_as_started_is_left_alone() -> None:
    subject = a_subject(command=["gunicorn", "a:b"])
    started = plain.as_started()[plain.AS_STARTED]

    assert commands_of(subject, Image(id="i"), [started]) == {}
    commands = commands_of(subject, Image(id="i"), [started, MODELS["gthread"]])
    assert commands.keys() == {"gthread"}
    assert commands["gthread"].argv[:4] == ("gunicorn", "a:b", "--worker-class", "gthread")


def test_what_was_put_into_force_is_told() -> None:
    plan = make_plan(workers=("gthread", "sync"))
    image = Target(kind=TargetKind.IMAGE, given="s", name="s")

    assert notes(replace(plan, tested=image)) == (
        "gunicorn's mode was set in the image, by GUNICORN_CMD_ARGS and its command: gthread,"
        " sync.",
    )
    started = tuple(plain.as_started().values())
    assert notes(replace(plan, tested=image, workers=started)) == ()
    ours = replace(image, kind=TargetKind.IMPORT_STRING)
    assert notes(replace(plan, tested=ours)) == ()


def test_another_server_cannot_be_chosen_for_an_image() -> None:
    with pytest.raises(UsageError, match=r"runs under waitress, but the image of web starts"):
        commands_of(a_subject(), Image(id="i"), [MODELS["waitress"]])


LOG = "[INFO] Starting gunicorn 23.0.0\n[INFO] Using worker: {mode}\n"
GUNICORN = ServerProcess(pid=1, parent=0, threads=1, command="python /venv/bin/gunicorn a:b")


def test_a_worker_model_that_is_in_force_is_accepted() -> None:
    check(MODELS["sync"], LOG.format(mode="sync"), [GUNICORN])


@pytest.mark.parametrize(
    ("log", "command", "said"),
    [
        (LOG.format(mode="gthread"), GUNICORN.command, "could not be put into force in the image:"),
        ("", GUNICORN.command, "Nothing shows that sync is in force"),
        ("", "python -m http.server", "the image runs no server that is known here"),
        ("", "/venv/bin/waitress-serve a:b", "the image runs waitress"),
    ],
)
def test_what_is_not_in_force_is_told_with_the_way_out(log: str, command: str, said: str) -> None:
    process = ServerProcess(pid=1, parent=0, threads=1, command=command)

    with pytest.raises(EnvironmentFailure, match=said) as failure:
        check(MODELS["sync"], log, [process])
    assert str(failure.value).endswith("leave out --workers.")


def test_all_that_are_not_in_force_are_named_together() -> None:
    silent = ServerProcess(pid=1, parent=0, threads=1, command="python -m http.server")
    runs = {"gthread": (LOG.format(mode="gthread"), [GUNICORN]), "sync": ("", [silent])}
    workers = [MODELS["gthread"], MODELS["sync"], *plain.as_started().values()]

    with pytest.raises(NotInForce, match="sync is a worker model of gunicorn") as refused:
        all_in_force(workers, lambda worker: runs[worker.name])

    assert refused.value.workers == ("sync",)


def test_nothing_is_raised_where_all_are_in_force() -> None:
    all_in_force([MODELS["sync"]], lambda _: (LOG.format(mode="sync"), [GUNICORN]))
