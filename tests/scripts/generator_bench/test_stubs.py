from __future__ import annotations

import json
import time
import urllib.request

import pytest

from scripts.generator_bench.servers import stub
from scripts.generator_bench.stubs import STALL_S, after_delay, after_stall


def test_a_delay_is_what_the_path_says() -> None:
    assert after_delay(7.0, b"GET /250 HTTP/1.1\r\n\r\n") == 7.25
    assert after_delay(7.0, b"GET /0.5 HTTP/1.1\r\n\r\n") == pytest.approx(7.0005)


def test_a_stall_holds_requests_to_its_end_and_others_not_at_all() -> None:
    assert after_stall(30.0, b"") == 30.0 + STALL_S
    assert after_stall(30.9, b"") == pytest.approx(30.0 + STALL_S)
    assert after_stall(31.0, b"") == 31.0
    assert after_stall(39.9, b"") == 39.9


def test_an_answer_comes_after_its_delay() -> None:
    with stub("delay", None) as (url, _):
        took_s = []
        for _ in range(5):
            started = time.monotonic()
            with urllib.request.urlopen(f"{url}/30") as answer:
                assert answer.read() == b"ok"
            took_s.append(time.monotonic() - started)

    assert min(took_s) >= 0.03


def test_what_it_did_is_told_once_in_the_order_of_arrival() -> None:
    with stub("delay", None) as (url, _):
        for delay_ms in (20, 5):
            urllib.request.urlopen(f"{url}/{delay_ms}").close()
        logs = [json.loads(urllib.request.urlopen(f"{url}/log").read()) for _ in range(2)]

    ((first_came, first_answered), (second_came, second_answered)), later_log = logs
    assert later_log == []
    assert first_came + 0.02 <= first_answered <= second_came
    assert second_came + 0.005 <= second_answered
