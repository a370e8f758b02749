"""Which services of a Compose file come along."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.targets.compose_file.needs import (
    environment_of,
    hosts_of,
    needed,
)


def services(**web: Any) -> dict[str, dict[str, Any]]:
    return {"db": {}, "cache": {"depends_on": ["db"]}, "web": web, "admin": {"depends_on": ["web"]}}


@pytest.mark.parametrize(
    ("web", "wanted"),
    [
        ({}, ()),
        ({"depends_on": ["db"]}, ("db",)),
        ({"depends_on": {"cache": {"condition": "service_healthy"}}}, ("db", "cache")),
        ({"links": ["db:database"]}, ("db",)),
        ({"volumes_from": ["cache:ro"]}, ("db", "cache")),
        ({"extends": "db"}, ("db",)),
        ({"extends": {"service": "db"}}, ("db",)),
        ({"extends": {"service": "db", "file": "common.yaml"}}, ()),
        ({"network_mode": "service:db"}, ("db",)),
        ({"environment": {"DATABASE_URL": "postgresql://u:p@db:5432/x"}}, ("db",)),
        ({"environment": ["REDIS_URL=redis://cache/0"]}, ("db", "cache")),
        ({"environment": {"DSN": "host=db user=shop"}}, ("db",)),
        ({"environment": {"DB_HOST": "db"}}, ("db",)),
        ({"environment": {"BROKERS": "other:9092,cache:9092"}}, ("db", "cache")),
        ({"command": ["wait-for", "db:5432", "--", "flask", "run"]}, ("db",)),
        ({"command": "wait-for db:5432 -- flask run"}, ("db",)),
        ({"environment": {"FLASK_APP": "cache", "PATH": "/srv/db/bin"}}, ()),
        ({"environment": {"EMPTY": None, "PORT": 8000}}, ()),
        ({"depends_on": ["nobody"]}, ()),
    ],
)
def test_what_a_service_depends_on_or_names_comes_along(
    web: dict[str, Any], wanted: tuple[str, ...]
) -> None:
    assert needed(services(**web), "web") == wanted


def test_two_services_that_need_each_other_end() -> None:
    circle = {"a": {"depends_on": ["b"]}, "b": {"depends_on": ["a"]}}

    assert needed(circle, "a") == ("b",)


def test_a_service_is_found_by_its_other_names_too() -> None:
    file: dict[str, dict[str, Any]] = {
        "db": {"container_name": "shop-db", "networks": {"back": {"aliases": ["database"]}}},
        "web": {"environment": {"DATABASE_URL": "mysql://database/shop"}},
    }

    assert hosts_of(file, "db") == ("db", "shop-db", "database")
    assert needed(file, "web") == ("db",)


def test_variables_are_read_in_both_forms() -> None:
    assert environment_of({"environment": ["A=b=c", "FROM_HERE"]}) == {
        "A": "b=c",
        "FROM_HERE": None,
    }
    assert environment_of({"environment": {"N": 3, "ON": True, "NO": None}}) == {
        "N": "3",
        "ON": "true",
        "NO": None,
    }
