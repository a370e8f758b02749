from __future__ import annotations

import pytest

from loadtests.cli import choices
from loadtests.config.file import place, reading
from loadtests.config.tables import variant
from loadtests.model.errors import UsageError
from loadtests.servers import own_command, registry
from loadtests.servers.registry import SERVERS


def read(text: str) -> None:
    """Read the variants of a file, with the names that the registries have."""
    file = "twofold.toml"
    placed = place.find(f"[variants]\n{text}", file=file)
    reading.read(placed, file=file, known=choices.known()).checked()


def test_every_server_and_each_of_its_kinds_of_workers_can_be_named() -> None:
    known = choices.known()

    # A server without worker models is only recognised; a command of one's own is no name.
    named = {name for name, server in SERVERS.items() if server.worker_models}
    assert set(known.servers) == named - {own_command.SERVER.name}
    for server in SERVERS.values():
        modes = {model.mode or model.name for model in server.worker_models}
        assert modes == set(known.servers.get(server.name, ()))


def test_a_variant_that_names_no_server_has_the_registrys_own() -> None:
    assert variant.DEFAULT_SERVER == registry.DEFAULT


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'w = {server = "waitress", processes = 2}',
            "twofold.toml:2: variants.w.processes: waitress serves in 1 process. Leave this out:"
            " replicas are further processes.",
        ),
        ("cheroot = {processes = 2}", "variants.cheroot.processes: cheroot serves in 1 process."),
        (
            's = {server = "gunicorn", worker = "sync", threads = 4}',
            "variants.s.threads: gunicorn's sync has one thread in each process. Leave this out, or"
            ' take worker = "gthread".',
        ),
        ("gevent = {threads = 4}", "variants.gevent.threads: gunicorn's gevent has one thread"),
        (
            'u = {server = "uwsgi", worker = "gevent", threads = 4}',
            "uwsgi's gevent has one thread in each process. Leave this out, or take worker ="
            ' "processes" or "threads".',
        ),
    ],
)
def test_numbers_that_a_server_would_not_heed_are_mistakes_of_the_file(
    text: str, message: str
) -> None:
    with pytest.raises(UsageError) as refused:
        read(text)

    assert message in str(refused.value)


@pytest.mark.parametrize(
    "text",
    [
        'a = {server = "waitress", processes = 1, threads = 8}',
        'b = {server = "gunicorn", processes = 2, threads = 8}',
        'c = {server = "uwsgi", processes = 2, threads = 4}',
        'd = {command = "serve {bind}", processes = 2, threads = 4}',
        "sync = {processes = 2, threads = 1}",
        'uwsgi-threads = {worker = "processes"}',
        'ev = {server = "gunicorn", worker = "eventlet"}',
    ],
)
def test_numbers_that_a_server_can_have_are_none(text: str) -> None:
    read(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('uwsgi-threads = {worker = "gthread"}', "variants.uwsgi-threads.worker: Unknown worker"),
        ('waitress = {worker = "sync"}', "Known: waitress."),
        ('uwsgi-threads = {options = "-d log"}', "-d puts uwsgi into the background"),
    ],
)
def test_a_changed_built_in_variant_is_checked_against_its_own_server(
    text: str, message: str
) -> None:
    with pytest.raises(UsageError) as refused:
        read(text)

    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("word", "name"),
    [("{module:application}", "module"), ("{port:-8000}", "port"), ("{app!r}", "app")],
)
def test_a_placeholder_with_more_than_its_name_is_a_mistake_of_the_file(
    word: str, name: str
) -> None:
    with pytest.raises(UsageError) as refused:
        read(f'own = {{command = "serve {{bind}} {word}"}}')

    assert (
        "twofold.toml:2: variants.own.command: There is more than a name in the braces of"
        f" {{{name}}}. A placeholder has nothing else in its braces. Write {{module}}:application,"
        " for example."
    ) in str(refused.value)
