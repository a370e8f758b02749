"""What the users of a locustfile share: counters, and lists from which each takes its own.

Counters are kept apart in several processes, so that no user registers twice. Stock Locust runs the
file in each process too, and there ``user-0`` registers in all of them. Lists that users have
emptied, such as one of credentials, are filled again for each new set of users.
"""

from __future__ import annotations

import ast
import itertools
from collections import deque
from collections.abc import Iterator
from copy import copy
from types import ModuleType
from typing import Any

SPAN = 1_000_000
"""Values of a counter that each process has for itself."""


class Stocks:
    """The lists, sets and dictionaries of ``modules`` as they were when the file was loaded."""

    def __init__(self, modules: list[ModuleType]) -> None:
        owners = [owner for module in modules for owner in (module, *classes_of(module))]
        self._stocks = [
            (value, copy(value))
            for owner in owners
            for name, value in list(vars(owner).items())
            if isinstance(value, list | deque | set | dict) and not name.startswith("__")
        ]

    def refill(self) -> None:
        """Fill those again from which something was taken; what was added to others stays."""
        for value, before in self._stocks:
            if len(value) < len(before):
                value.clear()
                (value.extend if isinstance(value, list | deque) else value.update)(before)


def shift_counters(modules: list[ModuleType], number: int) -> list[str]:
    """Let the counters of ``modules`` begin ``number`` spans later; return their names.

    Counters are ``itertools.count`` objects, and whole numbers that functions of the module count
    up. They belong to the module, or to one of its classes.
    """
    if not number:
        return []
    shifted = []
    for module in modules:
        counted = counted_up(module)
        for owner in (module, *classes_of(module)):
            for name, value in list(vars(owner).items()):
                changed = shift(value, number * SPAN, is_counted=name in counted)
                if changed is not None:
                    setattr(owner, name, changed)
                    shifted.append(name)
    return shifted


def shift(value: Any, by: int, *, is_counted: bool) -> Any:
    """Return a counter that begins ``by`` later; None if ``value`` is no counter."""
    if isinstance(value, itertools.count):
        start, step = count_of(value)
        return itertools.count(start + by, step)
    if is_counted and type(value) is int:
        return value + by
    return None


def count_of(counter: itertools.count[Any]) -> tuple[Any, Any]:
    """Return the next value of ``counter`` and its step, without advancing it."""
    # Its text is ``count(3)`` or ``count(3, 2)``, and both are literals.
    values = ast.literal_eval(repr(counter).removeprefix("count"))
    return values if isinstance(values, tuple) else (values, 1)


def classes_of(module: ModuleType) -> Iterator[type]:
    """Yield the classes that ``module`` defines."""
    for value in list(vars(module).values()):
        if isinstance(value, type) and value.__module__ == module.__name__:
            yield value


def counted_up(module: ModuleType) -> frozenset[str]:
    """Return the names that functions of ``module`` count up by ``+=``: globals and attributes.

    A number that is compared with something is no identifier, and is left as it is.
    """
    try:
        with open(module.__file__ or "", encoding="utf-8") as file:  # noqa: PTH123 - a path as text
            tree = ast.parse(file.read())
    except (OSError, SyntaxError, ValueError):
        return frozenset()
    names = set()
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        nodes = list(ast.walk(function))
        of_module = {name for node in nodes if isinstance(node, ast.Global) for name in node.names}
        for node in nodes:
            if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Add):
                target = node.target
                if isinstance(target, ast.Name) and target.id in of_module:
                    names.add(target.id)
                elif isinstance(target, ast.Attribute) and not is_self(target.value):
                    names.add(target.attr)
    return frozenset(names - compared(tree))


def compared(tree: ast.AST) -> set[str]:
    """Return the names of variables and attributes that ``tree`` compares."""
    parts = (
        part for node in ast.walk(tree) if isinstance(node, ast.Compare) for part in ast.walk(node)
    )
    return {
        part.id if isinstance(part, ast.Name) else part.attr
        for part in parts
        if isinstance(part, ast.Name | ast.Attribute)
    }


def is_self(node: ast.expr) -> bool:
    """Return whether ``node`` is ``self``, whose numbers belong to one user."""
    return isinstance(node, ast.Name) and node.id == "self"
