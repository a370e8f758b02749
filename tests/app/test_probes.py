from __future__ import annotations

import os
import threading

from flask.testing import FlaskClient

from app import create_app
from app.application import Application


def test_a_process_that_answers_is_healthy(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}


def test_whoami_names_replica_process_and_thread(client: FlaskClient) -> None:
    answer = client.get("/whoami").get_json()

    assert answer["replica"] == "replica-1"
    assert answer["pid"] == os.getpid()
    assert answer["ident"] == threading.get_ident()


def test_whoami_names_what_serves_a_request_by_worker_model() -> None:
    served_by = {
        model: create_app({"WORKER_MODEL": model}).test_client().get("/whoami").get_json()
        for model in ("gthread", "sync", "gevent")
    }

    assert {model: answer["served_by"] for model, answer in served_by.items()} == {
        "gthread": "thread",
        "sync": "process",
        "gevent": "greenlet",
    }


def test_whoami_names_no_worker_model_where_there_is_none(app: Application) -> None:
    app.config["WORKER_MODEL"] = None

    answer = app.test_client().get("/whoami").get_json()

    assert answer["worker_model"] is None
    assert answer["served_by"] is None


def test_whoami_has_the_versions_that_a_speed_depends_on(client: FlaskClient) -> None:
    versions = client.get("/whoami").get_json()["versions"]

    assert set(versions) == {"python", "flask", "werkzeug", "gunicorn", "gevent"}


def test_metrics_are_plain_text(client: FlaskClient) -> None:
    client.get("/whoami")
    answer = client.get("/metrics")

    assert answer.content_type == "text/plain; version=0.0.4; charset=utf-8"
    assert "app_requests_finished_total 1\n" in answer.text
