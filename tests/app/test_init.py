from __future__ import annotations

from flask.testing import FlaskClient

from app import create_app
from app.application import Application


def test_the_configuration_given_goes_over_that_of_the_environment() -> None:
    assert create_app({"REPLICA": "mine"}).config["REPLICA"] == "mine"


def test_two_applications_share_no_counts() -> None:
    one, two = create_app(), create_app()

    one.test_client().get("/whoami")

    assert "app_requests_started_total 1\n" in one.counters.exposition()
    assert "app_requests_started_total 0\n" in two.counters.exposition()


def test_the_client_is_the_one_the_proxy_names(app: Application) -> None:
    @app.get("/client")
    def client() -> dict[str, object]:
        from flask import request

        return {"address": request.remote_addr, "url": request.url}

    headers = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    answer = app.test_client().get("/client", headers=headers).get_json()

    assert answer == {"address": "203.0.113.9", "url": "https://localhost/client"}


def test_what_a_client_says_of_itself_before_the_proxy_is_not_believed(app: Application) -> None:
    @app.get("/client")
    def client() -> dict[str, object]:
        from flask import request

        return {"address": request.remote_addr}

    headers = {"X-Forwarded-For": "10.0.0.1, 203.0.113.9"}
    answer = app.test_client().get("/client", headers=headers).get_json()

    assert answer == {"address": "203.0.113.9"}


def test_every_answer_is_json_or_metrics(client: FlaskClient) -> None:
    for path in ("/healthz", "/whoami", "/cpu?rounds=1", "/io?ms=0", "/context?ms=0"):
        assert client.get(path).is_json, path
