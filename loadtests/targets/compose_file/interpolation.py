"""Replaces the variables in a text of a Compose file: ``$A``, ``${A:-default}``, ``$$``.

Rules: docs.docker.com, "Interpolation"; where they leave a question open, ``template/template.go``
of compose-spec/compose-go.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MOST_LEVELS = 20
"""Defaults within defaults that are read; nobody writes so many."""

_USED = re.compile(
    r"\$(?:\$|(?P<plain>[A-Za-z_]\w*)|\{(?P<braced>[A-Za-z_]\w*)(?P<how>:?[-?+]|(?=\})))", re.ASCII
)


def replaced(
    text: str, values: Mapping[str, str], missing: dict[str, None], *, level: int = 0
) -> str:
    """Return a text with its variables replaced; note in ``missing`` those without a value.

    What Compose refuses, such as ``${}`` or a brace that does not close, stays as it is.
    """
    made: list[str] = []
    start = 0
    while used := _USED.search(text, start):
        made.append(text[start : used.start()])
        start = used.end()
        word = ""
        if used["braced"]:
            end = _closing(text, start)
            if end is None or level > MOST_LEVELS:
                start = used.start()
                break
            word, start = text[start:end], end + 1
        made.append(_value(used, word, values, missing, level))
    return "".join([*made, text[start:]])


def _value(
    used: re.Match[str], word: str, values: Mapping[str, str], missing: dict[str, None], level: int
) -> str:
    name = used["plain"] or used["braced"]
    if name is None:
        return "$"
    how, known = used["how"] or "", values.get(name)
    is_set = bool(known) if how.startswith(":") else known is not None
    if how.endswith("+"):
        return replaced(word, values, missing, level=level + 1) if is_set else ""
    if is_set and known is not None:
        return known
    if how.endswith("-"):
        return replaced(word, values, missing, level=level + 1)
    missing[name] = None
    return ""


def _closing(text: str, start: int) -> int | None:
    """Return where the brace that is open at ``start`` closes; None if it does not."""
    depth = 1
    for index in range(start, len(text)):
        depth += {"{": 1, "}": -1}.get(text[index], 0)
        if depth == 0:
            return index
    return None
