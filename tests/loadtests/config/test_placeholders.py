import pytest

from loadtests.config import placeholders

VALUES = {"word": ("red", "green")}


@pytest.mark.parametrize(
    "path", ["/", "/items/{1..1000}", "/{-3..3}", "/{red|green}", "/search?q={word}&p={1..9}"]
)
def test_a_path_with_the_three_forms_has_no_fault(path: str) -> None:
    assert list(placeholders.faults_in_path(path, VALUES)) == []


@pytest.mark.parametrize(
    ("path", "fault"),
    [
        ("/{wrd}", "{wrd} has no values: there is no list values.wrd. Did you mean word?"),
        ("/{9..1}", "{9..1} is an empty range. Write the smaller number first."),
        ("/{1..}", "{1..} is no placeholder."),
        ("/{a||b}", "{a||b} has an empty choice."),
        ("/{}", "{} is no placeholder."),
        ("/{word", "'/{word' has a brace without its other."),
        ("/word}", "'/word}' has a brace without its other."),
        ("/items/<int:id>", "'/items/<int:id>' has the place of a Flask route."),
    ],
)
def test_whatever_else_stands_in_braces_of_a_path_is_a_fault(path: str, fault: str) -> None:
    (told,) = placeholders.faults_in_path(path, VALUES)

    assert told.startswith(fault)


@pytest.mark.parametrize("text", ['{"item": 7}', "{ user { name } }", "{uuid}", "{word}", "{a.b}"])
def test_braces_of_a_body_are_left_alone(text: str) -> None:
    assert list(placeholders.faults_in_text(text, VALUES)) == []


@pytest.mark.parametrize("text", ['{"q": "{wrod}"}', "{9..1}"])
def test_a_misspelt_name_and_an_empty_range_are_faults_in_a_body_too(text: str) -> None:
    assert len(list(placeholders.faults_in_text(text, VALUES))) == 1


def test_an_example_has_the_first_value_of_each() -> None:
    path = "/items/{7..9}?colour={word}&size={small|large}&x={other}"

    assert placeholders.example(path, VALUES) == "/items/7?colour=red&size=small&x={other}"
