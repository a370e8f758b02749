"""The parts of a locustfile that listen to Locust's events, which its users do not run."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence


def in_listeners(nodes: Sequence[ast.AST]) -> Iterator[ast.AST]:
    """Yield what is inside of functions that listen to Locust's events.

    These are those that ``add_listener`` decorates or is given, and those that the file names
    nowhere but in listeners.
    """
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    calls = [node for node in nodes if isinstance(node, ast.Call) and adds(node.func)]
    names = {last_name(node) for call in calls for node in given_by(call)}
    listening = [
        one for one in functions if one.name in names or any(map(adds, one.decorator_list))
    ]
    inside = {id(node) for one in (*calls, *listening) for node in ast.walk(one)}
    others = [one for one in functions if one not in listening and not one.decorator_list]
    while helpers := [one for one in others if is_named_inside_only(one, nodes, inside)]:
        inside |= {id(node) for one in helpers for node in ast.walk(one)}
        others = [one for one in others if one not in helpers]
    yield from (node for node in nodes if id(node) in inside)


def adds(node: ast.AST) -> bool:
    """Return whether ``node`` is an event's ``add_listener``."""
    return name_of(node).endswith(".add_listener")


def given_by(call: ast.Call) -> Iterator[ast.AST]:
    """Yield what a call is given, also inside of ``partial(...)``, but not what a lambda calls."""
    left: list[ast.AST] = [*call.args, *call.keywords]
    while left:
        node = left.pop()
        yield node
        if not isinstance(node, ast.Lambda):
            left += ast.iter_child_nodes(node)


def is_named_inside_only(
    function: ast.FunctionDef, nodes: Sequence[ast.AST], inside: Collection[int]
) -> bool:
    """Return whether all that names ``function``, outside of itself, is ``inside``."""
    own = set(map(id, ast.walk(function)))
    naming = [node for node in nodes if last_name(node) == function.name and id(node) not in own]
    return bool(naming) and all(id(node) in inside for node in naming)


def last_name(node: ast.AST) -> str:
    """Return the last part of a name with dots."""
    return name_of(node).rpartition(".")[2]


def name_of(node: ast.AST) -> str:
    """Return a name with dots, such as ``self.client``; parts that are none are left out."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        owner = name_of(node.value)
        return f"{owner}.{node.attr}" if owner else node.attr
    return ""
