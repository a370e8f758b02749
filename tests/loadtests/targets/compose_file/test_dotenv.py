"""Files of variables, as Compose reads them."""

from __future__ import annotations

import pytest

from loadtests.targets.compose_file import dotenv

VALUES = {"HOST": "db", "SET": "here"}


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("A=b\n  C = d e  \n\nexport E=f", {"A": "b", "C": "d e", "E": "f"}),
        ("A=\nB=\r\nC=''\n", {"A": "", "B": "", "C": ""}),
        (
            "# A=b\nB=c # d\nC=d#e\nD='e' # f\nE=\"f\"#g\n",
            {"B": "c", "C": "d#e", "D": "e", "E": "f"},
        ),
        ("A='$HOST ${HOST} \\n \\$'", {"A": "$HOST ${HOST} \\n \\$"}),
        ("A='it\\'s'", {"A": "it's"}),
        ('A="$HOST"\nB=$HOST:5432', {"A": "db", "B": "db:5432"}),
        ("A=b\nB=${A}c\nC=${GONE:-${A}}", {"A": "b", "B": "bc", "C": "b"}),
        ("SET=file\nA=$SET", {"SET": "file", "A": "here"}),
        ('A="$$HOST \\$HOST"\nB=$$HOST', {"A": "$HOST $HOST", "B": "$HOST"}),
        ('A="a\\tb\\n\\"c\\" \\\\n \\0101 \\d"', {"A": 'a\tb\n"c" \\n A \\d'}),
        ("A=a\\nb", {"A": "a\\nb"}),
        ('KEY="-----BEGIN\nA=b\n-----END"\nB=c', {"KEY": "-----BEGIN\nA=b\n-----END", "B": "c"}),
        ("KEY='one\ntwo'\nB=c", {"KEY": "one\ntwo", "B": "c"}),
        ("A: b\nB: 'c'", {"A": "b", "B": "c"}),
        ("SET\nGONE\nA=b", {"SET": "here", "A": "b"}),
        ("spring.url=x\nA-B=c", {"spring.url": "x", "A-B": "c"}),
        ("A=b\nA=c", {"A": "c"}),
    ],
)
def test_a_file_is_read_as_compose_reads_it(text: str, read: dict[str, str]) -> None:
    assert dotenv.parse(text, VALUES) == read


def test_a_later_file_wins_over_an_earlier_one_and_may_use_it() -> None:
    read = dotenv.parse("USER=bob\nURL=$USER@$SERVER/$HOST", VALUES, {"USER": "ada", "SERVER": "s"})

    assert read == {"USER": "bob", "SERVER": "s", "URL": "bob@s/db"}


@pytest.mark.parametrize("line", ["two words=x", "=x", "A='open", 'A="open', "?=x"])
def test_a_line_that_compose_refuses_is_passed_over(line: str) -> None:
    assert dotenv.parse(f"B=c\n{line}\nD=e\n", VALUES) == {"B": "c", "D": "e"}
