"""Which function a line belongs to, and which line of another version it is, from sources. PURE.

A sampler knows a frame's file, line and bare name. Two methods of one file may share their name,
and lines move from version to version. The source gives the qualified name.
"""

from __future__ import annotations

import ast
import difflib
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

MOST_LINES = 4000
"""Files with more lines are compared roughly: an exact comparison takes seconds."""


def bare(name: str) -> str:
    """Return the last part of a name: ``get`` of ``Shop.get``."""
    return name.rpartition(".")[2]


def is_inner(name: str) -> bool:
    """Return whether a frame is a lambda's or a comprehension's."""
    return bare(name).startswith("<")


@dataclass(frozen=True, kw_only=True)
class Definition:
    """A function of a file: its qualified name (``Class.method``), its first and last line."""

    name: str
    first: int
    last: int

    @property
    def bare_name(self) -> str:
        """The name without what is around the function."""
        return bare(self.name)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file's text, and the functions in it, the outer ones first.

    ``is_parsed`` is whether it is the Python of this interpreter; else its functions are not known.
    """

    text: str
    definitions: tuple[Definition, ...] = field(default=())
    is_parsed: bool = True

    @classmethod
    def of(cls, text: str) -> Source:
        """Return a text with its functions."""
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # they are for whoever wrote the text
                tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError):
            return cls(text=text, is_parsed=False)
        return cls(text=text, definitions=tuple(_definitions(tree, "")))

    def has(self, name: str) -> bool:
        """Return whether the file has a function of this qualified name, or is that module."""
        if name == "<module>":
            return bool(self.text)
        return any(definition.name == name for definition in self.definitions)

    def function_at(self, line: int, name: str) -> Definition | None:
        """Return the innermost function around a line; None for the module itself.

        ``name`` is that of the frame, bare or qualified.

        A lambda and a comprehension belong to the function around them. Where the function at the
        line has another name than the frame, the only function of the frame's name is meant.
        """
        bare_name = bare(name)
        around = [each for each in self.definitions if each.first <= line <= each.last]
        if is_inner(name):
            return around[-1] if around else None
        for definition in reversed(around):
            if definition.bare_name == bare_name:
                return definition
        named = [each for each in self.definitions if each.bare_name == bare_name]
        return named[0] if len({each.name for each in named}) == 1 else None


def _definitions(node: ast.AST, outer: str) -> Iterator[Definition]:
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            name = f"{outer}.{child.name}" if outer else child.name
            if not isinstance(child, ast.ClassDef):
                first = min([child.lineno, *(each.lineno for each in child.decorator_list)])
                yield Definition(name=name, first=first, last=child.end_lineno or child.lineno)
            yield from _definitions(child, name)
        else:
            yield from _definitions(child, outer)


def moved_lines(before: str, after: str) -> Mapping[int, int]:
    """Return for each line of a text that is in a later one too, its number there.

    Numbers begin with 1. The lines that two texts have in common are those of ``difflib``
    (Ratcliff and Metzener 1988).
    """
    old, new = before.splitlines(), after.splitlines()
    matcher = difflib.SequenceMatcher(None, old, new, autojunk=len(old) > MOST_LINES)
    return {
        block.a + offset + 1: block.b + offset + 1
        for block in matcher.get_matching_blocks()
        for offset in range(block.size)
    }
