from __future__ import annotations

from flask.testing import FlaskClient

from app.application import Application


def test_an_unknown_path_is_answered_in_json(client: FlaskClient) -> None:
    answer = client.get("/nowhere")

    assert answer.status_code == 404
    assert answer.get_json()["error"] == "Not Found"


def test_a_method_that_is_not_allowed_names_those_that_are(client: FlaskClient) -> None:
    answer = client.post("/cpu")

    assert answer.status_code == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}
    assert answer.get_json()["status"] == 405


def test_a_failure_inside_shows_nothing_of_itself(app: Application) -> None:
    app.testing = False

    @app.get("/broken")
    def broken() -> str:
        raise LookupError("a secret")

    answer = app.test_client().get("/broken")

    assert answer.status_code == 500
    assert answer.get_json()["error"] == "Internal Server Error"
    assert "secret" not in answer.text
