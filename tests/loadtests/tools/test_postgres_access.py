"""How an application reaches its store, by its environment."""

from __future__ import annotations

import pytest

from loadtests.tools.postgres.access import Access, accesses_in


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
        ({"X": "host = db  user = ada"}, ("db", 5432, "ada", "", "ada", False)),
        ({"X": "host=db dbname=shop"}, ("db", 5432, "postgres", "", "shop", False)),
        ({"DB_DSN": "host=db user=ada"}, ("db", 5432, "ada", "", "ada", False)),
        ({"SMTP": "host=mail user=ada"}, ("mail", 5432, "ada", "", "ada", False)),
        (
            {"db_conn": "user=ada password=a://b host=db dbname=shop"},
            ("db", 5432, "ada", "a://b", "shop", True),
        ),
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
        {"DB_HOST": "db", "DB_DRIVER": "cx_oracle"},
        {"X": "dbname=shop host=db user=a port=3306"},
        {"X": "dbname=shop host=one,two user=a port=5432,3306"},
        {"MYSQL": "dbname=shop host=mysql user=a"},
        {"X": "mssql+pyodbc:///?odbc_connect=DRIVER host=x user=y"},
        {"DSN": "jdbc:sqlserver://x; host=x dbname=y"},
    ],
)
def test_parts_of_another_store_name_none(variables: dict[str, str]) -> None:
    assert access_in(variables) is None


@pytest.mark.parametrize("kind", ["asyncpg", "pgsql", "pg8000", "PG", "django_postgres", "postgis"])
def test_drivers_and_short_names_of_postgresql_make_it_sure(kind: str) -> None:
    access = access_in({"DB_HOST": "db", "DB_DRIVER": kind})

    assert access is not None
    assert access.is_sure


@pytest.mark.parametrize(
    ("variables", "sure"),
    [
        ({"DB_HOST": "db", "DB_TYPE": "pooled"}, False),
        ({"POSTGRES_HOST": "db", "POSTGRES_TYPE": "pooled"}, True),
        ({"POSTGRES_HOST": "db", "POSTGRES_BACKEND": "instead-of-sqlite"}, True),
    ],
)
def test_a_kind_that_nobody_knows_refuses_nothing_and_proves_nothing(
    variables: dict[str, str], sure: bool
) -> None:
    access = access_in(variables)

    assert access is not None
    assert access.is_sure is sure


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
        ({"X": "postgresql:///shop?host=/cloudsql/p:eu-1:db"}, "/cloudsql/p:eu-1:db/.s.PGSQL.5432"),
        ({"X": "postgresql:///?host=/cloudsql/p:eu:db:6543"}, "/cloudsql/p:eu:db/.s.PGSQL.6543"),
        ({"X": "postgresql://%2Fcloudsql%2Fp%3Aeu%3Adb/"}, "/cloudsql/p:eu:db/.s.PGSQL.5432"),
        ({"X": "postgresql://%2Fcloudsql%2Fp%3Aeu%3Adb:7/"}, "/cloudsql/p:eu:db/.s.PGSQL.7"),
        ({"DSN": "host='/run/pg' dbname=shop"}, "/run/pg/.s.PGSQL.5432"),
        ({"PGDATABASE": "shop"}, "/var/run/postgresql/.s.PGSQL.5432"),
    ],
)
def test_a_server_behind_a_local_socket_is_named_by_its_folder(
    variables: dict[str, str], told: str
) -> None:
    assert hosts(variables)[0] == told


def test_its_text_has_no_password() -> None:
    access = access_in({"X": "postgresql://ada:secret@db/shop"})

    assert f"{access} {access!r}" == "db:5432 db:5432"


SOCKET = "/var/run/postgresql/.s.PGSQL.5432"


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
        ({"X": "postgresql:///shop?host=h1,h2&port=5433,5434"}, ["h1:5433", "h2:5434"]),
        ({"X": "postgresql:///shop?host=h1,h2&port=5433"}, ["h1:5433", "h2:5433"]),
        ({"X": "postgresql:///shop?host=h1:6001,h2&port=5433,5434"}, ["h1:6001", "h2:5434"]),
        ({"X": "postgresql:///shop?host=h1:6001,,::1"}, ["h1:6001", SOCKET, "::1:5432"]),
        ({"X": "postgresql://h1,h2/shop?port=5433,5434"}, ["h1:5433", "h2:5434"]),
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
