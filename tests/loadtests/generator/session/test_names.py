from __future__ import annotations

import pytest

from loadtests.generator.recorder import Recorder
from loadtests.generator.session.names import (
    NAMES_MAX,
    SECRET,
    Names,
    secret_values,
    without_secrets,
)
from loadtests.generator.user_load.orders import read_request
from loadtests.model.tested.variables import SECRET_NAME, path_without_secrets


def names_of(*asked: str, secrets: frozenset[str] = frozenset()) -> list[str]:
    recorder = Recorder()
    names = Names(recorder)
    names.secrets = secrets
    for name in asked:
        names.index("GET", name)
    return list(recorder.samples(0.0).names)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("/login?user=ada&password=hunter2", "/login?user=ada&password=***"),
        ("/a?access_token=x#part", "/a?access_token=***#part"),
        ("/search?q=token&page=2", "/search?q=token&page=2"),
        ("/me?token={token}", "/me?token={token}"),
        ("http://ada:hunter2@127.0.0.1/x?y=a@b", "http://***@127.0.0.1/x?y=a@b"),
        ("http://ada:p@ss@127.0.0.1/", "http://***@127.0.0.1/"),
        ("/mail/ada@example.com", "/mail/ada@example.com"),
        ("/private/token", "/private/token"),
        ("search", "search"),
    ],
)
def test_names_show_no_secret_of_a_query_and_no_user_of_a_url(name: str, shown: str) -> None:
    assert without_secrets(name) == shown
    assert without_secrets(shown) == shown


def test_a_part_of_a_path_is_hidden_where_it_is_known_to_be_secret() -> None:
    secrets = secret_values({"API_TOKEN": "s3cr3t/x", "PASSWORD": "on", "LOGIN": "hunter2"})

    assert secrets == {"s3cr3t/x"}
    shown = names_of("/hook/s3cr3t%2Fx/run", "/hunter2", "/s3cr3t", secrets=secrets)
    assert shown == ["GET /hook/***/run", "GET /hunter2", "GET /s3cr3t"]


def test_requests_that_differ_in_their_secrets_alone_have_one_name() -> None:
    asked = [f"/me?token={number:x}" for number in range(2 * NAMES_MAX)]

    assert names_of(*asked, "/") == ["GET /me?token=***", "GET /"]


def test_a_request_of_a_list_is_not_called_by_its_secrets() -> None:
    entry = {"method": "post", "path": "/login?pin=1234&user={user}"}

    assert read_request(entry).name == "POST /login?pin=***&user={user}"
    assert read_request(entry).path == entry["path"]


def test_generator_and_harness_call_the_same_things_secrets() -> None:
    assert (SECRET.pattern, SECRET.flags) == (SECRET_NAME.pattern, SECRET_NAME.flags)
    path = "/a?key=1&monkey=2&pin={pin}"
    assert without_secrets(path) == path_without_secrets(path)
