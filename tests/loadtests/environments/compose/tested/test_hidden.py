from loadtests.environments.compose.tested.hidden import Hidden, escaped


def test_texts_are_replaced_by_variables_and_equal_ones_by_the_same() -> None:
    hidden = Hidden()

    shown = hidden.all_of({"a": "s3cret", "b": ["s3cret", "pa$$ word"], "n": 3, "none": None})

    assert shown == {
        "a": "${TWOFOLD_VALUE_1}",
        "b": ["${TWOFOLD_VALUE_1}", "${TWOFOLD_VALUE_2}"],
        "n": 3,
        "none": None,
    }
    assert hidden.values == {"TWOFOLD_VALUE_1": "s3cret", "TWOFOLD_VALUE_2": "pa$$ word"}


def test_further_texts_get_names_that_are_free() -> None:
    first = Hidden()
    first.text("a")

    second = Hidden(first.values)

    assert (second.text("b"), second.text("a")) == ("${TWOFOLD_VALUE_2}", "${TWOFOLD_VALUE_1}")
    assert second.text("") == ""


def test_escaped_texts_hold_no_variables() -> None:
    assert escaped({"a": "$HOME", "b": ["x$y"], "n": 1}) == {"a": "$$HOME", "b": ["x$$y"], "n": 1}
