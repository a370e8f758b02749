"""What a command of the user's own may have in braces."""

import pytest

from loadtests.config.command_places import faults_in, names_in


def test_an_address_and_braces_of_its_own_have_no_fault() -> None:
    words = ("python", "-m", "server", "{bind}", "{module}:application", "{{}}")

    assert list(faults_in(words)) == []
    assert names_in(words) == ("bind", "module")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("serve", "{bind"), ["A brace is single."]),
        (("serve",), ["Each replica needs its own address."]),
        (("serve", "{host}"), ["Each replica needs its own address."]),
        (("serve", "{prt}"), ["Nobody fills in {prt}. Did you mean port? Known: {bind},"]),
        (("serve", "{bind}", "{}"), ["Nobody fills in {}."]),
        (
            ("serve", "{port:-8000}", "{who}"),
            ["There is more than a name in the braces of {port}.", "Nobody fills in {who}."],
        ),
    ],
)
def test_each_fault_is_told_once(words: tuple[str, ...], told: list[str]) -> None:
    faults = list(faults_in(words))

    assert len(faults) == len(told)
    assert all(fault.startswith(text) for fault, text in zip(faults, told, strict=True))
