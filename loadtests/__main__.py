"""The command line, and the only place that turns errors into exit codes."""

from __future__ import annotations

import json
import secrets
import shlex
import sys
import traceback
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import click
from pydantic import TypeAdapter
from rich.console import Console

from loadtests import __version__, pipeline
from loadtests.analysis import verdict
from loadtests.cli.gate import gate
from loadtests.cli.progress import LiveProgress, PlainProgress
from loadtests.config import options
from loadtests.environments import machine_survey, registry, removal
from loadtests.environments.compose import projects
from loadtests.environments.processes import leftovers
from loadtests.environments.protocol import Say
from loadtests.measurement.progress import Progress
from loadtests.model import errors
from loadtests.model.plan import Cell, Plan
from loadtests.model.result import ComparisonResult, RunResult
from loadtests.planning.machine_check import examine
from loadtests.planning.run_plan import FIRST_PORT, make_plan
from loadtests.report.formats import run_json, terminal
from loadtests.report.text import doctor as doctor_text
from loadtests.report.text import plan as plan_text
from loadtests.results import export as export_files
from loadtests.results import report_files, run_folder
from loadtests.targets import checkout
from loadtests.tools import signals

PROXY_PORTS = range(FIRST_PORT, FIRST_PORT + 40)
"""As many as the default plan needs, with a few to spare."""

SEEDS = 2**31
"""Seeds are drawn below this, so that a person can type one."""

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Write one JSON document to standard output."
)


def _names(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if value else ()


def _numbers(context: click.Context, parameter: click.Parameter, value: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in _names(context, parameter, value))
    except ValueError:
        raise errors.UsageError(
            f"{parameter.opts[0]} is {value!r}; it takes whole numbers joined by commas."
            " Try --replicas 1,2,4."
        ) from None


def run_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a run to a command."""
    defaults = options.Options()
    for option in reversed(
        (
            click.option(
                "--backend",
                default="auto",
                show_default=True,
                help="auto, compose (Docker) or processes (without Docker).",
            ),
            click.option(
                "--workers",
                default=",".join(defaults.workers),
                show_default=True,
                callback=_names,
                help="Worker models to test.",
            ),
            click.option(
                "--replicas",
                default="1,2,4",
                show_default=True,
                callback=_numbers,
                help="Numbers of replicas to test.",
            ),
            click.option(
                "--workload",
                "workloads",
                default=None,
                callback=_names,
                help="What a request does: cpu, io, db, mixed.  [default: cpu]",
            ),
            click.option(
                "--rounds",
                type=int,
                default=None,
                help="Measure exactly so many rounds instead of until precise.",
            ),
            click.option(
                "--precision",
                "precision_ratio",
                type=float,
                default=defaults.precision_ratio,
                show_default=True,
                help="Wanted half-width of every factor's 95 % interval.",
            ),
            click.option(
                "--target",
                type=float,
                default=defaults.target,
                show_default=True,
                help='The factor that counts as "about twice".',
            ),
            click.option(
                "--quick",
                is_flag=True,
                help="Answer within 90 s, with the intervals that this allows.",
            ),
            click.option(
                "--latency",
                is_flag=True,
                help="Then measure latency in an open loop, at 50, 70 and 90 % of each capacity.",
            ),
            click.option(
                "--slo",
                default=None,
                metavar="p99=250ms",
                help="Find the highest rate that keeps this objective; implies --latency.",
            ),
            click.option(
                "--generator-processes",
                type=int,
                default=None,
                help="Processes that make the load.  [default: one a core that it has]",
            ),
            click.option(
                "--seed",
                type=int,
                default=None,
                help="Repeat the order and rotation of an earlier run.",
            ),
            click.option(
                "--probe",
                is_flag=True,
                help="Bring up the data store too, and try whether replicas share their state.",
            ),
            click.option(
                "--out",
                type=click.Path(path_type=Path),
                default=None,
                help="Folder for results.  [default: results/ of the project]",
            ),
        )
    ):
        command = option(command)
    return command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="twofold")
def cli() -> None:
    """Does doubling your servers double your throughput?

    Exit codes: 0 yes · 1 no · 2 usage · 3 cannot tell · 4 environment · 5 internal error.
    """


@cli.command()
@run_options
@json_option
def run(as_json: bool, **given: Any) -> int:
    """Measure whether throughput doubles when servers double."""
    request = _request(given)
    progress = _progress(quiet=False)
    progress.say(f"Backend {request.plan.backend}: {request.chosen.why}")
    for note in request.plan.notes:
        progress.say(note)
    try:
        result, folder = pipeline.run(request, progress)
    finally:
        progress.close()
    _tell(result, folder, as_json=as_json)
    return verdict.exit_code(result.verdict)


@cli.command()
@run_options
@json_option
def plan(as_json: bool, **given: Any) -> int:
    """Print what a run would do; start nothing."""
    request = _request(given)
    noted = plan_text.with_ceiling(request.plan, _last_run(request.results))
    if as_json:
        click.echo(TypeAdapter(Plan).dump_json(noted, indent=1).decode())
    else:
        click.echo(plan_text.render(noted, request.chosen.machine, request.chosen.why))
    return errors.EXIT_YES


@cli.command()
@click.argument("name", metavar="[RUN]", required=False)
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Folder of results.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(tuple(report_files.FILES)),
    default=None,
    help="Write this format to standard output instead.",
)
@click.option("--open", "show", is_flag=True, help="Open report.html in the browser.")
@json_option
def report(name: str | None, out: Path | None, kind: str | None, show: bool, as_json: bool) -> int:
    """Make the report of a run again, the latest by default; also of one that died."""
    folder = run_folder.find_run(_results(out), name)
    result = pipeline.report(run_folder.Store(folder))
    if kind is not None:
        click.echo(_written(folder, kind), nl=False)
    else:
        _tell(result, folder, as_json=as_json)
    if show:
        click.launch((folder / report_files.REPORT).resolve().as_uri())
    return verdict.exit_code(result.verdict)


def _written(folder: Path, kind: str) -> str:
    path = folder / report_files.FILES[kind][0]
    if not path.exists():
        raise errors.UsageError(
            f"Run {folder.name} has nothing for {kind}. Latency is measured by"
            " `twofold run --latency`, capacity under an objective by `--slo p99=250ms`."
        )
    return path.read_text()


@cli.command()
@click.argument("name", metavar="[RUN]", required=False)
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Folder of results.")
@click.option(
    "--samples",
    "kind",
    type=click.Choice(export_files.FORMATS),
    default="csv",
    show_default=True,
    help="Format of the raw samples, a row a request; parquet needs twofold[parquet].",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default=None,
    help="File to write; - is standard output (csv).  [default: samples.csv of the run]",
)
@json_option
def export(
    name: str | None, out: Path | None, kind: str, output: Path | None, as_json: bool
) -> int:
    """Write every request of a run, the latest by default, for other tools."""
    to_stdout = str(output) == "-"
    if to_stdout and (as_json or kind != "csv"):
        raise errors.UsageError(
            "--output - takes standard output for the samples as CSV, so it goes neither with"
            " --json nor with --samples parquet. Name a file: --output FILE."
        )
    folder = run_folder.find_run(_results(out), name)
    if to_stdout:
        done = export_files.to_stream(folder, sys.stdout)
    else:
        done = export_files.to_file(folder, kind, output)
    if done.unnamed:
        click.echo(
            f"{done.unnamed} of {done.trials} trials were kept without names: their columns"
            " outcome, replica and name are empty.",
            err=True,
        )
    if as_json:
        click.echo(json.dumps(asdict(done)))
    else:
        where = "standard output" if to_stdout else done.file
        click.echo(f"{done.rows:,} requests of {done.trials} trials: {where}", err=to_stdout)
    return errors.EXIT_YES


@cli.command()
@json_option
def doctor(as_json: bool) -> int:
    """Say what this machine can test, and a way out for each thing that it lacks."""
    found = examine(machine_survey.survey(_results(None), ports=PROXY_PORTS))
    click.echo(doctor_text.render_json(found) if as_json else doctor_text.render(found))
    return errors.EXIT_YES if found.ready else errors.EXIT_ENVIRONMENT


@cli.command()
@click.argument("name", metavar="[RUN]", required=False)
@click.option("--out", type=click.Path(path_type=Path), default=None, help="Folder of results.")
@json_option
def compare(name: str | None, out: Path | None, as_json: bool) -> int:
    """Compare the worker models of a run, the latest by default: which one to run?"""
    folder = run_folder.find_run(_results(out), name)
    result = pipeline.conclude(run_folder.read(folder))
    if not result.comparisons:
        raise errors.UsageError(
            f"Run {result.facts.run_id} has one worker model, so there is nothing to compare."
            " Measure several: twofold run --workers gthread,sync,gevent."
        )
    if as_json:
        click.echo(run_json.render(result), nl=False)
    else:
        Console().print(terminal.compare(result))
    # What is broken for one cell leaves the others comparable; "full" ones are compared above all.
    broken = {found.cell for found in result.broken}
    told = [
        each
        for each in result.comparisons
        if each.ratio.low is not None
        and not broken & {None, *(each_cell(each, name) for name in (each.worker, each.against))}
    ]
    return errors.EXIT_YES if told else errors.EXIT_CANNOT_TELL


@cli.command()
@click.option("--all", "living", is_flag=True, help="Also end runs that may still be going on.")
@click.option("--yes", is_flag=True, help="With --all: do not ask first.")
@json_option
def down(living: bool, yes: bool, as_json: bool) -> int:
    """Remove what dead runs have left: containers, networks, volumes, processes."""
    say: Say = partial(click.echo, err=True)
    with projects.engine_if_any(say) as engine:
        every = (*leftovers.remains(), *(projects.remains(engine) if engine else ()))
        chosen = [run for run in every if living or not run.living]
        going_on = [run.name for run in chosen if run.living]
        if going_on and not yes:
            say("These runs may still be going on:\n  " + "\n  ".join(going_on))
            if not sys.stdin.isatty():
                raise errors.UsageError("Nobody can be asked here. To end them too, add --yes.")
            click.confirm("End them all?", abort=True, err=True)
        removed = removal.remove(chosen, say)
    for failure in removed.failures:
        say(failure)
    if as_json:
        click.echo(json.dumps({"removed_runs": removed.runs, "failures": removed.failures}))
    else:
        click.echo(f"Removed what {removed.runs} runs had left.")
        if kept := len(every) - len(chosen):
            click.echo(f"{kept} runs may still be going on: `twofold down --all` ends them too.")
    return errors.EXIT_ENVIRONMENT if removed.failures else errors.EXIT_YES


cli.add_command(gate)


def main() -> None:
    """Run the command line and end the process with the exit code of the contract."""
    sys.exit(run_command_line(sys.argv[1:]))


def run_command_line(arguments: list[str]) -> int:
    """Run a command; give its exit code. Every failure becomes one message on standard error."""
    try:
        with signals.handled():
            return int(cli.main(arguments, prog_name="twofold", standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return errors.EXIT_USAGE
    except errors.Interrupted as error:
        click.echo(f"twofold: {error}", err=True)
        return 128 + error.signum
    except errors.TwofoldError as error:
        click.echo(f"twofold: {error}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return 130
    except SystemExit:  # so Click and rich end where nobody reads the output: that is no verdict
        return errors.EXIT_ENVIRONMENT
    except Exception:  # noqa: BLE001  the one boundary: a defect of ours must not look like a verdict
        traceback.print_exc()
        click.echo(
            "twofold: this is a defect of twofold. What was finished is in results/; please report"
            " the lines above.",
            err=True,
        )
        return errors.EXIT_INTERNAL


def each_cell(found: ComparisonResult, worker: str) -> Cell:
    """Give the cell of one side of a comparison."""
    return Cell(worker=worker, workload=found.workload, replicas=found.replicas)


def _request(given: dict[str, Any]) -> pipeline.Request:
    checked = options.check(options.Options(**given))
    root = checkout.root()
    chosen = registry.choose(checked.backend, root)
    seed = secrets.randbelow(SEEDS) if checked.seed is None else checked.seed
    return pipeline.Request(
        plan=make_plan(checked, chosen.machine, backend=chosen.backend.name, seed=seed),
        chosen=chosen,
        results=_results(checked.out),
        command=shlex.join(("twofold", *sys.argv[1:])),
    )


def _last_run(results: Path) -> RunResult | None:
    """Give the latest run of these results, or None where there is none that can be read."""
    try:
        return pipeline.conclude(run_folder.read(run_folder.find_run(results, None)))
    except errors.UsageError:
        return None


def _results(out: Path | None) -> Path:
    return out if out is not None else checkout.results()


def _progress(*, quiet: bool) -> Progress:
    console = Console(stderr=True)
    if console.is_terminal and not quiet:
        return LiveProgress(console)
    return PlainProgress(sys.stderr)


def _tell(result: RunResult, folder: Path, *, as_json: bool) -> None:
    if as_json:
        click.echo(run_json.render(result), nl=False)
        return
    Console().print(terminal.render(result))
    click.echo(f"Report: {folder / report_files.REPORT}", err=True)


if __name__ == "__main__":
    main()
