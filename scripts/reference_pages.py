#!/usr/bin/env python3
"""Write the parts of docs/reference that follow from the code.

A page marks such a part by two comments, ``<!-- generated: commands -->`` and ``<!-- end -->``;
what stands between them is replaced.

    python3 scripts/reference_pages.py             # write
    python3 scripts/reference_pages.py --check     # only tell whether something would change
"""

from __future__ import annotations

import argparse
import inspect
import json
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from loadtests.analysis import verdict
from loadtests.analysis.rules.registry import RULES
from loadtests.cli.app import cli
from loadtests.config.tables.schema import TABLES
from loadtests.environments import registry as backends
from loadtests.gate.analysis import verdict as gate_verdict
from loadtests.model import errors
from loadtests.model.vocabulary import RuleCode
from loadtests.report.formats.registry import FORMATS
from loadtests.report.text import story
from loadtests.servers import registry as servers
from loadtests.servers.server import Server
from loadtests.targets.workloads import WORKLOADS

PROJECT = Path(__file__).resolve().parent.parent
PAGES = PROJECT / "docs" / "reference"
SCHEMA = PAGES / "run.schema.json"

PART = re.compile(r"(<!-- generated: (?P<name>[\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
DEFAULT = re.compile(r"\s*\[default: (?P<value>.*)\]$")


def main(argv: Sequence[str] | None = None) -> int:
    """Write the pages, or with ``--check`` tell which are out of date, and give the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n", maxsplit=1)[0])
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if out of date")
    check = parser.parse_args(argv).check
    stale = {
        path: made
        for path in sorted(PAGES.glob("*.md"))
        if (made := filled(before := path.read_text())) != before
    }
    for path, made in stale.items():
        print(f"{path.relative_to(PROJECT)} {'is out of date' if check else 'is written anew'}.")
        if not check:
            path.write_text(made)
    return 1 if check and stale else 0


def filled(page: str) -> str:
    """Return a page with its generated parts as the code has them now."""
    return PART.sub(lambda part: f"{part[1]}\n{PARTS[part['name']]()}\n{part[3]}", page)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(map(_cell, line))} |\n" for line in lines)


def commands() -> str:
    """Return a section for each command: what it does, its usage and its options."""
    # With its settings: click keeps the help option that the first context asked for.
    root = click.Context(cli, info_name="twofold", **cli.context_settings)
    return "\n".join(_command(command, context) for command, context in _tree(cli, root))


def _tree(
    command: click.Command, context: click.Context
) -> Iterator[tuple[click.Command, click.Context]]:
    yield command, context
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            child = command.get_command(context, name)
            if child is not None:
                yield from _tree(child, click.Context(child, info_name=name, parent=context))


def _command(command: click.Command, context: click.Context) -> str:
    usage = f"{context.command_path} {' '.join(command.collect_usage_pieces(context))}"
    parts = [f"## {context.command_path}\n", f"```text\n{usage}\n```\n"]
    if command.help:
        paragraphs = inspect.cleandoc(command.help).split("\n\n")
        parts.insert(1, "".join(f"{_one_line(paragraph)}\n" for paragraph in paragraphs[:1]))
        parts += [f"{_one_line(paragraph)}\n" for paragraph in paragraphs[1:]]
    records = [
        record
        for parameter in command.params
        if (record := parameter.get_help_record(context)) is not None and record[1]
    ]
    parts.append(table(("option", "meaning", "default"), map(_option, records)))
    return "\n".join(parts)


def _option(record: tuple[str, str]) -> tuple[str, str, str]:
    names, text = record
    found = DEFAULT.search(text)
    return f"`{names}`", DEFAULT.sub("", text), f"`{found['value']}`" if found else ""


def run_verdicts() -> str:
    """Return the verdicts of a run, the worst first, each with its words and exit code."""
    rows = (
        (f"`{each}`", story.VERDICTS[each], str(verdict.EXIT_CODES[each]))
        for each in verdict.SEVERITY
    )
    return table(("verdict", "in reports", "exit code"), rows)


def gate_verdicts() -> str:
    """Return the verdicts of a gate, each with its exit code."""
    rows = ((f"`{each}`", str(code)) for each, code in gate_verdict.EXIT_CODES.items())
    return table(("verdict", "exit code"), rows)


def failures() -> str:
    """Return every kind of failure with its exit code."""
    kinds = [
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.TwofoldError)
    ]
    rows = (
        (f"`{kind.__name__}`", _exit_code(kind), _summary(kind))
        for kind in sorted(kinds, key=lambda kind: (kind.exit_code, kind.__name__))
    )
    return table(("failure", "exit code", "when"), rows)


def _exit_code(kind: type[errors.TwofoldError]) -> str:
    return "130 or 143" if kind is errors.Interrupted else str(kind.exit_code)


def rules() -> str:
    """Return every validity rule: what is true where it holds, and what to do where it does not."""
    rows = ((f"`{code}`", RULES[code].about, story.ADVICE[code]) for code in RuleCode)
    return table(("rule", "holds when", "what to do when it is broken"), rows)


def backend_kinds() -> str:
    """Return the backends, and what `--backend` takes beside them."""
    rows = ((f"`{name}`", about) for name, about in backends.names().items())
    return table(("`--backend`", "what the servers run in"), rows)


def worker_models() -> str:
    """Return the worker models and how each is set up."""
    rows = (
        (
            f"`{worker.name}`",
            server.name,
            str(worker.processes),
            str(worker.threads),
            "no limit" if worker.slots is None else str(worker.slots),
        )
        for server in servers.SERVERS.values()
        for worker in server.worker_models
    )
    return table(
        ("worker model", "server", "processes", "threads in each", "requests at once"), rows
    )


def web_servers() -> str:
    """Return the servers, what installs each, and what the proxy may assume of it."""
    rows = (
        (
            f"`{server.name}`",
            server.about,
            f"`pip install {server.install}`" if server.install else "",
            _idle(server),
            "" if server.backlog is None else str(server.backlog),
            server.queue,
        )
        for server in servers.SERVERS.values()
    )
    return table(
        ("server", "what it is", "install", "idle connections", "backlog", "listen queue"), rows
    )


def _idle(server: Server) -> str:
    if not server.worker_models:
        return "found out at the start"
    idle_s = server.keep_alive(server.worker_models[0]).idle_s
    if idle_s is None:
        return "found out at the start"
    return "closed after each answer" if idle_s == 0 else f"kept for {idle_s:g} s"


def workloads() -> str:
    """Return the built-in workloads and what each asks for."""
    rows = (
        (
            f"`{workload.name}`",
            workload.about,
            f"`GET {workload.path}`"
            if workload.locustfile is None
            else f"locustfile `{workload.locustfile}.py`",
            "yes" if workload.needs_store else "no",
        )
        for workload in WORKLOADS.values()
    )
    return table(("workload", "a request", "requests", "needs PostgreSQL"), rows)


def formats() -> str:
    """Return the files that a run's result is written to."""
    rows = ((f"`{form.name}`", f"`{form.file}`", form.about) for form in FORMATS.values())
    return table(("`--format`", "file", "what for"), rows)


def configuration() -> str:
    """Return a table of keys for the configuration and for each table in it."""
    parts = []
    for heading, kind in TABLES.items():
        rows = (
            (
                f"`{field.alias or name}`",
                f"`{(field.examples or ['…'])[0]}`",
                _one_line(field.description or ""),
            )
            for name, field in kind.model_fields.items()
            if field.examples or name != "items"  # the values of a list have no key in the file
        )
        about = _one_line((inspect.getdoc(kind) or "").split("\n\n")[0])
        keys = table(("key", "example", "meaning"), rows)
        parts.append(f"### {heading}\n\n{about}\n\n{keys}")
    return "\n".join(parts)


def run_json() -> str:
    """Return a table of fields for the whole of run.json and for each record in it."""
    schema = json.loads(SCHEMA.read_text())
    records = {"run.json": schema} | dict(sorted(schema["$defs"].items()))
    return "\n".join(_record(name, record) for name, record in records.items())


def _record(name: str, record: dict[str, Any]) -> str:
    heading = f"### {name}\n\n{_code(_one_line(record.get('description', '')))}\n"
    if "enum" in record:
        return f"{heading}\nOne of {', '.join(f'`{value}`' for value in record['enum'])}.\n"
    rows = ((f"`{field}`", _type(kind)) for field, kind in record.get("properties", {}).items())
    return f"{heading}\n{table(('field', 'type'), rows)}"


def _type(kind: dict[str, Any]) -> str:
    """Return a field's type in words, with links to the records that it is made of."""
    if "$ref" in kind:
        name = kind["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in kind:
        return " or ".join(map(_type, kind["anyOf"]))
    if kind.get("type") == "array":
        items = kind.get("items") or {}
        return f"list of {_type(items)}" if items else "list"
    if kind.get("type") == "object" and isinstance(kind.get("additionalProperties"), dict):
        return f"object of {_type(kind['additionalProperties'])}"
    return str(kind.get("type", "any"))


def _summary(documented: object) -> str:
    return _code(_one_line((inspect.getdoc(documented) or "").split("\n\n")[0]))


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _code(text: str) -> str:
    """Return reStructuredText's ``code`` as Markdown's `code`."""
    return text.replace("``", "`")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "run-verdicts": run_verdicts,
    "gate-verdicts": gate_verdicts,
    "failures": failures,
    "rules": rules,
    "worker-models": worker_models,
    "servers": web_servers,
    "workloads": workloads,
    "backends": backend_kinds,
    "formats": formats,
    "configuration": configuration,
    "run-json": run_json,
}
"""Every part that a page may ask for, by the name in its comment."""


if __name__ == "__main__":
    sys.exit(main())
