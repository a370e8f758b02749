from __future__ import annotations

import pytest
from flask import request
from flask.testing import FlaskClient

from app.application import Application

HEADER = "X-Request-ID"


def test_an_id_from_outside_is_kept(client: FlaskClient) -> None:
    assert client.get("/healthz", headers={HEADER: "a-1.b_2"}).headers[HEADER] == "a-1.b_2"


@pytest.mark.parametrize("given", ["", "two words", 'quo"ted', "<b>", "é", "x" * 129])
def test_an_id_that_is_not_sane_is_replaced(client: FlaskClient, given: str) -> None:
    made = client.get("/healthz", headers={HEADER: given}).headers[HEADER]

    assert made != given
    assert len(made) == 32


def test_every_request_without_an_id_has_one_of_its_own(client: FlaskClient) -> None:
    assert client.get("/healthz").headers[HEADER] != client.get("/healthz").headers[HEADER]


def test_the_application_sees_the_id_that_the_client_gets(app: Application) -> None:
    @app.get("/id")
    def show() -> str:
        return request.headers[HEADER]

    answer = app.test_client().get("/id")

    assert answer.text == answer.headers[HEADER]


def test_an_answer_that_is_an_error_carries_the_id_too(client: FlaskClient) -> None:
    assert client.get("/nowhere", headers={HEADER: "lost"}).headers[HEADER] == "lost"
