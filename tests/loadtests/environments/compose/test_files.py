"""What compose.yaml is given for a plan."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.compose import files
from loadtests.environments.compose.images import Images
from loadtests.environments.replica_environment import Settings
from loadtests.model.errors import UsageError
from loadtests.servers import gunicorn, registry
from loadtests.servers.server import Command
from tests.checkout import CHECKOUT
from tests.loadtests.builders import make_budget, make_plan

ROOT = CHECKOUT
OWN = ROOT / "compose/compose.yaml"
PLAN = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2))
IMAGES = Images(app="app:1", proxy="proxy:1", generator="generator:1", digests={})


def variables(built: Images = IMAGES, **budget: Any) -> dict[str, str]:
    plan = make_plan(budget=make_budget(**budget))
    return files.variables(plan, built, run="a-run")


@pytest.mark.parametrize(
    ("cores", "generator", "proxy"), [((0,), "0", "0"), ((0, 1), "0", "1"), ((), "", "")]
)
def test_generator_and_proxy_have_a_core_each_where_there_are_two(
    cores: tuple[int, ...], generator: str, proxy: str
) -> None:
    found = variables(service_cores=cores)

    assert (found["TWOFOLD_GENERATOR_CPUSET"], found["TWOFOLD_PROXY_CPUSET"]) == (generator, proxy)


def test_the_images_and_the_run_reach_the_compose_file() -> None:
    text = (ROOT / "compose/compose.yaml").read_text()

    found = variables(replace(IMAGES, store="store:1"))

    assert (found["TWOFOLD_APP_IMAGE"], found["TWOFOLD_RUN"]) == ("app:1", "a-run")
    assert all(f"${{{name}:-" in text for name in found)


def test_without_a_store_the_replicas_know_of_none() -> None:
    assert not [name for name in variables() if "STORE" in name or "DATABASE" in name]


def test_the_replicas_know_the_stores_address_and_a_password_of_this_run() -> None:
    built = replace(IMAGES, store="store:1")

    first, second = variables(built, store_cores=(0,)), variables(built)

    password = first["TWOFOLD_STORE_PASSWORD"]
    assert first["TWOFOLD_DATABASE_URL"] == f"postgresql://twofold:{password}@store:5432/postgres"
    assert password != second["TWOFOLD_STORE_PASSWORD"]
    assert (first["TWOFOLD_STORE_IMAGE"], first["TWOFOLD_STORE_CPUSET"]) == ("store:1", "0")
    assert first["TWOFOLD_STORE_CONNECTIONS"] == "56"


def environments(settings: Settings) -> dict[str, dict[str, str]]:
    services = files.replica_services(PLAN, OWN, settings)
    own = set(gunicorn.worker_settings(PLAN.workers[0]))
    return {
        name: {key: text for key, text in service["environment"].items() if key not in own}
        for name, service in services.items()
    }


def test_each_worker_model_is_a_service_that_extends_the_template(tmp_path: Path) -> None:
    own, services = files.files(PLAN, ROOT, tmp_path, {})

    assert own == OWN
    written = json.loads(services.read_text())["services"]
    assert written.keys() == {"gthread", "sync", "twofold-idle-gthread", "twofold-idle-sync"}
    gthread = PLAN.workers[0]
    assert written["gthread"] == {
        "extends": {"file": str(OWN), "service": "replica"},
        "environment": {
            "WORKER_MODEL": "gthread",
            "WEB_CONCURRENCY": str(gthread.processes),
            "THREADS": str(gthread.threads),
        },
    }


def test_an_idle_control_is_as_its_replicas_but_for_its_command_and_variables() -> None:
    limited = {"mem_limit": "1g", "image": "shop:1", "labels": {"io.twofold.run": "1"}}
    replica = {**limited, "command": ["serve"], "environment": {"GUNICORN_CMD_ARGS": "--reload"}}

    made = files.with_controls({"gthread": replica, "sync": replica}, PLAN.workers[:1])

    assert made.keys() == {"gthread", "sync", "twofold-idle-gthread"}
    control = made["twofold-idle-gthread"]
    assert {name: control[name] for name in limited} == limited
    assert control["environment"] == {}
    assert control["command"][0] == "/venv/bin/python"
    assert "demo_app" in control["command"][-1]


def test_a_server_may_give_the_container_a_command_of_its_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = replace(
        gunicorn.SERVER, container=lambda _: Command(argv=("serve", "$app"), env={"A": "$1"})
    )
    monkeypatch.setitem(registry.SERVERS, gunicorn.SERVER.name, other)

    service = files.replica_services(PLAN, OWN, {})["sync"]

    assert (service["command"], service["environment"]) == (["serve", "$$app"], {"A": "$$1"})


def test_compose_gets_the_variables_of_each_worker_model() -> None:
    settings = {"*": {"A": "1"}, "sync-*": {"B": "2"}}

    assert environments(settings) == {"gthread": {"A": "1"}, "sync": {"A": "1", "B": "2"}}


def test_compose_puts_nothing_in_the_place_of_a_dollar() -> None:
    assert environments({"*": {"A": "$HOME"}})["sync"] == {"A": "$$HOME"}


def test_compose_is_not_asked_for_replicas_that_differ() -> None:
    with pytest.raises(UsageError, match=r"Under Compose, all replicas .* same variables"):
        environments({"gthread-2": {"A": "1"}})
