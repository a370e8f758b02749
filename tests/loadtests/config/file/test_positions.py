from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadtests.config.file.positions import Path, find

TEXT = '''# a comment with = and [x]
a = 1
"quoted key" = "a # no comment = \\" ]"
dotted.key.one = 1.5
dotted.key.two = 1979-05-27 07:32:00

[tool.x]
long = """
[no.table]
a quote at the end: \\""""
raw = \'\'\'
b = 2\'\'\'
list = [
  "x", # a comment, with ] and ,
  {a = 1, b = [2, 3]},

  [4],
]

[[tool.checks]]
n = 1
[tool.checks.write]
path = "/"
[tool.other]
[[tool.checks]]
n = 2
read = {path = "/me", expect = {status = 200}}
'''


def paths(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of everything in a document, as tomllib reads it."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from paths(inner, (*path, index))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("a",), 2),
        (("quoted key",), 3),
        (("dotted", "key", "one"), 4),
        (("dotted", "key", "two"), 5),
        (("tool", "x"), 7),
        (("tool", "x", "long"), 8),
        (("tool", "x", "raw"), 11),
        (("tool", "x", "list", 0), 14),
        (("tool", "x", "list", 1, "b", 1), 15),
        (("tool", "x", "list", 2, 0), 17),
        (("tool", "checks"), 20),
        (("tool", "checks", 0, "write", "path"), 23),
        (("tool", "checks", 1), 25),
        (("tool", "checks", 1, "n"), 26),
        (("tool", "checks", 1, "read", "expect", "status"), 27),
    ],
)
def test_a_path_has_the_line_of_its_key(path: Path, line: int) -> None:
    assert find(TEXT)[path] == line


def test_the_paths_are_those_that_the_parser_finds() -> None:
    assert set(find(TEXT)) == set(paths(tomllib.loads(TEXT)))


KEYS = st.sampled_from(["a", "b-c", '"d e"', "'f.g'", "1", "_h"])
SCALARS = st.sampled_from(
    ["1", "-2.5", "true", '"x # y"', "'='", '"""\nl\n"""', "'''\n]'''", "1979-05-27T07:32:00Z"]
)


def _array(items: list[str]) -> str:
    return "[" + "".join(f"\n {item} , # ]" for item in items) + "\n]"


def _table(pairs: dict[str, str]) -> str:
    return "{" + ", ".join(f"{key} = {value}" for key, value in pairs.items()) + "}"


def _inline(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    # An inline table has no line break of its own, so what is in it is on one line.
    one_line = inner.filter(lambda value: "\n" not in value)
    return st.lists(inner, max_size=3).map(_array) | st.dictionaries(
        KEYS, one_line, max_size=3
    ).map(_table)


VALUES = st.recursive(SCALARS, _inline, max_leaves=8)
TABLES = st.dictionaries(KEYS, VALUES, max_size=4)


@settings(max_examples=60)
@given(first=TABLES, named=st.dictionaries(KEYS, TABLES, max_size=3), many=st.lists(TABLES))
def test_any_valid_text_has_a_line_for_each_path(
    first: dict[str, str], named: dict[str, dict[str, str]], many: list[dict[str, str]]
) -> None:
    lines = [f"{key} = {value}" for key, value in first.items()]
    for name, table in named.items():
        lines += [f"[tool . {name}] # head", *(f"{key}={value}" for key, value in table.items())]
    for table in many:
        lines += ["", "[[tool.many]]", *(f"{key} = {value}" for key, value in table.items())]
    text = "\n".join(lines)

    assert set(find(text)) == set(paths(tomllib.loads(text)))
