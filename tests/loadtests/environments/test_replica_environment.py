"""Variables for replicas, by patterns of their names."""

import pytest

from loadtests.environments.replica_environment import Settings, settings_of


@pytest.mark.parametrize(
    ("settings", "variables"),
    [
        ({}, {}),
        ({"*": {"A": "1"}}, {"A": "1"}),
        ({"sync-*": {"A": "1"}}, {}),
        ({"*": {"A": "1", "B": "1"}, "gthread-2": {"A": "2"}}, {"A": "2", "B": "1"}),
        ({"gthread-2": {"A": "2"}, "*": {"A": "1"}}, {"A": "1"}),
    ],
)
def test_a_replica_has_what_the_patterns_of_its_name_say(
    settings: Settings, variables: dict[str, str]
) -> None:
    assert settings_of("gthread-2", settings) == variables
