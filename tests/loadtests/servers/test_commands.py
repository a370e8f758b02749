"""The command lines of the servers beside gunicorn."""

from __future__ import annotations

from dataclasses import replace

import pytest

from loadtests.config import command_places
from loadtests.model.errors import UsageError
from loadtests.model.plan import WorkerModel
from loadtests.servers import entry, own_command, registry
from loadtests.servers.server import KeepAlive
from tests.loadtests.servers.captured import order

MODELS = registry.worker_models()
OTHERS = [name for name, model in MODELS.items() if model.server != "gunicorn"]

ARGV = {
    "uwsgi-processes": "/srv/venv/bin/uwsgi --http-socket 127.0.0.2:8000 --master --processes 4"
    " --enable-threads --lazy-apps --need-app --die-on-term --disable-logging --listen 1024"
    " --add-header Connection: close --module app.wsgi:application",
    "uwsgi-threads": "/srv/venv/bin/uwsgi --http-socket 127.0.0.2:8000 --master --processes 1"
    " --threads 4 --lazy-apps --need-app --die-on-term --disable-logging --listen 1024"
    " --add-header Connection: close --module app.wsgi:application",
    "uwsgi-gevent": "/srv/venv/bin/uwsgi --http-socket 127.0.0.2:8000 --master --processes 1"
    " --gevent 1000 --gevent-monkey-patch --lazy-apps --need-app --die-on-term --disable-logging"
    " --listen 1024 --add-header Connection: close --module app.wsgi:application",
    "waitress": "/srv/venv/bin/python -m waitress --listen=127.0.0.2:8000 --threads=4"
    " --connection-limit=8192 --asyncore-use-poll --channel-timeout=75 --backlog=2048"
    " app.wsgi:application",
    "granian": "/srv/venv/bin/python -m granian --interface wsgi --host 127.0.0.2 --port 8000"
    " --workers 1 --blocking-threads 4 --backlog 8192 --no-ws app.wsgi:application",
    "cheroot": "/srv/venv/bin/python -m cheroot --bind 127.0.0.2:8000 --threads 4 --max-threads 4"
    " --timeout 75 --request-queue-size 2048 app.wsgi:application",
    "mod_wsgi": "/srv/venv/bin/mod_wsgi-express start-server app/wsgi.py --host 127.0.0.2"
    " --port 8000 --processes 1 --threads 4 --keep-alive-timeout 75 --max-clients 512"
    " --python-path . --server-root /scratch/mod_wsgi --log-to-terminal --startup-log"
    " --locale C.UTF-8",
    "uvicorn": "/srv/venv/bin/python -m uvicorn --host 127.0.0.2 --port 8000 --workers 1"
    " --backlog 2048 --timeout-keep-alive 75 --log-level info --no-access-log"
    " app.wsgi:application",
}


@pytest.mark.parametrize("name", OTHERS)
def test_the_sample_application_is_served_by_its_own_module(name: str) -> None:
    command = registry.SERVERS[MODELS[name].server].command(order(MODELS[name]))

    assert " ".join(command.argv) == ARGV[name]
    assert command.files == {}
    assert command.env["REPLICA"] == f"{name}-2"
    assert command.env["SECRET_KEY"] == "k"
    assert command.env["DATABASE_URL"] == ""
    assert command.env["THREADS"] == str(MODELS[name].threads)


@pytest.mark.parametrize("name", OTHERS)
def test_a_users_factory_is_served_by_a_module_that_calls_it(name: str) -> None:
    given = order(MODELS[name], application="shop.web:create_app('x')", folder="/home/ada/shop")

    command = registry.SERVERS[MODELS[name].server].command(given)

    words = " ".join(command.argv)
    assert "twofold_entry:application" in words or "/scratch/twofold_entry.py" in words
    assert list(command.files) == ["twofold_entry.py"]
    assert command.files["twofold_entry.py"].startswith(
        "import shop.web as _module\n\napplication = _module.create_app('x')\n"
    )
    assert command.env["PYTHONPATH"] == "/scratch:/home/ada/shop:/home/ada/shop/src"
    assert "SECRET_KEY" not in command.env
    assert "DATABASE_URL" not in command.env


@pytest.mark.parametrize("name", OTHERS)
def test_a_variants_options_come_last_but_before_the_application(name: str) -> None:
    worker = replace(MODELS[name], options=("--extra", "1"), env={"A": "1"})

    command = registry.SERVERS[worker.server].command(order(worker))

    assert command.argv[-2:] == ("--extra", "1") or command.argv[-3:-1] == ("--extra", "1")
    assert command.env["A"] == "1"


@pytest.mark.parametrize("name", OTHERS)
def test_a_container_listens_on_all_addresses_and_leaves_keys_to_compose(name: str) -> None:
    command = registry.SERVERS[MODELS[name].server].container(MODELS[name])

    words = " ".join(command.argv)
    assert words.startswith("/venv/bin/")
    assert "0.0.0.0:8000" in words or "--host 0.0.0.0 --port 8000" in words
    assert {"SECRET_KEY", "DATABASE_URL", "REPLICA"} & command.env.keys() == set()


@pytest.mark.parametrize("name", MODELS)
def test_what_to_install_is_said_of_every_server(name: str) -> None:
    server = registry.of(MODELS[name])

    assert server.install
    assert server.modules(MODELS[name])
    assert server.queue


def test_a_module_without_a_name_in_it_has_an_application() -> None:
    assert "\napplication = _module.application\n" in entry.source("wsgi")
    assert "\napplication = _module.site.app\n" in entry.source("shop:site.app")


# -- what the proxy may assume ----------------------------------------------------------------

IDLE: list[tuple[str, tuple[str, ...], KeepAlive]] = [
    ("gthread", (), KeepAlive(idle_s=75)),
    ("gthread", ("--keep-alive", "2"), KeepAlive(idle_s=2)),
    ("uwsgi-threads", (), KeepAlive(idle_s=0)),
    ("uwsgi-threads", ("--http-keepalive=5",), KeepAlive()),
    ("waitress", (), KeepAlive(idle_s=75)),
    ("waitress", ("--connection-limit=100",), KeepAlive(idle_s=75, connections=97)),
    ("granian", (), KeepAlive(idle_s=30)),
    ("granian", ("--backpressure", "4"), KeepAlive(idle_s=30, connections=4)),
    ("granian", ("--http1-header-read-timeout", "5000"), KeepAlive(idle_s=5)),
    ("granian", ("--no-http1-keep-alive",), KeepAlive(idle_s=0)),
    ("cheroot", ("--timeout", "10"), KeepAlive(idle_s=10)),
    ("uvicorn", (), KeepAlive(idle_s=75)),
    ("uvicorn", ("--timeout-keep-alive", "5"), KeepAlive(idle_s=5)),
    ("uvicorn", ("--limit-concurrency=100",), KeepAlive(idle_s=75, connections=100)),
    ("mod_wsgi", ("--max-clients", "20"), KeepAlive(idle_s=75, connections=20)),
]


@pytest.mark.parametrize(("name", "options", "expected"), IDLE)
def test_options_decide_what_becomes_of_idle_connections(
    name: str, options: tuple[str, ...], expected: KeepAlive
) -> None:
    worker = replace(MODELS[name], options=options)

    assert registry.of(worker).keep_alive(worker) == expected


# -- a server of the user's own ---------------------------------------------------------------


def own(*words: str) -> WorkerModel:
    return WorkerModel(
        name="bjoern", server="command", processes=1, threads=1, slots=1, options=words
    )


def test_a_command_of_the_users_own_gets_the_address_and_the_interpreter() -> None:
    worker = own("python", "-m", "bjoern_runner", "{app}", "{bind}", "--name={name}", "{{}}")

    command = own_command.SERVER.command(order(worker, folder="/shop", application="shop:app"))

    assert command.argv == (
        *("/srv/venv/bin/python", "-m", "bjoern_runner"),
        *("shop:app", "127.0.0.2:8000", "--name=bjoern-2", "{}"),
    )
    assert registry.of(worker) is own_command.SERVER


def test_every_place_that_a_command_may_have_is_filled_in() -> None:
    worker = own("serve", *(f"--{place}={{{place}}}" for place in command_places.PLACES))

    for command in (
        own_command.SERVER.command(order(worker, folder="/shop", application="shop:app")),
        own_command.SERVER.container(worker),
    ):
        assert [word for word in command.argv if "{" in word or word.endswith("=")] == []


def test_an_import_path_of_a_commands_variant_leaves_its_module_to_be_found() -> None:
    worker = replace(own("serve", "{module}", "{bind}"), env={"PYTHONPATH": "/fast", "A": "1"})

    of_user = own_command.SERVER.command(order(worker, folder="/shop", application="shop:app"))
    of_sample = own_command.SERVER.command(order(replace(worker, env={"WEB_CONCURRENCY": "8"})))

    assert of_user.env["PYTHONPATH"].split(":")[0] == "/scratch"
    assert of_user.env["A"] == "1"
    assert of_sample.env["WEB_CONCURRENCY"] == "8"


def test_a_program_that_was_found_elsewhere_is_started() -> None:
    given = order(MODELS["uwsgi-threads"], program="/home/ada/.local/bin/uwsgi")

    assert registry.SERVERS["uwsgi"].command(given).argv[0] == "/home/ada/.local/bin/uwsgi"


def test_another_distribution_does_instead_of_a_servers_module() -> None:
    server, worker = registry.SERVERS["uwsgi"], MODELS["uwsgi-gevent"]

    assert server.lacking(worker, ["uwsgi", "gevent"]) == ()
    assert server.lacking(worker, ["pyuwsgi"]) == ("gevent",)
    assert server.lacking(worker, []) == ("pyuwsgi", "gevent")
    assert set(server.modules_asked(worker)) == {"pyuwsgi", "uwsgi", "gevent"}


def test_a_command_in_the_samples_container_listens_on_all_addresses() -> None:
    command = own_command.SERVER.container(own("serve", "--port", "{port}", "{module}"))

    assert command.argv == ("serve", "--port", "8000", "app.wsgi")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "command is empty"),
        (
            ("serve",),
            r"cannot be started\. Each replica needs its own address",
        ),
        (("serve", "{adress}"), r"Nobody fills in \{adress\}.*\{bind\}"),
        (("serve", "{bind"), "A brace is single"),
        (("serve", "{}", "{bind}"), r"Nobody fills in \{\}"),
        (("serve", "{bind}", "{module:application}"), r"\{module\}.*Write \{module\}:application"),
        (("serve", "{port:-8000}"), r"more than a name in the braces of \{port\}"),
        (("serve", "{bind}", "{app!r}"), "A placeholder has nothing else in its braces"),
    ],
)
def test_a_command_that_cannot_be_filled_in_is_refused(
    words: tuple[str, ...], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        own_command.check(words)


@pytest.mark.parametrize(
    ("words", "is_alone"),
    [
        (("serve", "--port", "{port}"), True),
        (("serve", "--host={host}", "--port={port}"), False),
        (("serve", "{bind}"), False),
        (("serve", "{bind}", "--status", "{port}"), False),
    ],
)
def test_a_command_with_a_port_alone_leaves_the_address_to_its_server(
    words: tuple[str, ...], is_alone: bool
) -> None:
    assert own_command.takes_only_a_port(own(*words)) is is_alone
    assert not own_command.takes_only_a_port(MODELS["waitress"])


def test_a_server_that_nobody_knows_is_refused_with_those_that_are_known() -> None:
    worker = replace(MODELS["waitress"], server="waitres")

    with pytest.raises(UsageError, match=r"Unknown server 'waitres'.*Did you mean waitress"):
        registry.of(worker)


def test_only_gunicorn_is_measured_where_nothing_is_named_and_by_a_gate() -> None:
    assert registry.default_models() == ("gthread", "sync", "gevent")
    assert tuple(registry.image_models()) == ("gthread", "sync", "gevent")


@pytest.mark.parametrize(("most", "listen"), [(128, "128"), (4096, "1024"), (None, "1024")])
def test_uwsgi_gets_no_longer_queue_than_the_system_allows(most: int | None, listen: str) -> None:
    given = order(MODELS["uwsgi-threads"], queue_most=most)

    argv = registry.SERVERS["uwsgi"].command(given).argv

    assert argv[argv.index("--listen") + 1] == listen


def test_uwsgi_does_not_say_that_it_closes_where_an_option_lets_it_keep_connections() -> None:
    kept = replace(MODELS["uwsgi-threads"], options=("--http-keepalive",))

    assert "--add-header" not in registry.SERVERS["uwsgi"].command(order(kept)).argv
