"""Answers with status 200 that say that a request failed are told from those with data."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loadtests.analysis.consistency.bodies.failure import is_failure

ERRORS = [{"message": "Not authenticated", "path": ["me"]}]
RPC_ERROR = {"jsonrpc": "2.0", "error": {"code": -32601, "message": "no such method"}, "id": 1}


@pytest.mark.parametrize(
    "answer",
    [
        {"errors": ERRORS},
        {"errors": ERRORS, "data": None},
        {"errors": ERRORS, "data": {"me": None}, "extensions": {"cost": 1}},
        [{"errors": ERRORS, "data": None}, {"errors": ERRORS}],
        RPC_ERROR,
        [RPC_ERROR],
    ],
)
def test_an_answer_without_data_has_failed(answer: Any) -> None:
    assert is_failure(json.dumps(answer))


@pytest.mark.parametrize(
    "answer",
    [
        {"errors": ERRORS, "data": {"me": None, "books": []}},
        {"errors": [], "data": {"me": None}},
        {"data": {"me": None}},
        {"errors": ["no such colour"], "data": None},
        {"errors": ERRORS, "data": None, "status": "partial"},
        {"error": None, "result": 1},
        [{"errors": ERRORS}, {"data": {"me": {"name": "ada"}}}],
        [],
        "an error",
    ],
)
def test_another_answer_has_not(answer: Any) -> None:
    assert not is_failure(json.dumps(answer))


@pytest.mark.parametrize("body", ["", '{"errors": [', "[" * 60_000 + '"error', '"error' * 20_000])
def test_nor_has_what_is_no_json(body: str) -> None:
    assert not is_failure(body)
