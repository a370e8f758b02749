"""Finds the names in a locustfile that nothing defines, without running it."""

from __future__ import annotations

import ast
import builtins
import symtable
from collections.abc import Iterator

OF_EVERY_MODULE = frozenset(
    {
        *("__name__", "__file__", "__doc__", "__package__", "__spec__", "__loader__"),
        *("__builtins__", "__path__", "__annotations__", "__module__", "__qualname__"),
        *("__debug__", "__class__"),
    }
)
"""Names that Python itself gives modules and class bodies."""

MAKES_NAMES = frozenset({"exec", "eval", "globals", "locals", "vars", "setattr", "NameError"})
"""Names whose use means that others may come to be at run time, or may be missing."""


def undefined_names(tree: ast.Module, text: str, name: str) -> list[tuple[str, int]]:
    """Return the names that are read and never defined, each with the first line that reads it.

    None where the file may get names in other ways, such as ``from locust import *``.
    """
    nodes = list(ast.walk(tree))
    if any(is_unknowable(node) for node in nodes):
        return []
    try:
        table = symtable.symtable(text, name, "exec")
    except (SyntaxError, ValueError):
        return []
    tables = list(all_tables(table))
    defined = {*dir(builtins), *OF_EVERY_MODULE, *module_names(table), *global_names(tables)}
    reads = [node for node in nodes if isinstance(node, ast.Name) and is_read(node)]
    lines: dict[str, int] = {}
    for scope in tables:
        for symbol in scope.get_symbols():
            missing = symbol.get_name()
            if missing in defined or missing in lines or not symbol.is_referenced():
                continue
            if symbol.is_global() or scope is table:
                # Another scope above it may have a name of its own that is called so.
                own = [node.lineno for node in reads if node.id == missing]
                below = [line for line in own if line >= scope.get_lineno()]
                if below:
                    lines[missing] = min(below)
    return sorted(lines.items(), key=lambda entry: (entry[1], entry[0]))


def is_read(node: ast.Name) -> bool:
    """Return whether the value of a name is read."""
    return isinstance(node.ctx, ast.Load)


def is_unknowable(node: ast.AST) -> bool:
    """Return whether ``node`` makes names that its file does not show."""
    if isinstance(node, ast.ImportFrom):
        return any(entry.name == "*" for entry in node.names)
    return isinstance(node, ast.Name) and node.id in MAKES_NAMES


def all_tables(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    """Yield ``table`` and those inside of it."""
    yield table
    for child in table.get_children():
        yield from all_tables(child)


def module_names(table: symtable.SymbolTable) -> Iterator[str]:
    """Yield what the module itself defines."""
    for symbol in table.get_symbols():
        if is_defined(symbol):
            yield symbol.get_name()


def global_names(tables: list[symtable.SymbolTable]) -> Iterator[str]:
    """Yield what functions define for the whole module."""
    for table in tables:
        for symbol in table.get_symbols():
            if symbol.is_declared_global() and is_defined(symbol):
                yield symbol.get_name()


def is_defined(symbol: symtable.Symbol) -> bool:
    """Return whether the scope of ``symbol`` gives it a value."""
    return (
        symbol.is_assigned()
        or symbol.is_imported()
        or symbol.is_namespace()
        or symbol.is_annotated()
    )
