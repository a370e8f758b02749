"""Holds the house in order: who imports whom, what a pure package does, and how large things get.

`make lint` runs import-linter by the contracts of pyproject.toml. Here it is shown that it fails.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.checkout import CHECKOUT

PACKAGE = CHECKOUT / "loadtests"

CODE = tuple(
    file
    for name in ("app", "loadtests", "scripts", "tests")
    for file in (CHECKOUT / name).rglob("*.py")
)

IMPURE_CALLS = frozenset(
    {"open", "print", "input", "read_text", "read_bytes", "write_text", "write_bytes"}
)
"""I/O that needs no import, or only that of ``pathlib``, which is welcome as a type."""

MOST_AT_THE_TOP = 3
MOST_IN_A_PACKAGE = 14
MOST_LINES = 350
MOST_LINES_IN_A_FUNCTION = 50


def contracts() -> list[dict[str, list[str]]]:
    """Give the contracts of import-linter, as pyproject.toml has them."""
    settings = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())
    found: list[dict[str, list[str]]] = settings["tool"]["importlinter"]["contracts"]
    return found


def pure_files() -> list[Path]:
    """Give the files of all packages that the contracts call pure."""
    (pure,) = (each["source_modules"] for each in contracts() if "Pure" in each["name"])
    files = []
    for module in pure:
        path = CHECKOUT.joinpath(*module.split("."))
        files += sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    return files


def names_of(files: list[Path]) -> list[str]:
    return [str(file.relative_to(CHECKOUT)) for file in files]


@pytest.mark.parametrize("file", pure_files(), ids=names_of(pure_files()))
def test_a_pure_module_reads_and_writes_no_file_and_prints_nothing(file: Path) -> None:
    calls = {
        node.func.id if isinstance(node.func, ast.Name) else node.func.attr
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute)
    }

    assert calls & IMPURE_CALLS == set()


def test_a_module_that_calls_itself_pure_is_in_a_package_that_is_held_to_it() -> None:
    saying = [
        file
        for file in PACKAGE.rglob("*.py")
        if "PURE." in (ast.get_docstring(ast.parse(file.read_text())) or "")
    ]

    assert set(names_of(saying)) <= set(names_of(pure_files()))


def lint_imports(folder: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [str(linter), "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(PACKAGE, tmp_path / "loadtests", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", tmp_path)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parallel
@pytest.mark.parametrize(
    ("file", "line", "broken"),
    [
        ("planning/budget.py", "from loadtests.report import rounding", "Data flows one way"),
        ("analysis/intervals.py", "import time", "Pure packages do no I/O"),
        ("analysis/verdict.py", "from loadtests.tools import proc", "Pure packages do no I/O"),
        ("strays.py", "A = 1", "Data flows one way"),
        ("generator/order.py", "from loadtests.model import plan", "The generator stands alone"),
        ("pipeline.py", "import locust", "The harness never imports Locust"),
        ("results/export.py", "import subprocess", "One package starts processes"),
    ],
)
def test_lint_fails_when_a_wall_of_the_house_is_broken(
    copy: Path, file: str, line: str, broken: str
) -> None:
    changed = copy / "loadtests" / file
    before = changed.read_text() if changed.exists() else ""
    changed.write_text(f"{before}\n{line}\n")

    done = lint_imports(copy)

    assert done.returncode == 1
    assert any(
        broken in row and "BROKEN" in row for row in done.stdout.replace("\n", " ").split("KEPT")
    )


OWN_FOLDERS = frozenset({"tools/temporary.py", "environments/processes/leftovers.py"})
"""What makes temporary folders, and finds those of dead makers. The generator imports neither."""


def test_every_temporary_folder_of_the_harness_is_one_that_a_killed_process_does_not_leave() -> (
    None
):
    makers = {
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if not file.is_relative_to(PACKAGE / "generator")
        and {"mkdtemp", "TemporaryDirectory"} & set(re.findall(r"\w+", file.read_text()))
    }

    assert makers == OWN_FOLDERS


TEXT_MODE = re.compile(r"[rwax]t?\+?")


def reads_by_the_locale(call: ast.Call) -> bool:
    """Tell whether a call reads or writes text, and does not say that it is UTF-8.

    ``path.open()`` alone counts as no text: other things than files are opened so, too.
    """
    is_method = isinstance(call.func, ast.Attribute)
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    given = {each.arg: each.value for each in call.keywords}
    words = (*call.args[:2], given.get("mode"))
    modes = [str(word.value) for word in words if isinstance(word, ast.Constant)]
    is_binary = any("b" in mode for mode in modes)
    if "encoding" in given:
        return False
    if name in {"read_text", "write_text"}:
        return is_method
    if name == "fdopen":
        return not is_binary
    return name == "open" and (
        any(TEXT_MODE.fullmatch(mode) for mode in modes)
        or (not is_binary and (not is_method or "errors" in given))
    )


@pytest.mark.parametrize(
    ("text", "by_the_locale"),
    [
        ("path.open()", False),  # a generator's or a backend's, for all that can be seen
        ("path.open(errors='replace')", True),
        ("path.open(mode='a')", True),
        ("path.open('w')", True),
        ("path.open('rb')", False),
        ("path.open(errors='replace', encoding='utf-8')", False),
        ("open(path)", True),
        ("open(path, 'w+')", True),
        ("open(path, mode='rb')", False),
        ("os.open(path, flags)", False),
        ("os.fdopen(number)", True),
        ("path.read_text(errors='replace')", True),
    ],
)
def test_text_in_the_encoding_of_the_locale_is_known(text: str, *, by_the_locale: bool) -> None:
    call = ast.parse(text, mode="eval").body

    assert isinstance(call, ast.Call)
    assert reads_by_the_locale(call) is by_the_locale


def test_no_text_of_the_harness_is_in_the_encoding_of_the_users_locale() -> None:
    places = [
        f"{file.relative_to(CHECKOUT)}:{node.lineno}"
        for file in sorted(PACKAGE.rglob("*.py"))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and reads_by_the_locale(node)
    ]

    assert places == []


OF_THE_CURRENT_FOLDER = re.compile(r"sys\.executable,\s*[\"']-m[\"']")
"""A module that this Python is to run, without ``-P``: the current folder comes first then."""


def test_no_module_is_started_that_imports_from_the_folder_where_the_user_happens_to_be() -> None:
    starters = [
        str(file.relative_to(PACKAGE))
        for file in PACKAGE.rglob("*.py")
        if OF_THE_CURRENT_FOLDER.search(file.read_text())
    ]

    assert starters == []


def test_few_modules_lie_directly_in_the_package() -> None:
    modules = [file.name for file in PACKAGE.glob("*.py") if file.name != "__init__.py"]

    assert len(modules) <= MOST_AT_THE_TOP


def test_no_package_has_more_modules_than_a_reader_can_survey() -> None:
    crowded = {
        str(folder.relative_to(CHECKOUT)): len(modules)
        for folder in PACKAGE.rglob("*")
        if folder.is_dir()
        and len(modules := [f for f in folder.glob("*.py") if f.name != "__init__.py"])
        > MOST_IN_A_PACKAGE
    }

    assert crowded == {}


def test_no_module_is_too_long_to_read_at_once() -> None:
    long = {
        str(file.relative_to(CHECKOUT)): lines
        for file in CODE
        if (lines := len(file.read_text().splitlines())) > MOST_LINES
    }

    assert long == {}


def test_no_function_is_too_long_to_hold_in_mind() -> None:
    long = {name: lines for file in CODE for name, lines in functions(file)}

    assert {name: lines for name, lines in long.items() if lines > MOST_LINES_IN_A_FUNCTION} == {}


def functions(file: Path) -> Iterator[tuple[str, int]]:
    """Give the functions of a file by name, with their lines."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno:
            where = f"{file.relative_to(CHECKOUT)}:{node.lineno} {node.name}"
            yield where, node.end_lineno - node.lineno + 1
