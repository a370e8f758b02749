import pytest

from loadtests.config import names
from loadtests.model.errors import UsageError

COLOURS = ("red", "green")


def test_names_of_the_list_pass() -> None:
    names.check("colour", ("green", "red"), COLOURS)


def test_an_unknown_name_is_refused_with_the_list_and_the_nearest() -> None:
    with pytest.raises(UsageError) as refusal:
        names.check("colour", ("gren",), COLOURS)

    assert str(refusal.value) == "Unknown colour 'gren'. Known: red, green. Did you mean green?"


def test_nothing_is_suggested_where_no_name_is_near() -> None:
    with pytest.raises(UsageError) as refusal:
        names.check("colour", ("ultramarine",), COLOURS)

    assert str(refusal.value) == "Unknown colour 'ultramarine'. Known: red, green."


def test_a_name_that_comes_twice_is_refused() -> None:
    with pytest.raises(UsageError, match="'red' is given twice"):
        names.check("colour", ("red", "red"), COLOURS)
