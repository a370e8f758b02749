"""Files that somebody has changed: one message, no traceback, nothing written anywhere else."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

from loadtests.cli.boundary import run_command_line
from loadtests.gate import result_files
from loadtests.model.errors import EXIT_CANNOT_TELL, EXIT_ENVIRONMENT, EXIT_NO, EXIT_USAGE, EXIT_YES
from loadtests.tools import proc
from scripts.reliability.harness import PROJECT
from scripts.reliability.record import Broken, Case

EVERY = 100
"""Mutations that are one case."""

NEIGHBOUR = "20260101-000000-7"
"""The folder of another run beside the one that is read."""

VALUES: tuple[Any, ...] = (
    *(NEIGHBOUR, f"../{NEIGHBOUR}"),
    *(None, True, -1, 0, 1e308, -1e308, 10**400, "", "x" * 10_000, [], {}, [[[[]]]]),
    *("../../../../etc/passwd", "/etc/passwd", "..", "a\0b", "\x1b[2J", "::error::x", "é\ud800"),
    *("NaN", float("nan"), float("inf"), {"a": 1}, [1, 2, 3], "2026-13-45T99:99:99"),
)
MADE_AGAIN = "run.json"
"""No command reads it: reports are made from the other files."""

CODES = {EXIT_YES, EXIT_NO, EXIT_USAGE, EXIT_CANNOT_TELL}
"""A harmless change may leave the verdict as it was."""

CONFIGURATION = """
[tool.twofold]
target = "shop:create_app()"
health = "/healthz"

[tool.twofold.workloads.browse]
requests = ["3 GET /", {method = "POST", path = "/cart", json = {item = 7}, expect = 201}]

[tool.twofold.workloads.shopping]
locustfile = "locustfile.py"
"""

Mutate = Callable[[Random, Path], list[str]]
"""Changes a file in a folder with a run and a gate, and returns the command that reads it."""


def cases(*, full: bool) -> Iterator[Case]:
    """Give 10,000 mutations; in the short form one case of each kind of file."""
    for number in range(100 if full else len(KINDS)):
        kind = list(KINDS)[number % len(KINDS)]
        yield Case(name=f"{kind} {number + 1} × {EVERY}", run=partial(_holds, kind, number))


def _holds(kind: str, seed: int, folder: Path) -> str:
    source = folder / "source"
    source.mkdir()
    _make(source)
    rng = Random(seed)
    codes: dict[int, int] = {}
    for _ in range(EVERY):
        own = folder / "own"
        shutil.copytree(source, own / "results")
        code = _read(KINDS[kind](rng, own / "results"), folder, own)
        codes[code] = codes.get(code, 0) + 1
        shutil.rmtree(own)
    return ", ".join(f"exit {code}: {count}" for code, count in sorted(codes.items()))


def _make(results: Path) -> None:
    """Make a run, another beside it, a gate, and a history of gates, on stubs."""
    for kind in ("run", "gate"):
        proc.run(
            (sys.executable, "-m", "scripts.reliability.stub_run", kind, str(results)),
            env={"PYTHONPATH": str(PROJECT), "TWOFOLD_LOCK_FOLDER": str(results)},
            timeout_s=120.0,
        )
    shutil.copytree(_run_of(results), results / NEIGHBOUR)
    gate = result_files.read(_gate_of(results))
    for release in ("1.0", None, None):
        result_files.add_to_history(results, gate, release=release)


def _read(words: list[str], folder: Path, own: Path) -> int:
    """Run the command, hold its end to the promise, and return its code."""
    place = own_of(words)
    before = tree(folder, place)
    stdout, stderr = io.StringIO(), io.StringIO()
    here = Path.cwd()
    os.chdir(own / "results")
    try:
        with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
            code = run_command_line(words)
    finally:
        os.chdir(here)
    told = stderr.getvalue()
    allowed = CODES | ({EXIT_ENVIRONMENT} if words[0] == "plan" else set())
    if code not in allowed or "Traceback" in told:
        raise Broken(f"{' '.join(words)}: exit {code}: {told[-600:]}")
    if "\x1b" in told + stdout.getvalue() or "\n::" in told:
        raise Broken(f"{' '.join(words)}: it prints what somebody wrote")
    if changed := before ^ tree(folder, place):
        paths = ", ".join(sorted({path for path, *_ in changed})[:3])
        raise Broken(f"{' '.join(words)}: outside of the run's folder, it wrote {paths}")
    return code


def own_of(words: list[str]) -> Path | None:
    """Return the folder of the run or gate that a command names, or None: it may write nowhere."""
    named = Path(words[-1])
    if words[0] == "plan" or "history" in words:
        return None
    return named if named.is_dir() else named.parent


def tree(folder: Path, allowed: Path | None) -> set[tuple[str, int, int]]:
    """Return the paths in a folder but for those in ``allowed``, with files' times and sizes."""
    found = set()
    for path in folder.rglob("*"):
        if allowed is not None and path.is_relative_to(allowed):
            continue
        facts = path.lstat()
        is_folder = path.is_dir() and not path.is_symlink()
        # The time of a folder says only that something in it has changed.
        found.add((str(path), 0, 0) if is_folder else (str(path), facts.st_mtime_ns, facts.st_size))
    return found


# -- mutations ----------------------------------------------------------------------------------


def _bytes(rng: Random, data: bytes) -> bytes:
    """Return data with a piece cut out, doubled, or overwritten."""
    start = rng.randrange(len(data))
    end = min(len(data), start + rng.choice((1, 2, 10, 1000)))
    noise = bytes(rng.randrange(256) for _ in range(rng.choice((1, 4, 40))))
    middle = rng.choice((b"", data[start:end] * 2, noise, b"\0", b"[" * 5000))
    return data[:start] + middle + (b"" if rng.random() < 0.1 else data[end:])


def _value(rng: Random, document: Any) -> Any:
    """Put a strange value somewhere into a document."""
    place: Any = document
    holder: Any = None
    key: Any = None
    while isinstance(place, dict | list) and place and (holder is None or rng.random() < 0.85):
        holder = place
        key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
        place = place[key]
    if holder is None:
        return rng.choice(VALUES)
    if isinstance(holder, dict) and rng.random() < 0.2:
        del holder[key]
    else:
        holder[key] = rng.choice(VALUES)
    return document


def _mutated(rng: Random, data: bytes) -> bytes:
    if rng.random() < 0.4:
        return _bytes(rng, data)
    document = _value(rng, json.loads(data))
    return json.dumps(document, ensure_ascii=rng.random() < 0.5).encode(errors="surrogatepass")


def _run_of(results: Path) -> Path:
    (run,) = (path for path in results.glob("[0-9]*-*") if path.name != NEIGHBOUR)
    return run


def _gate_of(results: Path) -> Path:
    (gate,) = results.glob("gate-*")
    return gate


def _journal(rng: Random, results: Path) -> list[str]:
    journal = _run_of(results) / "trials.jsonl"
    lines = journal.read_bytes().splitlines()
    number = rng.randrange(len(lines))
    lines[number] = _mutated(rng, lines[number])
    journal.write_bytes(b"\n".join(lines) + (b"\n" if rng.random() < 0.8 else b""))
    return ["report" if rng.random() < 0.7 else "export", str(journal.parent)]


def _plan(rng: Random, results: Path) -> list[str]:
    path = rng.choice([path for path in _run_of(results).glob("*.json") if path.name != MADE_AGAIN])
    path.write_bytes(_mutated(rng, path.read_bytes()))
    return [rng.choice(("report", "compare", "explain")), str(path.parent)]


def _samples(rng: Random, results: Path) -> list[str]:
    samples = sorted(_run_of(results).glob("samples/*"))
    path = rng.choice(samples)
    path.write_bytes(_bytes(rng, path.read_bytes()))
    return ["report" if rng.random() < 0.7 else "export", str(_run_of(results))]


def _history(rng: Random, results: Path) -> list[str]:
    path = results / result_files.HISTORY
    lines = path.read_bytes().splitlines()
    number = rng.randrange(len(lines))
    lines[number] = _mutated(rng, lines[number])
    path.write_bytes(b"\n".join(lines) + b"\n")
    form = rng.choice(([], ["--csv"], ["--json"]))
    return ["gate", "history", *form, "--out", str(results)]


def _verdict(rng: Random, results: Path) -> list[str]:
    path = _gate_of(results) / "verdict.json"
    path.write_bytes(_mutated(rng, path.read_bytes()))
    return ["gate", "--judge", str(path)]


def _configuration(rng: Random, results: Path) -> list[str]:
    text = CONFIGURATION.encode()
    (results / "pyproject.toml").write_bytes(_bytes(rng, text))
    return ["plan"]


def _locustfile(rng: Random, results: Path) -> list[str]:
    (results / "empty.py").write_text("")
    names = ("../../etc/passwd", "/etc/passwd", "/dev/zero", "a\x1bb", "..", "x.py", "empty.py")
    return ["plan", "--locustfile", rng.choice(names)]


KINDS: dict[str, Mutate] = {
    "journal": _journal,
    "plan.json": _plan,
    "samples": _samples,
    "verdict.json": _verdict,
    "history of gates": _history,
    "pyproject.toml": _configuration,
    "path of a locustfile": _locustfile,
}
