"""The scripts that ask stores, run by a shell that finds a client of the test's own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from loadtests.tools import proc
from loadtests.tools.stores import end_in, mysql, redis, shell_argv

CLIENTS = {
    "mysql": 'echo "$MYSQL_PWD $*"',
    "mariadb": 'echo "mariadb $MYSQL_PWD $*"',
    "redis-cli": 'while read -r line; do echo "${REDISCLI_AUTH-none} $line"; done',
}


def said(
    folder: Path, script: str, question: str, *, clients: tuple[str, ...], env: Mapping[str, str]
) -> list[str]:
    for name in clients:
        (folder / name).write_text(f"#!/bin/sh\n{CLIENTS[name]}\n")
        (folder / name).chmod(0o755)
    for program in ("cat", "tr", "sh"):
        (folder / program).symlink_to(str(proc.which(program)))
    variables = {"PATH": str(folder), **env}
    argv = (str(proc.which("env")), "-i", *(f"{n}={v}" for n, v in variables.items()))
    done = proc.run((*argv, *shell_argv(script)), input_text=f"7 {question}\n")
    return done.stdout.splitlines()


@pytest.mark.parametrize(
    ("env", "user", "password"),
    [
        ({"MYSQL_ROOT_PASSWORD": "a b"}, "root", "a b"),
        ({"MARIADB_ROOT_PASSWORD": "s3"}, "root", "s3"),
        ({"MYSQL_USER": "shop", "MYSQL_PASSWORD": "$x"}, "shop", "$x"),
        ({"MYSQL_ALLOW_EMPTY_PASSWORD": "yes"}, "root", ""),
    ],
)
def test_the_containers_variables_say_who_asks_mysql(
    tmp_path: Path, env: Mapping[str, str], user: str, password: str
) -> None:
    first, end = said(tmp_path, mysql.SCRIPT, "SELECT `a` 'b'", clients=("mysql",), env=env)

    assert first == (
        f"{password} --user={user} --batch --skip-column-names --connect-timeout=2"
        " --execute=SELECT `a` 'b'"
    )
    assert end_in(end) == (7, 0)


def test_a_password_in_a_file_is_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden\n")

    first, _ = said(
        tmp_path,
        mysql.SCRIPT,
        "SELECT 1",
        clients=("mariadb",),
        env={"MARIADB_ROOT_PASSWORD_FILE": str(secret)},
    )

    assert first.startswith("mariadb hidden --user=root")


@pytest.mark.parametrize("script", [mysql.SCRIPT, redis.SCRIPT])
def test_an_image_without_the_client_says_so(tmp_path: Path, script: str) -> None:
    first, end = said(tmp_path, script, "PING", clients=(), env={})

    assert first.startswith("the image has n")
    assert end_in(end) == (7, 1)


@pytest.mark.parametrize(
    ("env", "word"),
    [({}, "none"), ({"REDIS_PASSWORD": "s3"}, "s3"), ({"REDIS_PASSWORD": ""}, "none")],
)
def test_redis_gets_one_command_a_line(tmp_path: Path, env: Mapping[str, str], word: str) -> None:
    lines = said(tmp_path, redis.SCRIPT, "CLIENT LIST;INFO stats", clients=("redis-cli",), env=env)

    assert lines == [f"{word} CLIENT LIST", f"{word} INFO stats", "twofold-end 7 0"]


@pytest.mark.parametrize("line", ["twofold-end", "session\t1", "twofold-end 1", ""])
def test_other_lines_end_nothing(line: str) -> None:
    assert end_in(line) is None
