"""What the sample's modules import: no circle, and nothing of the harness."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter

from tests.app.conftest import ROOT


def imports_of(tree: ast.Module) -> Iterator[str]:
    """Give every module that is imported, also for the type checker alone."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


IMPORTS = {
    "app" if file.stem == "__init__" else f"app.{file.stem}": {
        *imports_of(ast.parse(file.read_text()))
    }
    for file in (ROOT / "app").glob("*.py")
}


def test_no_modules_import_each_other() -> None:
    own = {name: imported & IMPORTS.keys() - {name} for name, imported in IMPORTS.items()}

    order = list(TopologicalSorter(own).static_order())  # raises where there is a circle

    assert order[-2:] == ["app", "app.wsgi"]


def test_nothing_outside_of_the_application_is_imported() -> None:
    packages = {name.partition(".")[0] for imported in IMPORTS.values() for name in imported}

    assert not packages & {"loadtests", "scripts", "tests"}
