from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from loadtests.config.file import place, reading
from loadtests.config.file.known import Known
from loadtests.config.tables.settings import Settings
from loadtests.model.tested.surroundings import (
    FoundApplication,
    FoundLocustfile,
    FoundRoute,
    FoundService,
    Surroundings,
)
from loadtests.report.text.init import configuration

KNOWN = Known(servers={"gunicorn": ("gthread",)}, variants=("gthread",))

ROUTES = (
    FoundRoute(path="/", status=200, seconds=0.01),
    FoundRoute(path="/healthz", status=200, seconds=0.01),
    FoundRoute(path="/slow", status=200, seconds=2.5),
    FoundRoute(path="/me", status=302, seconds=0.01),
    FoundRoute(path="/boom", status=500, seconds=0.01),
    FoundRoute(path="/logout"),
    FoundRoute(path="/items/<int:id>"),
    FoundRoute(path="/tags/<name>"),
    FoundRoute(path="/cart", methods=("POST",)),
    FoundRoute(path="/static/<path:filename>"),
)
APPLICATION = FoundApplication(name="shop:app", file="shop.py", routes=ROUTES)


def found(**fields: Any) -> Surroundings:
    defaults: dict[str, Any] = {
        "folder": "/shop",
        "target": "shop:app",
        "why": "an application in shop.py",
        "routes": ROUTES,
        "application": APPLICATION,
    }
    return Surroundings(**{**defaults, **fields})


def settings(text: str) -> Settings:
    placed = place.find(text, file="twofold.toml")
    return reading.read(placed, file="twofold.toml", known=KNOWN).checked()


EXPECTED = """\
# Written by `twofold init`. `twofold plan` says what it does, `twofold run` measures.

[tool.twofold]
target = "shop:app"  # an application in shop.py
health = "/healthz"  # answers when a replica is ready
# env = {NAME = "value"}  # variables that the application needs
# pass-env = ["DATABASE_URL"]  # the same, with the values of the shell

# Ways to serve it, beside the built-in ones:
# [tool.twofold.variants]
# gthread-8 = {server = "gunicorn", worker = "gthread", threads = 8}

# What users ask. The number is a share: 3 is asked three times as often as 1.
[tool.twofold.workloads.requests]
requests = [
  "1 GET /",
  # "1 GET /slow",  # it took 2.5 s
  # "1 GET /me",  # it answered 302
  # "1 GET /boom",  # it answered 500
  # "1 GET /logout",  # it was not asked
  # "1 GET /items/{1..100}",  # /items/<int:id>
  # "1 GET /tags/{a|b}",  # /tags/<name>
  # {method = "POST", path = "/cart", form = {}},
]

# What has to hold with any number of replicas: written through one, read through all.
# [[tool.twofold.checks]]
# name = "a login is known to every replica"
# write = {method = "POST", path = "/login", form = {user = "ada"}}
# read = {path = "/me", expect = {status = 200, contains = "ada"}}
"""


def test_the_file_asks_what_answered_and_has_the_rest_in_comments() -> None:
    assert configuration.render(found()) == EXPECTED


MANY = (
    FoundService(file="compose.yaml", name="web", context=".", publishes=True, needs=("db",)),
    FoundService(file="compose.yaml", name="db"),
)


@pytest.mark.parametrize(
    "surroundings",
    [
        found(),
        found(routes=()),
        found(routes=(FoundRoute(path="/only/<path:what>"),)),
        found(routes=(FoundRoute(path='/say/"a"\\b', status=200, seconds=0),)),
        found(target="compose.yaml:web", services=MANY, dockerfiles=("Dockerfile", "b/Dockerfile")),
        found(locustfiles=(FoundLocustfile(file="load/locustfile shop.py"),)),
        found(locustfiles=(FoundLocustfile(file="locustfile.py", missing=("faker",)),)),
        found(target='shop:create_app("x\\y")', notes=("a note",)),
        found(routes=tuple(FoundRoute(path=f"/{n}", status=200, seconds=0) for n in range(60))),
    ],
)
def test_whatever_was_found_the_file_has_no_mistake(surroundings: Surroundings) -> None:
    text = configuration.render(surroundings)

    assert settings(text).target == surroundings.target


def test_the_file_has_no_mistake_either_when_its_comments_are_taken_away() -> None:
    text = configuration.render(found(locustfiles=(FoundLocustfile(file="l.py", missing=("x",)),)))
    without = re.sub(r"^(\s*)# (?=\[|[\w-]+ = |\"|\{)", r"\1", text, flags=re.MULTILINE)
    read = settings(without)

    assert len(read.checks) == len(read.variants) == 1
    assert len(read.workloads["requests"].requests) == 8
    assert (read.workloads["l"].locustfile, read.pass_env) == ("l.py", ["DATABASE_URL"])


def test_without_known_answers_only_one_path_is_asked() -> None:
    unknown = (FoundRoute(path="/a"), FoundRoute(path="/b/<int:id>"), FoundRoute(path="/"))

    assert configuration.requests(unknown)[0] == ["/"]
    assert configuration.requests(unknown[:2])[0] == ["/a"]
    assert configuration.requests(())[0] == ["/"]


def test_what_failed_for_want_of_the_store_is_asked_and_is_no_note() -> None:
    failed = tuple(
        FoundRoute(path=f"/{n}", status=500, seconds=0.1, lacks_store=True) for n in range(9)
    )
    surroundings = found(routes=failed)

    text = configuration.render(surroundings)

    assert settings(text).workloads["requests"].requests[7].path == "/7"
    assert '  # "1 GET /8",  # it failed without the store' in text
    assert "answered 500" not in configuration.summary(surroundings, "twofold.toml")


def test_locustfiles_whose_names_begin_alike_have_tables_of_their_own() -> None:
    folder = "integration_tests/performance_tests"
    files = [f"{folder}/locustfile_{name}.py" for name in ("read", "write")] + ["requests.py"]
    text = configuration.render(
        found(locustfiles=tuple(FoundLocustfile(file=file) for file in files))
    )

    read = settings(text)
    workloads = {name: table.locustfile for name, table in read.workloads.items()}
    assert workloads == {
        "requests": None,
        "integration_tests-performance_tests-locu": files[0],
        "integration_tests-performance_tests-lo-2": files[1],
        "requests-2": files[2],
    }
    assert read.workload == ["integration_tests-performance_tests-locu"]


@pytest.mark.parametrize(
    ("path", "tells"),
    [
        *(("/api/health/", True), ("/app-health", True), ("/v1/health-check", True)),
        *(("/health/live", True), ("/health-tips", False), ("/healthcare", False)),
    ],
)
def test_a_page_about_health_is_a_page(path: str, tells: bool) -> None:
    assert configuration.health((FoundRoute(path=path),)) == (path if tells else None)


def test_a_path_of_health_is_not_what_users_ask() -> None:
    routes = (FoundRoute(path="/health"), FoundRoute(path="/items"))
    text = configuration.render(found(target=".", routes=routes, application=None))

    assert 'health = "/health"' in text
    assert '  "1 GET /items",' in text
    assert configuration.requests(routes[:1])[0] == ["/health"], "it is all that there is"


def test_a_usable_locustfile_is_what_is_measured() -> None:
    text = configuration.render(found(locustfiles=(FoundLocustfile(file="load/locustfile.py"),)))

    assert settings(text).workload == ["load-locustfile"]
    assert settings(text).workloads["load-locustfile"].locustfile == "load/locustfile.py"


def test_the_summary_says_what_was_found_and_the_next_command() -> None:
    text = configuration.summary(found(dockerfiles=("Dockerfile",)), "twofold.toml")

    assert text == (
        "Target     shop:app (an application in shop.py)\n"
        "Also       . (what Dockerfile builds)\n"
        "Note       GET /boom answered 500. Does it need data, or a variable?\n"
        "Load       GET /\n"
        "\n"
        "Wrote twofold.toml. Look it over, then:\n"
        "\n"
        "    twofold plan\n"
        "    twofold run"
    )


def test_variables_and_the_python_of_the_import_are_in_the_file_and_their_values_are_not() -> None:
    given = found(variables=("SECRET", "MODE"), unset=("SECRET",), python="env/bin/python")
    read = settings(configuration.render(given))

    assert (read.pass_env, read.python) == (["SECRET", "MODE"], "env/bin/python")
    assert configuration.summary(given, "twofold.toml").endswith(
        "Look it over, then:\n\n"
        "    export SECRET=...  # the file has its name only\n"
        "    twofold plan\n"
        "    twofold run"
    )


def test_after_an_import_that_fails_the_next_command_is_to_look_again() -> None:
    broken = FoundApplication(name="shop:app", file="shop.py", trouble="No module named redis.")
    ends = {
        target: configuration.summary(
            found(target=target, application=broken), "twofold.toml"
        ).splitlines()[-1]
        for target in ("shop:app", ".")
    }

    assert ends == {"shop:app": "    twofold init --force", ".": "    twofold run"}


def test_another_services_store_is_no_target_and_an_import_that_fails_no_news_there() -> None:
    broken = FoundApplication(name="shop:app", file="shop.py", trouble="No module named redis.")
    store = FoundService(file="compose.yaml", name="db", publishes=True)
    text = configuration.summary(
        found(target="compose.yaml:web", application=broken, services=(MANY[0], store)),
        "twofold.toml",
    )

    assert "Also       shop:app (an application in shop.py)" in text
    assert "compose.yaml:db" not in text
    assert "No module named redis" not in text
    alone = configuration.summary(found(application=broken), "twofold.toml")
    assert "Note       No module named redis." in alone


def test_an_asynchronous_application_has_the_server_that_serves_it() -> None:
    text = configuration.render(found(application=replace(APPLICATION, is_async=True)))

    assert '\nworkers = ["uvicorn"]  # serves an asynchronous application (ASGI)\n' in text
    assert '\n# uvicorn-2 = {server = "uvicorn", processes = 2}\n' in text
    assert "gthread" not in text
    other = configuration.render(
        found(application=replace(APPLICATION, is_async=True), target="compose.yaml:web")
    )
    assert "uvicorn" not in other
