from collections.abc import Mapping
from dataclasses import replace

import pytest

from loadtests.model.errors import PlanError
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import Target, TargetKind
from loadtests.planning.interpreter_fit import check_containers, fitted
from loadtests.targets import plain

PYTHON = "/home/ada/.venv/bin/python"
ALL = {"gunicorn": "23.0.0", "gevent": "24.11.1", "packaging": "24.2", "pip": "24.0"}


def make_project(modules: Mapping[str, str | None] | None) -> Project:
    tested = Target(
        kind=TargetKind.IMPORT_STRING,
        given="shop:app",
        name="shop:app",
        python=PYTHON,
        modules=modules,
    )
    return plain.project(tested)


GUNICORNS = ("gthread", "sync", "gevent")


@pytest.mark.parametrize("modules", [ALL, None])
def test_an_interpreter_with_all_modules_or_an_unknown_one_serves_all(
    modules: Mapping[str, str] | None,
) -> None:
    project = replace(make_project(modules), default_workers=GUNICORNS)

    assert fitted(project, None) == (GUNICORNS, ())


def test_a_variant_whose_module_is_missing_is_left_out_with_the_command_that_installs_it() -> None:
    project = replace(make_project({**ALL, "gevent": None}), default_workers=GUNICORNS)

    assert fitted(project, None) == (
        ("gthread", "sync"),
        (
            f"Left out: gevent. {PYTHON} lacks modules: gevent needs gevent."
            f" Install what is missing: `{PYTHON} -m pip install 'gunicorn[gevent]'`.",
        ),
    )


def test_a_variant_that_is_named_is_refused_instead() -> None:
    project = make_project({**ALL, "gevent": None})

    with pytest.raises(PlanError) as error:
        fitted(project, ("sync", "gevent"))

    assert str(error.value) == (
        f"{PYTHON} lacks modules: gevent needs gevent. Install what is missing:"
        f" `{PYTHON} -m pip install 'gunicorn[gevent]'`, or measure --workers sync."
    )


def test_without_any_server_nothing_can_be_measured() -> None:
    project = replace(make_project({"pip": None}), default_workers=GUNICORNS)

    with pytest.raises(PlanError) as error:
        fitted(project, None)

    assert str(error.value) == (
        f"{PYTHON} lacks modules: gthread needs gunicorn; sync needs gunicorn; gevent needs"
        " gunicorn, gevent, packaging. Install what is missing:"
        f" `uv pip install --python {PYTHON} 'gunicorn[gevent]'`."
    )


def test_a_variant_with_an_interpreter_of_its_own_is_not_judged_by_this_one() -> None:
    project = make_project({"pip": "24.0"})
    workers = {name: replace(model, python="/opt/pypy") for name, model in project.workers.items()}

    assert fitted(replace(project, workers=workers), ("gevent",)) == (("gevent",), ())


def test_a_python_of_its_own_is_refused_where_a_container_would_have_another() -> None:
    project = make_project(ALL)
    models = {**project.workers, "on-pypy": replace(project.workers["sync"], python="pypy3")}
    project = replace(project, workers=models)

    image = replace(project.tested, kind=TargetKind.IMAGE)

    for refused in (("swarm", project), ("compose", replace(project, tested=image))):
        with pytest.raises(PlanError, match="on-pypy asks for the Python pypy3, and a container"):
            check_containers(refused[1], ("sync", "on-pypy"), refused[0])
    check_containers(project, ("sync", "on-pypy"), "compose")  # an image is built for it
    check_containers(project, ("sync", "on-pypy"), "processes")
    check_containers(replace(project, tested=image), ("sync",), "compose")


def test_a_server_that_is_built_from_source_is_refused_in_an_image_that_is_built_here() -> None:
    project = make_project({**ALL, "mod_wsgi": None})
    bringing = make_project({**ALL, "mod_wsgi": "5.0.2"})

    with pytest.raises(PlanError, match="mod_wsgi, which an image that is built here does not get"):
        check_containers(project, ("mod_wsgi",), "compose")
    check_containers(project, ("mod_wsgi",), "processes")
    check_containers(bringing, ("mod_wsgi",), "compose")


def test_uwsgi_may_be_there_under_either_of_its_names() -> None:
    for name in ("pyuwsgi", "uwsgi"):
        project = make_project({**ALL, "pyuwsgi": None, "uwsgi": None, name: "2.0.30"})

        assert fitted(project, ("uwsgi-threads",)) == (("uwsgi-threads",), ())
