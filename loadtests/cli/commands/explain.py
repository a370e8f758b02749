"""``twofold explain``: say where the requests of a run spend their time."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loadtests.cli import output, results_folder
from loadtests.cli.parameters import json_option, out_option, run_argument
from loadtests.model.errors import EXIT_YES, UsageError
from loadtests.results import run_search
from loadtests.tools import signals

if TYPE_CHECKING:
    from loadtests.gate.model.result import GateResult
    from loadtests.model.result import RunResult

VERDICT = "verdict.json"
"""The file by which a gate's folder is known."""


@click.command("explain")
@run_argument
@out_option
@json_option
@signals.interruptible()
def command(*, name: str | None, out: Path | None, as_json: bool) -> int:
    """Say where requests wait, down to the line of code; the latest run is the default.

    Of a gate, say the functions whose CPU per request changed.
    """
    from loadtests import pipeline
    from loadtests.report.text import explanation
    from loadtests.results import run_folder, strange_values

    gate = _gate_named(out, name)
    if gate is not None:
        return _explain_gate(gate, as_json=as_json)
    folder = results_folder.run_in(out, name)
    with strange_values.refused(folder):
        result = pipeline.conclude(run_folder.read(folder))
        if not result.profiles.cells:
            raise UsageError(_without_profiles(result, folder))
        output.tell(
            as_json=as_json,
            document=lambda: _document(result),
            text=lambda: explanation.render(result, stacks=str(folder / run_folder.STACKS)),
        )
    return EXIT_YES


def _gate_named(out: Path | None, name: str | None) -> Path | None:
    """Return the folder of a gate by its path or id; None for another name."""
    if name is None:
        return None
    folders = (Path(name), Path(name).parent, results_folder.of(out) / name)
    named = folders if Path(name).name == VERDICT else (folders[0], folders[2])
    with run_search.looked_up(name):
        return next((folder for folder in named if (folder / VERDICT).is_file()), None)


def _explain_gate(folder: Path, *, as_json: bool) -> int:
    from loadtests.gate import result_files
    from loadtests.gate.report import functions_text

    result = result_files.read(folder)
    if not result.functions:
        raise UsageError(
            f"Gate {folder.name} has no profiles. They are made where something changed, or with"
            " `twofold gate --profile`."
        )
    output.tell(
        as_json=as_json,
        document=lambda: _functions(result),
        text=lambda: functions_text.explanation(result),
    )
    return EXIT_YES


def _without_profiles(result: RunResult, folder: Path) -> str:
    from loadtests.model.tested.target import TargetKind
    from loadtests.report.text import profiles

    if result.plan.tested.kind is TargetKind.URL:
        return f"Run {folder.name} has no profiles. {profiles.OF_A_URL}"
    return (
        f"Run {folder.name} has no profiles. Measure again with `twofold run --profile`"
        " (a run without --quick has them)."
    )


def _functions(result: GateResult) -> str:
    from pydantic import TypeAdapter

    from loadtests.model.profiles.functions import FunctionChanges

    adapter = TypeAdapter(dict[str, tuple[FunctionChanges, ...]])
    return adapter.dump_json({"functions": result.functions}, indent=1).decode() + "\n"


def _document(result: RunResult) -> str:
    from pydantic import TypeAdapter

    from loadtests.model.profiles.results import Profiles

    return TypeAdapter(Profiles).dump_json(result.profiles, indent=1).decode() + "\n"
