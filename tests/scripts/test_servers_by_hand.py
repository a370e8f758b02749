"""Ranks of Pythons by hand and in a run, compared without measuring any."""

from __future__ import annotations

import tomllib
from pathlib import Path

from scripts import servers_by_hand

HAND = {
    ("hash", "cpython-3.11"): 1500.0,
    ("hash", "cpython-3.13"): 1480.0,
    ("hash", "pypy-3"): 1800.0,
    ("loops", "cpython-3.11"): 3000.0,
    ("loops", "cpython-3.13"): 2500.0,
    ("loops", "pypy-3"): 300.0,
}


def test_the_same_order_agrees_and_what_is_near_has_none() -> None:
    seen = {key: cost + 700 for key, cost in HAND.items()} | {("hash", "cpython-3.11"): 2100.0}

    document = servers_by_hand.compared(HAND, seen)

    assert (document["pairs"], document["agreeing"]) == (5, 5)
    assert len(document["rows"]) == 6


def test_another_order_is_counted() -> None:
    seen = dict(HAND) | {("loops", "pypy-3"): 9000.0}

    assert servers_by_hand.compared(HAND, seen)["agreeing"] == 3


def test_the_settings_name_a_variant_for_each_python() -> None:
    text = servers_by_hand.configuration({"pypy-3": Path("/envs/pypy-3/bin/python")})

    settings = tomllib.loads(text)
    assert settings["variants"]["pypy-3"]["python"] == "/envs/pypy-3/bin/python"
    assert set(settings["workloads"]) == set(servers_by_hand.WORKLOADS)


def test_the_application_answers_both() -> None:
    from scripts.servers_app.work import app

    client = app.test_client()

    assert client.get("/loops").get_json() == {"primes": 367}
    assert len(client.get("/hash").get_json()["digest"]) == 64
