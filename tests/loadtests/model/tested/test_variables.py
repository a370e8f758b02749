"""What users give that may be secret is not written down."""

from __future__ import annotations

import json

import pytest
from pydantic import TypeAdapter

from loadtests.model.consistency import Check, CheckKind, Step
from loadtests.model.tested.variables import (
    body_without_secrets,
    is_secret,
    path_without_secrets,
    without_secrets,
    words_without_secrets,
)
from loadtests.model.tested.workload import RequestSpec, Workload


@pytest.mark.parametrize(
    "name",
    [
        *("password", "Passwort", "user[password]", "pwd", "client_secret", "access_token"),
        *("Authorization", "Cookie", "X-Api-Key", "apikey", "X-Auth-Token", "pin", "otp", "key"),
    ],
)
def test_names_of_secrets_are_recognised(name: str) -> None:
    assert is_secret(name)


@pytest.mark.parametrize(
    "name", ["user", "name", "X-Forwarded-Proto", "monkey", "postcode", "opinion", "body", "q"]
)
def test_other_names_are_no_secrets(name: str) -> None:
    assert not is_secret(name)


def test_secrets_are_hidden_at_any_depth_and_nothing_else_is() -> None:
    value = {
        "user": {"name": "ada", "password": "hunter2"},
        "tokens": ["a", "b", None, True],
        "items": [{"id": 7, "secret": {"kind": "x", "value": 5}}],
        "password_confirmation": "{word}",
    }

    assert without_secrets(value) == {
        "user": {"name": "ada", "password": "***"},
        "tokens": ["***", "***", None, True],
        "items": [{"id": 7, "secret": {"kind": "***", "value": "***"}}],
        "password_confirmation": "{word}",
    }


@pytest.mark.parametrize(
    ("body", "written"),
    [
        ("user=ada&password=hunter2", "user=ada&password=***"),
        ("token={token}&note=1", "token={token}&note=1"),
        ('{"user":"ada"}', '{"user":"ada"}'),
        ('{"user": "ada", "pwd": "x"}', '{"user": "ada", "pwd": "***"}'),
        ('{"n": {1..9}, "password": "x"}', "***"),
        ("<login><password>x</password></login>", "***"),
        ("plain text", "plain text"),
        ("{token}", "{token}"),
        ("the note {token}", "the note {token}"),
        ("", ""),
    ],
)
def test_bodies_keep_their_form(body: str, written: str) -> None:
    assert body_without_secrets(body) == written


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/login?user=ada&password=hunter2", "/login?user=ada&password=***"),
        ("/search?q=token&page=2", "/search?q=token&page=2"),
        ("/me?token={token}&key={1..9}", "/me?token={token}&key={1..9}"),
        ("/private/token", "/private/token"),
        ("/find?token", "/find?token"),
        ("/", "/"),
    ],
)
def test_secrets_of_a_query_are_not_written_with_its_path(path: str, written: str) -> None:
    assert path_without_secrets(path) == written


def test_a_written_request_has_no_secret_and_the_request_itself_has_it() -> None:
    request = RequestSpec(
        path="/login?password=hunter2",
        form={"user": "ada", "password": "hunter2"},
        json={"password": "hunter2"},
        query={"token": "hunter2", "page": "1"},
        body="password=hunter2",
        headers={"X-Auth-Token": "hunter2", "Accept": "text/html"},
    )

    adapter = TypeAdapter(RequestSpec)
    text = adapter.dump_json(request).decode()
    assert "hunter2" not in text
    written = json.loads(text)
    assert written["form"] == {"user": "ada", "password": "***"}
    assert written["query"] == {"token": "***", "page": "1"}
    assert written["headers"] == {"X-Auth-Token": "***", "Accept": "text/html"}
    assert adapter.validate_json(text).form == written["form"]
    assert request.form == {"user": "ada", "password": "hunter2"}


def test_a_written_workload_has_no_column_of_passwords() -> None:
    workload = Workload(
        name="login",
        path="/login?key=hunter2",
        values={"user": ("ada", "bob"), "password": ("hunter2", "hunter3")},
    )

    adapter = TypeAdapter(Workload)
    written = adapter.dump_json(workload)
    assert b"hunter" not in written
    assert adapter.validate_json(written).values == {
        "user": ("ada", "bob"),
        "password": ("***", "***"),
    }


def test_a_written_check_has_no_secret() -> None:
    check = Check(
        name="a login holds",
        kind=CheckKind.VALUE,
        write=Step(method="POST", path="/login", body="user=ada&password=hunter2"),
        read=Step(method="GET", path="/me"),
    )

    written = json.loads(TypeAdapter(Check).dump_json(check))
    assert written["write"]["body"] == "user=ada&password=***"
    assert written["read"]["body"] == ""


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("env PGPASSWORD=hunter2 psql", "env PGPASSWORD=*** psql"),
        ("reset --password hunter2 --all", "reset --password *** --all"),
        ("reset --password=hunter2 all", "reset --password=*** all"),
        ("psql postgres://ada:hunter2@db/shop", "psql postgres://***@db/shop"),
        ("curl http://web/reset?token=hunter2&all=1", "curl http://web/reset?token=***&all=1"),
        ("flask --app shop init-db", "flask --app shop init-db"),
    ],
)
def test_a_command_is_written_down_without_its_secrets(words: str, written: str) -> None:
    assert words_without_secrets(words.split()) == written.split()
