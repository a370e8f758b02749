"""Holds the lines that design.md draws between the modules, by reading their imports.

A pure module reaches no I/O, neither itself nor through another module of ours; and nothing of the
harness reaches Locust, which patches the whole process that imports it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "loadtests"

PURE = (
    "plan",
    "options",
    "budget",
    "rotation",
    "samples",
    "rows",
    "raw",
    "validity",
    "rules",
    "analysis",
    "statistics",
    "corespeed",
    "laws",
    "latency",
    "ceiling",
    "bottleneck",
    "verdict",
    "report",
    "model",
    "errors",
    "probed",
    "probe",
    *(
        f"gate/{name}"
        for name in (
            *("model", "options", "plan", "levels", "decision", "values", "findings", "figures"),
            *("verdict", "verdict_json", "texts", "markdown", "junit", "terminal", "github"),
            *("calibration", "calibration_text", "history", "html"),
        )
    ),
)
"""Modules and packages that design.md calls pure."""

IMPURE_MODULES = frozenset(
    {
        *("asyncio", "concurrent", "ctypes", "docker", "fcntl", "glob", "http", "httptools"),
        *("locust", "gevent", "logging", "mmap", "multiprocessing", "os", "psycopg", "queue"),
        *("requests", "resource", "select", "selectors", "shutil", "signal", "socket", "sqlite3"),
        *("subprocess", "sys", "tempfile", "threading", "time", "urllib", "urllib3", "webbrowser"),
    }
)
"""What does I/O, waits, or reads the clock or the environment."""

IMPURE_CALLS = frozenset(
    {"open", "print", "input", "read_text", "read_bytes", "write_text", "write_bytes"}
)
"""I/O that needs no import, or only that of ``pathlib``, which is welcome as a type."""

PATCHED = ("locust", "gevent", "loadtests.generator", "loadtests.scenarios")


@cache
def source_of(module: str) -> Path | None:
    """Give the file of one of our modules, or None for another's."""
    path = PACKAGE.parent.joinpath(*module.split("."))
    for file in (path.with_suffix(".py"), path / "__init__.py"):
        if file.is_file():
            return file
    return None


@cache
def imports_of(file: Path) -> frozenset[str]:
    """Give every module that a file imports, wherever in it; those for the type checker too."""
    return frozenset(_imports(ast.parse(file.read_text())))


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            for alias in node.names:
                name = f"{node.module}.{alias.name}"
                if source_of(name) is not None:
                    yield name


def reached_from(module: str) -> dict[str, tuple[str, ...]]:
    """Give every module that a module reaches through ours, each with the way there."""
    ways: dict[str, tuple[str, ...]] = {module: (module,)}
    waiting = [module]
    while waiting:
        here = waiting.pop()
        file = source_of(here)
        for name in sorted(imports_of(file)) if file else ():
            if name not in ways:
                ways[name] = (*ways[here], name)
                waiting.append(name)
    return ways


def modules_below(*names: str) -> list[str]:
    found = []
    for name in names:
        folder = PACKAGE / name
        files = sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{name}.py"]
        for file in files:
            parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
            found.append(".".join(part for part in parts if part != "__init__"))
    return found


HARNESS = [
    module
    for module in modules_below(
        *(path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or path.is_dir())
    )
    if not module.startswith(PATCHED) and "__pycache__" not in module
]


@pytest.mark.parametrize("module", modules_below(*PURE))
def test_a_pure_module_reaches_no_io(module: str) -> None:
    ways = {
        " → ".join(way)
        for name, way in reached_from(module).items()
        if name.split(".")[0] in IMPURE_MODULES
    }

    assert ways == set()


@pytest.mark.parametrize("module", modules_below(*PURE))
def test_a_pure_module_reads_and_writes_no_file_and_prints_nothing(module: str) -> None:
    file = source_of(module)
    assert file is not None
    calls = {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    }

    assert calls & IMPURE_CALLS == set()


@pytest.mark.parametrize("module", HARNESS)
def test_nothing_of_the_harness_reaches_locust(module: str) -> None:
    ways = {
        " → ".join(way) for name, way in reached_from(module).items() if name.startswith(PATCHED)
    }

    assert ways == set()


def test_only_one_module_starts_processes() -> None:
    callers = {
        module
        for module in HARNESS
        if (file := source_of(module)) is not None and "subprocess" in imports_of(file)
    }

    assert callers == {"loadtests.tools.proc"}


def test_the_walk_itself_sees_what_is_reached_through_others() -> None:
    reached = reached_from("loadtests.pipeline")

    assert "subprocess" in reached
    assert reached["loadtests.model"][0] == "loadtests.pipeline"
    assert {"loadtests.rules.load", "loadtests.report.run_json"} <= set(reached)
