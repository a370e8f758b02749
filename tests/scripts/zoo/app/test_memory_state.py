from __future__ import annotations

from scripts.zoo.app import create_app
from scripts.zoo.app.switches import Switches


def test_state_in_memory_serves_one_process_and_no_other() -> None:
    config = {"SWITCHES": Switches(memory_state=True), "SECRET_KEY": "shared"}
    one, two = (create_app(config).test_client() for _ in range(2))

    one.put("/state/notes/a", data="first")
    one.post("/state/login?user=ann")
    one.post("/state/counter")
    cookie = one.get_cookie("session")
    assert cookie is not None
    two.set_cookie("session", cookie.value)

    asked = ("/state/notes/a", "/state/me", "/state/counter")
    assert [one.get(path).get_json() for path in asked] == [
        {"key": "a", "body": "first"},
        {"user": "ann"},
        {"count": 1},
    ]
    assert [two.get(path).status_code for path in asked] == [404, 401, 200]
    assert two.get("/state/counter").get_json() == {"count": 0}


def test_a_second_note_replaces_the_first_and_each_login_has_its_own_cookie() -> None:
    app = create_app({"SWITCHES": Switches(memory_state=True)})
    ann, bob = app.test_client(), app.test_client()
    for body in ("first", "second"):
        ann.put("/state/notes/a", data=body)
    ann.post("/state/login?user=ann")
    bob.post("/state/login?user=bob")

    assert bob.get("/state/notes/a").get_json() == {"key": "a", "body": "second"}
    assert [client.get("/state/me").get_json()["user"] for client in (ann, bob)] == ["ann", "bob"]
