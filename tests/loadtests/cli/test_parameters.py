from typing import Any

import click
import pytest

from loadtests.cli import parameters
from loadtests.model.errors import UsageError

CONTEXT = click.Context(click.Command("run"))
REPLICAS = click.Option(["--replicas"])


@pytest.mark.parametrize(
    ("text", "names"),
    [(None, None), ("", ()), ("a", ("a",)), ("a, b,,c", ("a", "b", "c"))],
)
def test_names_are_joined_by_commas(text: str | None, names: Any) -> None:
    assert parameters.names(CONTEXT, REPLICAS, text) == names


def test_numbers_are_joined_by_commas() -> None:
    assert parameters.numbers(CONTEXT, REPLICAS, "1, 2,4") == (1, 2, 4)


def test_what_is_no_number_is_refused_with_an_example() -> None:
    with pytest.raises(UsageError, match=r"--replicas is '1.5'.*Try --replicas 1,2,4\."):
        parameters.numbers(CONTEXT, REPLICAS, "1.5")


def test_the_help_of_a_listed_option_has_the_names_of_that_moment() -> None:
    names = ["red"]
    option = parameters.ListedOption(
        ["--colour"], listed=lambda: ", ".join(names), help="A colour of {}."
    )

    before = option.get_help_record(CONTEXT)
    names.append("green")
    after = option.get_help_record(CONTEXT)

    assert before == ("--colour TEXT", "A colour of red.")
    assert after == ("--colour TEXT", "A colour of red, green.")
