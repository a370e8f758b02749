"""How an application reaches its store, by its environment."""

import pytest

from loadtests.tools.postgres.activity import access_in


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


def test_its_text_has_no_password() -> None:
    access = access_in({"X": "postgresql://ada:secret@db/shop"})

    assert f"{access} {access!r}" == "db:5432 db:5432"
