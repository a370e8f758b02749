"""Reads the text of a file of variables, such as ``.env``, as Compose does.

Rules: docs.docker.com, "Syntax for environment files"; where they leave a question open,
``dotenv/parser.go`` of compose-spec/compose-go. A line that Compose refuses is passed over.
"""

from __future__ import annotations

import re
from collections import ChainMap
from collections.abc import Mapping

from loadtests.targets.compose_file.interpolation import replaced

_STATEMENT = re.compile(
    r"""
    ^ [^\S\n]* (?: export [^\S\n]+ )? (?P<name> [\w.\[\]-]+ ) [^\S\n]*
    (?:
        [=:] [^\S\n]*+
        (?:
            ' (?P<single> (?: [^'\\] | \\. )* ) '
          | " (?P<double> (?: [^"\\] | \\. )* ) "
          | (?P<bare> (?! ['"] ) [^\n]* )
        )
      | (?P<inherited> $ )
    )
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)
_ESCAPED = re.compile(r"\\(0[0-7]{3}|.)", re.DOTALL)
_ESCAPES = {
    **dict(zip("abfnrtv", "\a\b\f\n\r\t\v", strict=True)),
    **dict(zip('"\\$', ('"', "\\", "$$"), strict=True)),  # $$ is a $ that begins no variable
}


def parse(
    text: str, values: Mapping[str, str], earlier: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return the variables of a file, after those of ``earlier`` files.

    Its lines may use both, and ``values``, which win.
    """
    read = dict(earlier or {})
    known = ChainMap(dict(values), read)
    for statement in _STATEMENT.finditer(text):
        name = statement["name"]
        if statement["inherited"] is None:
            read[name] = _value(statement, known)
        elif name in values:
            read[name] = values[name]
    return read


def _value(statement: re.Match[str], values: Mapping[str, str]) -> str:
    if statement["single"] is not None:
        return statement["single"].replace("\\'", "'")
    if statement["double"] is not None:
        return replaced(_ESCAPED.sub(_unescaped, statement["double"]), values, {})
    return replaced(statement["bare"].partition(" #")[0].rstrip(), values, {})


def _unescaped(escaped: re.Match[str]) -> str:
    kind = escaped[1]
    return chr(int(kind, 8)) if len(kind) > 1 else _ESCAPES.get(kind, escaped[0])
