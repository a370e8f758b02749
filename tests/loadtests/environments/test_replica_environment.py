"""Variables for replicas, by patterns of their names."""

import json

import pytest

from loadtests.environments.replica_environment import Settings, compose_override, settings_of
from loadtests.model.errors import UsageError
from tests.loadtests.builders import make_plan

PLAN = make_plan(workers=("gthread", "sync"), replica_counts=(1, 2))


@pytest.mark.parametrize(
    ("settings", "found"),
    [
        ({}, {}),
        ({"*": {"A": "1"}}, {"A": "1"}),
        ({"sync-*": {"A": "1"}}, {}),
        ({"*": {"A": "1", "B": "1"}, "gthread-2": {"A": "2"}}, {"A": "2", "B": "1"}),
        ({"gthread-2": {"A": "2"}, "*": {"A": "1"}}, {"A": "1"}),
    ],
)
def test_a_replica_has_what_the_patterns_of_its_name_say(
    settings: Settings, found: dict[str, str]
) -> None:
    assert settings_of("gthread-2", settings) == found


def environments(settings: Settings) -> dict[str, dict[str, str]]:
    services = json.loads(compose_override(PLAN, settings))["services"]
    return {name: service["environment"] for name, service in services.items()}


def test_compose_gets_the_variables_of_each_worker_model() -> None:
    settings = {"*": {"A": "1"}, "sync-*": {"B": "2"}}

    assert environments(settings) == {"gthread": {"A": "1"}, "sync": {"A": "1", "B": "2"}}


def test_compose_puts_nothing_in_the_place_of_a_dollar() -> None:
    assert environments({"*": {"A": "$HOME"}})["sync"] == {"A": "$$HOME"}


def test_compose_is_not_asked_for_replicas_that_differ() -> None:
    with pytest.raises(UsageError, match="must have the same variables"):
        compose_override(PLAN, {"gthread-2": {"A": "1"}})
