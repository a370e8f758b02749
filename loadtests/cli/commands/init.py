"""``twofold init``: look around, and write a configuration."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loadtests.cli import target_options
from loadtests.cli.parameters import json_option
from loadtests.model import errors
from loadtests.targets import registry
from loadtests.targets.configuration import project_file

if TYPE_CHECKING:
    from loadtests.model.tested.surroundings import Surroundings

FILE = "twofold.toml"
JOB_FILE = "twofold-job.yaml"


@click.command("init")
@click.argument("given_target", metavar="[TARGET]", required=False)
@click.option("--force", is_flag=True, help=f"Write over a {FILE} that is there.")
@click.option(
    "--ask/--no-ask",
    default=True,
    help="Ask each route that needs no parameter once, inside a child process.  [default: yes]",
)
@click.option(
    "--env",
    multiple=True,
    metavar="NAME=VALUE",
    help="Set a variable for the application's import. Repeatable.",
)
@click.option("--python", metavar="PROGRAM", help="The Python that imports the application.")
@click.option(
    "--kubernetes",
    metavar="KIND/NAME",
    help="Write the hooks for a workload on Kubernetes instead, such as deployment/web.",
)
@click.option("--namespace", help="Of --kubernetes: its namespace.  [default: kubectl's]")
@click.option("--context", help="Of --kubernetes: kubectl's context.  [default: kubectl's]")
@click.option("--url", metavar="URL", help="Of --kubernetes: where the generator reaches it.")
@click.option(
    "--job",
    metavar="IMAGE",
    help="Of --kubernetes: also write a Job that runs the load generator in the cluster.",
)
@json_option
def command(
    *,
    given_target: str | None,
    force: bool,
    ask: bool,
    env: tuple[str, ...],
    python: str | None,
    as_json: bool,
    **of_kubernetes: str | None,
) -> int:
    """Look around in this folder, and write a configuration that runs as it is.

    The application is imported in a child process, to list its routes. Nothing else is started.
    TARGET names what is tested, in any form of 'twofold run'; without it, the likeliest is taken.
    """
    from loadtests.report.text.init import configuration
    from loadtests.targets.discovery import looking

    here = Path.cwd()
    _check_free(here, force=force)
    if of_kubernetes["kubernetes"] is not None:
        if given_target is not None:
            raise errors.UsageError(
                f"A configuration has one target, and here are two: {given_target}, and"
                f" --kubernetes {of_kubernetes['kubernetes']}."
            )
        return _init_kubernetes(here, of_kubernetes["kubernetes"], of_kubernetes, as_json=as_json)
    _check_no_kubernetes(of_kubernetes)
    variables = target_options.variables(env)
    target = None if given_target is None else registry.recognise(given_target, here)
    found = replace(
        looking.look(here, target, python=python, env=variables, ask=ask),
        variables=tuple(variables),
        unset=tuple(name for name, value in variables.items() if os.environ.get(name) != value),
        python=python,
    )
    _write(here / FILE, configuration.render(found))
    if as_json:
        click.echo(_document(found))
    else:
        click.echo(configuration.summary(found, FILE))
    return errors.EXIT_YES


def _check_no_kubernetes(given: Mapping[str, str | None]) -> None:
    for name in ("namespace", "context", "url", "job"):
        if given[name] is not None:
            raise errors.UsageError(
                f"--{name} belongs to --kubernetes. Add --kubernetes deployment/web."
            )


def _init_kubernetes(
    here: Path, named: str, given: Mapping[str, str | None], *, as_json: bool
) -> int:
    """Write the hooks for a workload on Kubernetes; refuse while an autoscaler owns it."""
    from loadtests.environments.external import kubernetes
    from loadtests.report.text.init import kubernetes_hooks, kubernetes_job
    from loadtests.targets import permission
    from loadtests.tools import kubectl

    if given["url"] is not None:
        permission.host_and_port(given["url"])
    access = kubectl.resolved(
        kubectl.Access(namespace=given["namespace"], context=given["context"])
    )
    found = kubernetes.workload(access, named)
    kubernetes.refuse_autoscaler(access, found)
    name = f"{found.kind.lower()}/{found.name}"
    text = kubernetes_hooks.render(
        workload=name,
        flags=kubectl.options(access),
        scale=kubectl.scale_argv(access, found.kind, found.name, "{replicas}"),
        url=given["url"],
        replicas=found.replicas,
        limits=found.cpu_limits,
        counters=kubernetes.may_read_counters(access),
    )
    _write(here / FILE, text)
    if given["job"] is not None:
        job = kubernetes_job.render(
            image=given["job"], namespace=access.namespace, context=access.context
        )
        _write(here / JOB_FILE, job)
    if as_json:
        import json

        told = {"file": FILE, "target": name, "url": given["url"], "replicas": found.replicas}
        click.echo(json.dumps({**told, **asdict(access)}))
    else:
        click.echo(
            f"Wrote {FILE} for {name}, which has {found.replicas} replicas. It is in the namespace"
            f" {access.namespace} of {_cluster(access.context)}.{_missing(given['url'])} Look it"
            " over, then:\n\n    twofold plan\n    twofold run"
        )
    return errors.EXIT_YES


def _missing(url: str | None) -> str:
    """Return that a URL is missing, as the next sentence; empty where there is one."""
    if url is not None:
        return ""
    return (
        " Its url is missing: write down where the generator reaches the service, such as url ="
        ' "http://10.77.0.11:8080".'
    )


def _cluster(context: str | None) -> str:
    return "the cluster of this pod" if context is None else f"kubectl's context {context}"


def _check_free(here: Path, *, force: bool) -> None:
    """Raise where a configuration is there already."""
    file = project_file.configured_by(here)
    if file is not None and not (force and file == FILE):
        way_out = "Write over it: twofold init --force." if file == FILE else "Change it there."
        raise errors.UsageError(f"{file} configures Twofold already. {way_out}")


def _write(path: Path, text: str) -> None:
    """Write the file whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        raise errors.UsageError(
            f"{path} cannot be written ({error.strerror}). Check the folder's permissions."
        ) from error


def _document(found: Surroundings) -> str:
    import json

    document: dict[str, Any] = {"file": FILE, **asdict(found)}
    return json.dumps(document, indent=1, ensure_ascii=False)
