from __future__ import annotations

import sys
import sysconfig
from collections.abc import Iterable
from typing import Any

import pytest

from app import create_app, gil
from loadtests.servers import interpreter


def hello(_environ: Any, _start_response: Any) -> Iterable[bytes]:
    return [b"hello"]


def a_python(monkeypatch: pytest.MonkeyPatch, *, is_free: bool, has_gil: bool = True) -> None:
    monkeypatch.setattr(sysconfig, "get_config_var", lambda name: int(is_free))
    monkeypatch.setattr(sys, "_is_gil_enabled", lambda: has_gil, raising=False)


@pytest.mark.parametrize(("has_gil", "times"), [(True, 1), (False, 0)])
def test_a_worker_says_once_that_its_gil_is_on(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    has_gil: bool,
    times: int,
) -> None:
    a_python(monkeypatch, is_free=True, has_gil=has_gil)
    application: Any = gil.watched(hello)

    assert [application({}, None) for _ in range(3)] == [[b"hello"]] * 3
    assert capsys.readouterr().err.count(interpreter.GIL_IS_ON) == times


def test_an_ordinary_python_serves_the_application_as_it_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    a_python(monkeypatch, is_free=False)

    assert gil.watched(hello) is hello


def test_the_whole_application_is_watched_whatever_serves_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    a_python(monkeypatch, is_free=True)

    assert gil.GIL_IS_ON == interpreter.GIL_IS_ON
    assert create_app().test_client().get("/healthz").status_code in {200, 503}
    assert gil.GIL_IS_ON in capsys.readouterr().err
