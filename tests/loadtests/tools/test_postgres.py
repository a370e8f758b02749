import subprocess
from pathlib import Path

import pytest

from loadtests.model.errors import EnvironmentFailure, PlanError, ProcessFailure
from loadtests.tools import postgres
from loadtests.tools.postgres import Programs
from tests.checkout import CHECKOUT
from tests.loadtests.builders import make_plan

DEBIAN_15 = "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"
DEBIAN_13 = "postgres (PostgreSQL) 13.21 (Debian 13.21-0+deb11u1)\n"
PROGRAMS = Programs(folder=Path("/usr/lib/postgresql/17/bin"))


def an_installation(root: Path, version: str, *programs: str) -> Path:
    folder = root / version / "bin"
    folder.mkdir(parents=True)
    for program in programs:
        (folder / program).touch(mode=0o755)
    return folder


def test_the_newest_whole_installation_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "SYSTEM_FOLDERS", (str(tmp_path),))
    monkeypatch.setenv("PATH", "")
    an_installation(tmp_path, "9", "initdb", "postgres")
    newest = an_installation(tmp_path, "16", "initdb", "postgres")
    an_installation(tmp_path, "17", "initdb")

    assert postgres.find_programs() == Programs(folder=newest)


def test_one_on_the_path_alone_is_found_with_its_neighbours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = an_installation(tmp_path, "16", "initdb", "postgres")
    link = tmp_path / "initdb"
    link.symlink_to(folder / "initdb")
    monkeypatch.setattr(postgres, "SYSTEM_FOLDERS", ())
    monkeypatch.setenv("PATH", str(tmp_path))

    assert postgres.find_programs() == Programs(folder=folder)


def test_none_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgres, "SYSTEM_FOLDERS", (str(tmp_path),))
    monkeypatch.setenv("PATH", "")

    assert postgres.find_programs() is None


def test_the_version_is_read_from_what_the_server_says() -> None:
    assert postgres.parse_version(DEBIAN_15) == "15.18"
    with pytest.raises(ProcessFailure, match="names no version"):
        postgres.parse_version("no such thing")


def test_a_server_that_is_too_old_is_refused_with_a_way_out() -> None:
    postgres.check_version(DEBIAN_15)

    with pytest.raises(
        EnvironmentFailure, match=r"13\.21 was found, but 15 or later.*--backend compose"
    ):
        postgres.check_version(DEBIAN_13)


def test_an_ordinary_user_starts_it_as_itself() -> None:
    assert postgres.start_argv("/run/start-store") == ("sh", "/run/start-store")


def test_root_hands_it_to_another_who_still_ends_with_the_harness(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(postgres, "group_of", lambda _: 104)

    assert postgres.start_argv("/run/start-store", owner="postgres") == (
        *("setpriv", "--reuid=postgres", "--regid=104", "--clear-groups", "--pdeathsig=KILL"),
        *("--", "sh", "/run/start-store"),
    )


def test_whether_it_is_ready_is_asked_where_it_listens() -> None:
    assert postgres.ready_argv(PROGRAMS, host="127.70.0.253", port=5433) == (
        *("/usr/lib/postgresql/17/bin/pg_isready", "--quiet"),
        *("--host", "127.70.0.253", "--port", "5433"),
    )


def test_the_script_gets_every_variable_that_it_reads() -> None:
    script = (CHECKOUT / "compose/store/start-store").read_text()
    given = postgres.environment(
        programs="/bin",
        folder="/run",
        config="/run/conf",
        host="127.0.0.1",
        port=5432,
        password="secret",
        connections=8,
    )

    assert all(f"${name}" in script or f"${{{name}" in script for name in given)


def test_the_address_is_one_that_the_application_takes() -> None:
    assert postgres.url(host="store", port=5432, password="abc") == (
        "postgresql://twofold:abc@store:5432/postgres"
    )


def test_connections_grow_with_the_replicas() -> None:
    plan = make_plan(workers=("gthread", "sync", "gevent"), replica_counts=(1, 2, 4))

    assert postgres.connections(plan) == 12 * 12 + 8


def test_more_connections_than_a_store_can_have_are_refused_with_what_fits() -> None:
    plan = make_plan(workers=("gthread", "sync", "gevent"), replica_counts=(8, 16))

    with pytest.raises(PlanError, match=r"584 connections.*at most 480.*13 replicas"):
        postgres.connections(plan)


def test_root_finds_a_user_to_run_it_as(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 0)
    monkeypatch.setattr(postgres, "OWNERS", ("no such user", "root"))
    assert postgres.owner() == "root"

    monkeypatch.setattr(postgres, "OWNERS", ("no such user",))
    with pytest.raises(EnvironmentFailure, match="as an ordinary user"):
        postgres.owner()

    monkeypatch.setattr("os.geteuid", lambda: 1000)
    assert postgres.owner() is None


def asked_as(tmp_path: Path, **variables: str) -> dict[str, str]:
    """Return the user, database and password that a container with these variables asks with."""
    client = tmp_path / "psql"
    client.write_text(
        '#!/bin/sh\nwhile [ "$1" != -U ]; do shift; done\necho "$2|$4|$PGPASSWORD|$6"\n'
    )
    client.chmod(0o755)
    done = subprocess.run(
        postgres.ask_argv("SELECT 1"),
        env={"PATH": f"{tmp_path}:/usr/bin:/bin", **variables},
        capture_output=True,
        text=True,
        check=True,
    )
    names = ("user", "database", "password", "query")
    return dict(zip(names, done.stdout.strip().split("|"), strict=True))


def asked(user: str, database: str, password: str) -> dict[str, str]:
    return {"user": user, "database": database, "password": password, "query": "SELECT 1"}


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, asked("postgres", "postgres", "")),
        ({"POSTGRES_USER": "", "POSTGRES_DB": ""}, asked("postgres", "postgres", "")),
        ({"POSTGRES_PASSWORD": "s"}, asked("postgres", "postgres", "s")),
        (
            {"POSTGRES_USER": "ada", "POSTGRES_PASSWORD": "s", "POSTGRES_DB": "shop"},
            asked("ada", "shop", "s"),
        ),
        (
            {"POSTGRESQL_USERNAME": "ada", "POSTGRESQL_PASSWORD": "s", "POSTGRESQL_DATABASE": "b"},
            asked("ada", "b", "s"),
        ),
        ({"POSTGRESQL_PASSWORD": "s"}, asked("postgres", "postgres", "s")),
        ({"STORE_PASSWORD": "for load tests"}, asked("twofold", "postgres", "for load tests")),
    ],
    ids=["none", "empty", "official", "official, named", "bitnami, named", "bitnami", "ours"],
)
def test_a_server_is_asked_as_the_user_that_its_image_makes(
    tmp_path: Path, variables: dict[str, str], expected: dict[str, str]
) -> None:
    """Without a name, psql would ask as the user that runs it, which is root in a container."""
    assert asked_as(tmp_path, **variables) == expected


def test_a_user_and_a_password_may_be_in_files(tmp_path: Path) -> None:
    user, password = tmp_path / "user", tmp_path / "password"
    user.write_text("ada\n")
    password.write_text("s3\n")
    files = {"POSTGRES_USER_FILE": str(user), "POSTGRES_PASSWORD_FILE": str(password)}

    assert asked_as(tmp_path, **files) == asked("ada", "postgres", "s3")


def test_a_log_tells_refused_connections_and_deadlocks() -> None:
    log = (
        "2026-01-01 UTC [7] FATAL:  sorry, too many clients already\n"
        "2026-01-01 UTC [8] FATAL:  remaining connection slots are reserved for roles\n"
        "2026-01-01 UTC [9] ERROR:  deadlock detected\n"
        "2026-01-01 UTC [9] DETAIL:  Process 9 waits for ShareLock\n"
    )

    assert postgres.troubles(log) == (
        "PostgreSQL refused 2 connections (max_connections), by its log.",
        "PostgreSQL found 1 deadlocks, by its log.",
    )
    assert postgres.troubles("LOG:  checkpoint starting: time\n") == ()
