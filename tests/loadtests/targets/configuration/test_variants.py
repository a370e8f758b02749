"""Variants: what their tables say, what they are like, and which targets have none."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.config.tables.variant import VariantTable
from loadtests.model.errors import UsageError
from loadtests.model.plan import WorkerModel
from loadtests.model.tested.target import Interface, Target, TargetKind
from loadtests.servers import registry as servers
from loadtests.targets.configuration import project_file
from loadtests.targets.configuration.project import Given, build
from loadtests.targets.configuration.variants import variant
from tests.loadtests.targets.configuration.test_project import IMAGE, KNOWN, project

VARIANTS = """
[variants.gthread]
threads = 16
[variants.gthread-8]
server = "gunicorn"
worker = "gthread"
threads = 8
options = "--backlog 64"
env = {A = "1"}
[variants.many]
server = "gunicorn"
worker = "gevent"
[variants.own]
server = "gunicorn"
worker = "shop.workers.Fast"
[variants.narrow]
server = "gunicorn"
slots = 2
[variants.bjoern]
command = "python -m bjoern_runner {bind}"
slots = 1
"""


def test_a_variant_has_what_its_table_says_and_the_rest_of_the_built_in_one(
    tmp_path: Path,
) -> None:
    declared = project(tmp_path, VARIANTS)
    workers = declared.workers

    assert workers["gthread-8"] == WorkerModel(
        name="gthread-8",
        processes=1,
        threads=8,
        slots=8,
        mode="gthread",
        options=("--backlog", "64"),
        env={"A": "1"},
    )
    assert (workers["gthread"].threads, workers["gthread"].slots) == (16, 16)
    assert workers["many"].slots is None
    assert (workers["own"].mode, workers["own"].slots) == ("shop.workers.Fast", None)
    assert workers["narrow"].slots == 2
    assert workers["bjoern"] == WorkerModel(
        name="bjoern",
        server="command",
        processes=1,
        threads=1,
        slots=1,
        options=("python", "-m", "bjoern_runner", "{bind}"),
    )


def test_a_changed_built_in_variant_is_like_the_one_that_its_kind_of_workers_names(
    tmp_path: Path,
) -> None:
    text = """
    [variants]
    sync = {server = "gunicorn", processes = 2}
    gthread = {worker = "sync"}
    gevent = {worker = "shop.workers.Fast"}
    """

    workers = project(tmp_path, text).workers

    assert {
        name: (workers[name].mode, workers[name].processes, workers[name].threads)
        for name in ("sync", "gthread", "gevent")
    } == {
        "sync": ("sync", 2, 1),
        "gthread": ("sync", 4, 1),
        "gevent": ("shop.workers.Fast", 1, 1),
    }


def test_declared_variants_are_measured_unless_the_file_names_others(tmp_path: Path) -> None:
    declared = ("gthread", "gthread-8", "many", "own", "narrow", "bjoern")

    assert project(tmp_path, VARIANTS).default_workers == declared
    assert {"sync", "gevent"} <= set(project(tmp_path, VARIANTS).workers)
    named = project(tmp_path, f'workers = ["sync", "many"]\n{VARIANTS}')
    assert named.default_workers == ("sync", "many")
    assert project(tmp_path, "rounds = 8").default_workers == tuple(
        name for name in servers.worker_models() if name in {"gthread", "sync", "gevent"}
    )


def test_a_built_in_variant_that_is_changed_stays_what_it_is_for_an_image(tmp_path: Path) -> None:
    """An image cannot have it, which is told later; gunicorn under its name would be worse."""
    known = replace(KNOWN, variants=tuple(servers.worker_models()))
    (tmp_path / "twofold.toml").write_text("[variants]\nwaitress = {threads = 8}\nsync = {}")
    file = project_file.load(None, tmp_path, known)

    declared = build(Given(target=IMAGE), file, {}).workers

    assert (declared["waitress"].server, declared["waitress"].threads) == ("waitress", 8)
    assert declared["sync"].server == "gunicorn"


def test_a_variant_that_the_target_cannot_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"Unknown variant 'granian'\. Known: "):
        project(tmp_path, 'workers = "granian"', target=IMAGE)


def test_a_path_to_a_python_starts_from_the_folder_of_the_file(tmp_path: Path) -> None:
    text = """
    python = "own/bin/python"
    [variants]
    here = {server = "gunicorn", worker = "sync", python = "old/bin/python"}
    above = {command = "serve {bind}", python = "../old/bin/python"}
    home = {server = "gunicorn", worker = "gthread", python = "~/old/bin/python"}
    named = {server = "gunicorn", worker = "sync", python = "python3.13"}
    """

    declared = project(tmp_path, text)

    assert declared.tested.python == str(tmp_path / "own/bin/python")
    assert {name: declared.workers[name].python for name in ("here", "above", "home", "named")} == {
        "here": str(tmp_path / "old/bin/python"),
        "above": str(tmp_path.parent / "old/bin/python"),
        "home": str(Path("~/old/bin/python").expanduser()),
        "named": "python3.13",
    }


URL = "http://127.0.0.1:8080"


def test_a_deployment_at_a_url_has_its_own_server_and_no_variants(tmp_path: Path) -> None:
    text = f'target = "{URL}"\n[variants]\neight = {{server = "gunicorn"}}'
    deployment = project(tmp_path, text, target=None)

    assert tuple(deployment.workers) == deployment.default_workers == ("as-started",)
    assert deployment.tested.notes == (
        "The variants of twofold.toml (eight) are not measured: a deployment at a URL has the"
        " server that it has.",
    )


def test_a_file_that_names_variants_for_its_own_url_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"workers names sync, and {URL} is served by what runs"):
        project(tmp_path, f'target = "{URL}"\nworkers = ["sync"]', target=None)


def test_variants_of_a_file_are_for_its_own_target_and_not_for_another_url(
    tmp_path: Path,
) -> None:
    url = Target(kind=TargetKind.URL, given=URL, name=URL, url=URL)
    deployment = project(tmp_path, 'target = "other:app"\nworkers = ["sync"]', target=url)

    assert deployment.default_workers == ("as-started",)
    assert "(sync) are not measured" in deployment.tested.notes[0]


@pytest.mark.parametrize(
    ("table", "numbers", "interface"),
    [
        ({"server": "granian", "options": ["--interface", "asgi"]}, (1, 1, None), Interface.ASGI),
        ({"server": "granian"}, (1, 4, 4), Interface.WSGI),
        ({"server": "uvicorn", "processes": 2}, (2, 1, None), Interface.ASGI),
        ({"server": "uvicorn", "slots": 40}, (1, 1, 40), Interface.ASGI),
        ({"server": "uvicorn", "options": ["--interface=wsgi"]}, (1, 1, None), Interface.WSGI),
        ({"worker": "uvicorn_worker.UvicornWorker"}, (1, 1, None), Interface.ASGI),
    ],
)
def test_a_variant_in_an_event_loop_has_no_limit_of_slots(
    table: dict[str, Any],
    numbers: tuple[int, int, int | None],
    interface: Interface,
) -> None:
    made = variant("own", VariantTable.model_construct(**table))

    assert (made.processes, made.threads, made.slots) == numbers
    assert servers.of(made).serves(made) == {interface}
