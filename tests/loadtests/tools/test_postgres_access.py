"""How an application reaches its store, by its environment."""

from __future__ import annotations

import pytest

from loadtests.tools.postgres.access import Access, accesses_in, names_local_socket


def access_in(variables: dict[str, str]) -> Access | None:
    return next(iter(accesses_in(variables)), None)


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {"DATABASE_URL": "postgresql://ada:s%40fe@db:6543/shop"},
            ("db", 6543, "ada", "s@fe", "shop"),
        ),
        ({"X": "postgres://db"}, ("db", 5432, "postgres", "", "postgres")),
        ({"X": "postgresql+psycopg2://a:b@db/c"}, ("db", 5432, "a", "b", "c")),
        ({"PGHOST": "db", "PGUSER": "ada"}, ("db", 5432, "ada", "", "ada")),
    ],
)
def test_a_url_or_libpqs_variables_name_the_server(
    variables: dict[str, str], told: tuple[object, ...]
) -> None:
    access = access_in(variables)

    assert access is not None
    assert (access.host, access.port, access.user, access.password, access.database) == told


@pytest.mark.parametrize(
    "variables", [{}, {"DATABASE_URL": "mysql://db/shop"}, {"NOTE": "see postgresql://db first"}]
)
def test_other_variables_name_none(variables: dict[str, str]) -> None:
    assert access_in(variables) is None


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {"POSTGRES_HOST": "db", "POSTGRES_USER": "ada", "POSTGRES_PASSWORD": "s"}
            | {"POSTGRES_DB": "shop"},
            ("db", 5432, "ada", "s", "shop", True),
        ),
        (
            {"DB_HOST": "db", "DB_PORT": "6543", "DB_USER": "ada", "DB_PASS": "s"}
            | {"DB_NAME": "shop"},
            ("db", 6543, "ada", "s", "shop", False),
        ),
        (
            {"DB_HOST": "db", "POSTGRES_USER": "ada", "POSTGRES_PASSWORD": "s"}
            | {"POSTGRES_DB": "shop", "DB_ENGINE": "django.db.backends.postgresql"},
            ("db", 5432, "ada", "s", "shop", True),
        ),
        (
            {"POSTGRES_SERVER": "db", "POSTGRES_PORT": "tcp://10.0.0.2:6543", "PGUSER": "ada"},
            ("db", 6543, "ada", "", "ada", True),
        ),
        ({"SHOP_DB_HOST": "db", "SHOP_DB_USER": "ada"}, ("db", 5432, "ada", "", "ada", False)),
        (
            {"DSN": "host=db dbname=shop user=ada password='a\\'b c' port=6543"},
            ("db", 6543, "ada", "a'b c", "shop", True),
        ),
        ({"X": "host = db  user = ada"}, ("db", 5432, "ada", "", "ada", True)),
        ({"X": "postgis://ada@db/shop"}, ("db", 5432, "ada", "", "shop", True)),
        ({"X": '"postgresql://ada@db/shop"'}, ("db", 5432, "ada", "", "shop", True)),
        ({"X": "'postgresql://ada@db/shop'"}, ("db", 5432, "ada", "", "shop", True)),
    ],
)
def test_variables_with_the_parts_name_the_server_too(
    variables: dict[str, str], told: tuple[object, ...]
) -> None:
    access = access_in(variables)

    assert access is not None
    address = (access.host, access.port, access.user, access.password, access.database)
    assert (*address, access.is_sure) == told


@pytest.mark.parametrize(
    "variables",
    [
        {"DB_HOST": "db", "DB_PORT": "3306"},
        {"DB_HOST": "db", "DB_ENGINE": "django.db.backends.mysql"},
        {"DSN": "mysql:host=db;dbname=shop"},
        {"MYSQL_HOST": "db"},
    ],
)
def test_parts_of_another_store_name_none(variables: dict[str, str]) -> None:
    assert access_in(variables) is None


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"X": "postgresql:///shop"}, "/var/run/postgresql/.s.PGSQL.5432"),
        ({"X": "postgresql://ada@/shop?host=/run/pg&port=5433"}, "/run/pg/.s.PGSQL.5433"),
        ({"X": "postgresql://%2Frun%2Fpg:5433/shop"}, "/run/pg/.s.PGSQL.5433"),
        ({"DSN": "dbname=shop user=ada"}, "/var/run/postgresql/.s.PGSQL.5432"),
        ({"PGHOST": "/run/pg/"}, "/run/pg/.s.PGSQL.5432"),
        ({"POSTGRES_HOST": "/run/pg"}, "/run/pg/.s.PGSQL.5432"),
        ({"X": "postgresql:///shop", "PGHOST": "db"}, "db:5432"),
    ],
)
def test_a_server_behind_a_local_socket_is_named_by_its_folder(
    variables: dict[str, str], told: str
) -> None:
    assert hosts(variables)[0] == told


def test_its_text_has_no_password() -> None:
    access = access_in({"X": "postgresql://ada:secret@db/shop"})

    assert f"{access} {access!r}" == "db:5432 db:5432"


def hosts(variables: dict[str, str]) -> list[str]:
    return [str(access) for access in accesses_in(variables)]


def test_all_variables_are_read_and_each_access_is_named_once() -> None:
    variables = {
        "PRODUCTION_URL": "postgresql://ada@prod:5432/shop",
        "DATABASE_URL": "postgresql://ada@db/shop",
        "SAME_URL": "postgresql://ada@db/shop",
        "PGHOST": "here",
    }

    assert hosts(variables) == ["prod:5432", "db:5432", "here:5432"]


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        (
            {"X": "postgresql://a:b@one:6001,two,[::1]:6003/shop?sslmode=disable"},
            ["one:6001", "two:5432", "::1:6003"],
        ),
        ({"X": "postgresql:///shop"}, ["/var/run/postgresql/.s.PGSQL.5432"]),
        ({"X": "postgresql://ada:s/3[x@db/shop"}, []),
        ({"X": "postgresql://ada:s[3@db/shop"}, ["db:5432"]),
        ({"X": "postgresql://ada:s/3@db/shop"}, []),
        ({"X": "postgresql://db:port/shop"}, []),
        ({"X": "postgresql://db:99999/shop"}, []),
        ({"PGHOST": "db", "PGPORT": ""}, ["db:5432"]),
        ({"PGHOST": "db", "PGPORT": "none"}, []),
        ({"PGHOST": "one,two", "PGPORT": "6001,6002"}, ["one:6001", "two:6002"]),
        ({"PGHOST": "one,two", "PGPORT": "6001"}, ["one:6001", "two:6001"]),
        ({"PGHOST": ""}, []),
        ({"PGHOST": "/run/pg"}, ["/run/pg/.s.PGSQL.5432"]),
    ],
)
def test_an_unusual_access_is_read_or_left_out(variables: dict[str, str], told: list[str]) -> None:
    assert hosts(variables) == told


@pytest.mark.parametrize(
    ("variables", "local"),
    [
        ({"DATABASE_URL": "postgresql:///shop"}, True),
        ({"DATABASE_URL": "postgresql+psycopg2://ada@/shop?host=/run/postgresql"}, True),
        ({"DATABASE_URL": "postgresql://%2Frun%2Fpostgresql/shop"}, True),
        ({"DSN": "dbname=shop user=ada"}, True),
        ({"DSN": "host='/run/postgresql' dbname=shop"}, True),
        ({"PGHOST": "/run/postgresql"}, True),
        ({"PGDATABASE": "shop"}, True),
        ({"DATABASE_URL": "postgresql://db/shop"}, False),
        ({"DATABASE_URL": "postgresql:///shop?host=db"}, False),
        ({"DATABASE_URL": "postgresql:///shop", "PGHOST": "db"}, False),
        ({"DSN": "dbname=shop host=db"}, False),
        ({"PGDATABASE": "shop", "PGHOST": "db"}, False),
        ({"REDIS_URL": "redis:///0", "NOTE": "see postgresql:///shop"}, False),
        ({}, False),
    ],
)
def test_a_server_without_a_host_is_reached_over_a_local_socket(
    variables: dict[str, str], local: bool
) -> None:
    assert names_local_socket(variables) is local
