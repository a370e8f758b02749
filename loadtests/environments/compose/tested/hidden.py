"""Keeps the user's texts out of the Compose file that a run leaves in its folder.

The file has ``${TWOFOLD_VALUE_1}`` in their place. Compose gets the texts as variables of its own
environment, and does not look for further variables in them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREFIX = "TWOFOLD_VALUE_"


class Hidden:
    """Texts by the names of the variables that stand for them."""

    def __init__(self, taken: Mapping[str, str] | None = None) -> None:
        self.values: dict[str, str] = dict(taken or {})
        self._names = {text: name for name, text in self.values.items()}

    def text(self, text: str) -> str:
        """Return what stands for a text in a Compose file."""
        if not text:
            return ""
        name = self._names.setdefault(text, f"{PREFIX}{len(self._names) + 1}")
        self.values[name] = text
        return f"${{{name}}}"

    def all_of(self, value: Any) -> Any:
        """Return a value with all its texts hidden; keys, numbers and None stay."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {key: self.all_of(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [self.all_of(inner) for inner in value]
        return value


def escaped(value: Any) -> Any:
    """Return a value in which Compose finds no variables."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: escaped(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [escaped(inner) for inner in value]
    return value
