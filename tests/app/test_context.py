from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

from flask.testing import FlaskClient

from app.application import Application


def test_a_token_comes_back_from_every_place(client: FlaskClient) -> None:
    assert client.get("/context?token=mine&ms=0").get_json() == {
        "token": "mine",
        "own": {"g": True, "session": True, "context_variable": True, "request": True},
        "isolated": True,
    }


def test_a_request_without_a_token_makes_its_own(client: FlaskClient) -> None:
    one, two = client.get("/context?ms=0").get_json(), client.get("/context?ms=0").get_json()

    assert one["token"] != two["token"]
    assert one["isolated"]


def test_requests_of_many_threads_do_not_meet(app: Application) -> None:
    def ask(number: int) -> bool:
        answer = app.test_client().get(f"/context?token={number}").get_json()
        return bool(answer["isolated"] and answer["token"] == str(number))

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(80)))


def test_a_token_of_an_earlier_request_in_the_session_is_replaced(client: FlaskClient) -> None:
    client.get("/context?token=old&ms=0")

    assert client.get("/context?token=new&ms=0").get_json()["own"]["session"]
