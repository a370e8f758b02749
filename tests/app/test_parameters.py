from __future__ import annotations

import pytest
from werkzeug.exceptions import BadRequest

from app.application import Application
from app.parameters import whole_number


def parse(app: Application, query: str) -> int:
    with app.test_request_context(f"/?{query}"):
        return whole_number("n", default=7, low=2, high=9)


def test_a_parameter_that_is_not_given_has_its_default(app: Application) -> None:
    assert parse(app, "") == 7


@pytest.mark.parametrize(("text", "number"), [("2", 2), ("9", 9), ("05", 5)])
def test_both_ends_of_the_range_belong_to_it(app: Application, text: str, number: int) -> None:
    assert parse(app, f"n={text}") == number


@pytest.mark.parametrize(
    "text", ["1", "10", "-3", "", "many", "3.5", "1e1", "0x5", "²", "٣", "%2B5", "9" * 5000]
)
def test_anything_else_is_a_bad_request(app: Application, text: str) -> None:
    with pytest.raises(BadRequest):
        parse(app, f"n={text}")


def test_the_answer_has_the_parameter_its_value_and_its_range(app: Application) -> None:
    answer = app.test_client().get("/io?ms=60001")

    assert answer.status_code == 400
    assert answer.get_json() == {
        "status": 400,
        "error": "Bad Request",
        "detail": "ms=60001 is no whole number from 0 to 60000.",
        "parameter": "ms",
        "value": "60001",
        "range": [0, 60000],
    }
