"""The Compose file of a stack with the user's services."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from loadtests.environments.compose.tested.document import document
from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.model.errors import UsageError
from loadtests.model.plan import Plan
from loadtests.servers.server import Command
from tests.loadtests.builders import make_plan

WEB = Part(
    name="web",
    service="web",
    image="shop:1",
    definition={"user": "1000", "environment": {"A": "${TWOFOLD_VALUE_1}"}, "read_only": False},
    hosts=("web", "shop"),
)
DB = Part(name="db", service="with-db", image="postgres:16", is_store=True, hosts=("db",))
SUBJECT = Subject(
    measured=WEB, needs=(DB,), volumes={"data": {}}, values={"TWOFOLD_VALUE_1": "s3cret"}
)
PLAN = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2))


def made_of(
    subject: Subject, plan: Plan = PLAN, **fields: Any
) -> tuple[dict[str, Any], dict[str, str]]:
    """Give the document of a subject, and the values of its variables."""
    defaults: dict[str, Any] = {"memory_bytes": 10**9, "beside_bytes": 2 * 10**9, "settings": {}}
    return document(subject, plan, **defaults | fields)


def test_each_worker_model_is_a_service_of_the_users_image_as_it_is() -> None:
    made, _ = made_of(SUBJECT)

    assert set(made["services"]) == {"gthread", "sync", "with-db"}
    replica = made["services"]["gthread"]
    assert replica["image"] == "shop:1"
    assert replica["user"] == "1000"
    assert replica["networks"] == {"stack": {"aliases": ["web", "shop"]}}
    assert replica["restart"] == "no"
    assert replica["healthcheck"] == {"disable": True}
    assert replica["mem_limit"] == "1000000000"
    assert not {"cap_drop", "tmpfs", "security_opt", "init"} & replica.keys()


def test_a_variant_of_an_import_string_has_its_own_command() -> None:
    command = Command(argv=("python", "-m", "gunicorn", "$x"), env={"REPLICA": "sync"})

    made, _ = made_of(
        SUBJECT,
        commands={"sync": command},
    )

    replica = made["services"]["sync"]
    assert replica["command"] == ["python", "-m", "gunicorn", "$$x"]
    assert replica["environment"] == {"A": "${TWOFOLD_VALUE_1}", "REPLICA": "sync"}
    assert "command" not in made["services"]["gthread"]


def test_the_import_paths_of_variant_and_user_are_added_to_that_of_the_command() -> None:
    plan = replace(
        PLAN, workers=tuple(replace(w, env={"PYTHONPATH": "fast"}) for w in PLAN.workers)
    )
    own = replace(WEB, definition={"environment": {"PYTHONPATH": "${TWOFOLD_VALUE_1}"}})
    command = Command(argv=("python",), env={"PYTHONPATH": "/srv/project"})

    made, values = made_of(
        replace(SUBJECT, measured=own),
        plan,
        commands={"sync": command},
    )

    services = made["services"]
    assert services["sync"]["environment"]["PYTHONPATH"] == (
        "/srv/project:${TWOFOLD_VALUE_2}:${TWOFOLD_VALUE_1}"
    )
    assert values["TWOFOLD_VALUE_2"] == "fast"
    # Without a command of ours, the variant's variable wins, as any other does.
    assert services["gthread"]["environment"]["PYTHONPATH"] == "${TWOFOLD_VALUE_2}"


def test_a_variant_with_a_python_of_its_own_has_its_own_image() -> None:
    made, _ = made_of(
        SUBJECT,
        images={"sync": "sha256:old"},
    )

    used = {name: service["image"] for name, service in made["services"].items()}
    assert used == {"gthread": "shop:1", "sync": "sha256:old", "with-db": "postgres:16"}


def test_everything_carries_the_labels_by_which_a_run_is_removed() -> None:
    made, _ = made_of(SUBJECT)

    labelled = [*made["services"].values(), *made["volumes"].values()]
    assert all(
        {"io.twofold.run", "io.twofold.owner"} <= entry["labels"].keys() for entry in labelled
    )
    assert made["services"]["with-db"]["labels"]["io.twofold.member"] == "db"
    assert "io.twofold.member" not in made["services"]["sync"]["labels"]


def test_only_what_is_needed_may_be_started_again() -> None:
    migrate = replace(DB, service="with-migrate", restart="on-failure")
    subject = replace(SUBJECT, measured=replace(WEB, restart="on-failure"), needs=(DB, migrate))

    made, _ = made_of(subject)

    policies = {name: service["restart"] for name, service in made["services"].items()}
    assert policies == {
        "gthread": "no",
        "sync": "no",
        "with-db": "no",
        "with-migrate": "on-failure",
    }


@pytest.mark.parametrize("key", ["mem_limit", "memswap_limit"])
def test_a_limit_of_memory_that_the_user_set_stays(key: str) -> None:
    limited = replace(WEB, definition={key: "64m"})

    made, _ = made_of(replace(SUBJECT, measured=limited))

    memory = {
        name: made["services"]["sync"][name] for name in made["services"]["sync"] if "mem" in name
    }
    assert memory == {key: "64m"}


@pytest.mark.parametrize(
    ("definition", "memory"),
    [
        ({}, "1000000000"),
        ({"mem_swappiness": 0}, "1000000000"),
        ({"mem_reservation": "64m"}, "1000000000"),
        ({"mem_reservation": "2g"}, str(2 << 30)),
        ({"mem_reservation": 3 * 10**9}, "3000000000"),
        ({"mem_limit": "-1"}, "1000000000"),
        ({"mem_limit": "64m", "memswap_limit": -1}, "64m"),
    ],
)
def test_memory_has_a_limit_whatever_else_the_user_says_of_it(
    definition: dict[str, Any], memory: str
) -> None:
    subject = replace(SUBJECT, measured=replace(WEB, definition=definition))

    made, _ = made_of(subject)

    assert made["services"]["sync"]["mem_limit"] == memory


def test_swap_without_end_is_left_out_where_the_user_limits_no_memory() -> None:
    subject = replace(SUBJECT, measured=replace(WEB, definition={"memswap_limit": "-1"}))

    made, _ = made_of(subject)

    assert made["services"]["sync"]["mem_limit"] == "1000000000"
    assert "memswap_limit" not in made["services"]["sync"]


def test_each_container_has_limits_of_memory_and_processes() -> None:
    front = replace(DB, name="nginx", service="front")
    own = replace(DB, name="x", service="with-x", definition={"mem_limit": "8g", "pids_limit": 9})
    endless = replace(DB, name="y", service="with-y", definition={"pids_limit": -1})
    subject = replace(SUBJECT, needs=(DB, own, endless), front=front)

    made, _ = made_of(subject)

    limits = {
        name: (service["mem_limit"], service["pids_limit"])
        for name, service in made["services"].items()
    }
    assert limits == {
        **dict.fromkeys(("gthread", "sync"), ("1000000000", 4096)),
        **dict.fromkeys(("with-db", "with-y", "front"), ("2000000000", 4096)),
        "with-x": ("8g", 9),
    }


def test_variables_are_in_the_environment_and_not_in_the_file() -> None:
    settings = {"*": {"BURN": "ten per cent"}}

    made, values = made_of(SUBJECT, settings=settings)

    assert made["services"]["sync"]["environment"] == {
        "A": "${TWOFOLD_VALUE_1}",
        "BURN": "${TWOFOLD_VALUE_2}",
    }
    assert values == {"TWOFOLD_VALUE_1": "s3cret", "TWOFOLD_VALUE_2": "ten per cent"}
    assert "s3cret" not in json.dumps(made)


def test_replicas_of_one_service_cannot_differ() -> None:
    with pytest.raises(UsageError, match="all replicas of a worker model"):
        made_of(SUBJECT, settings={"sync-2": {"A": "b"}})
