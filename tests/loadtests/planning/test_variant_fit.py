from collections.abc import Mapping
from dataclasses import replace

import pytest

from loadtests.model.errors import PlanError, UsageError
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import Interface, Target, TargetKind
from loadtests.planning.variant_fit import check_containers, check_served, fitted, with_slots
from loadtests.targets import plain
from loadtests.targets.application import examination

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


# -- the application's interface ---------------------------------------------------------------


def of_interface(interface: Interface | None, **modules: str | None) -> Project:
    project = make_project({**ALL, "uvicorn": "0.54.0", "granian": "2.8.9", **modules})
    own = replace(
        project.workers["granian"], name="own-granian", options=("--interface", "asgi"), slots=None
    )
    return replace(
        project,
        tested=replace(project.tested, application="main:app", interface=interface),
        workers={**project.workers, own.name: own},
    )


def test_an_async_application_is_measured_under_uvicorn_where_nothing_is_named() -> None:
    assert fitted(of_interface(Interface.ASGI), None) == (
        ("uvicorn",),
        (
            "main:app is an asynchronous application (ASGI), which gunicorn's gthread, sync and"
            " gevent do not serve. Measured instead: uvicorn.",
        ),
    )


def test_without_uvicorn_the_message_says_how_to_install_it() -> None:
    with pytest.raises(PlanError) as error:
        fitted(of_interface(Interface.ASGI, uvicorn=None), None)

    assert str(error.value) == (
        f"{PYTHON} lacks modules: uvicorn needs uvicorn. Install what is missing:"
        f" `{PYTHON} -m pip install uvicorn`."
    )


def test_a_variant_that_cannot_serve_an_async_application_is_refused() -> None:
    with pytest.raises(UsageError) as error:
        fitted(of_interface(Interface.ASGI), ("gthread", "waitress", "uvicorn"))

    assert str(error.value) == (
        "main:app is an asynchronous application (ASGI), and the variants gthread, waitress serve"
        " only WSGI applications. What serves it: --workers uvicorn,own-granian, or a variant with"
        " a command of your own ([tool.twofold.variants])."
    )
    assert error.value.exit_code == 2


def test_a_variant_of_an_event_loop_is_refused_for_a_wsgi_application() -> None:
    with pytest.raises(UsageError) as error:
        fitted(of_interface(Interface.WSGI), ("uvicorn",))

    assert str(error.value) == (
        "main:app is a WSGI application, and the variant uvicorn serves only asynchronous ones"
        " (ASGI). What serves it: --workers gthread,sync,gevent,uwsgi-processes,uwsgi-threads,"
        "uwsgi-gevent,waitress,granian,cheroot,mod_wsgi, or a variant with a command of your own"
        " ([tool.twofold.variants])."
    )


def test_a_variant_of_the_configuration_serves_what_its_options_say() -> None:
    project = of_interface(Interface.ASGI)

    assert fitted(replace(project, default_workers=("own-granian",)), None) == (
        ("own-granian",),
        (),
    )
    with pytest.raises(UsageError, match="the variant sync serves only WSGI"):
        fitted(replace(project, default_workers=("own-granian", "sync")), None)


def test_before_an_import_every_variant_is_allowed() -> None:
    assert fitted(of_interface(None), ("gthread", "uvicorn")) == (("gthread", "uvicorn"), ())


def test_an_image_names_the_built_in_variants_that_can() -> None:
    project = of_interface(Interface.ASGI)

    with pytest.raises(UsageError, match="What serves it: --workers uvicorn, or a variant with"):
        check_served(project.tested, (project.workers["gthread"],))
    with pytest.raises(UsageError, match="the variant gthread serves only"):
        check_served(project.tested, (project.workers["gthread"],) * 2)


def test_where_no_variant_with_slots_can_serve_it_other_ways_are_told() -> None:
    with pytest.raises(PlanError) as error:
        with_slots(
            ("uvicorn",), of_interface(Interface.ASGI), "no budget can be set here", ("fewer",)
        )

    assert str(error.value) == (
        "uvicorn has no limit of worker slots, so replicas would compete for CPU, and no budget"
        " can be set here. What fits: fewer; or a variant with `slots`, where a pool of threads"
        ' limits its requests (such as {server = "uvicorn", slots = 40}).'
    )


def test_a_worker_class_needs_its_package_and_runs_where_that_is_there() -> None:
    versions = {**ALL, "uvicorn": "0.54.0", "uvicorn_worker": None}
    project = make_project(versions)
    own = replace(
        project.workers["gthread"], name="own", mode="uvicorn_worker.UvicornWorker", slots=None
    )
    project = replace(project, workers={**project.workers, "own": own})

    with pytest.raises(PlanError, match=r"own needs uvicorn_worker.* install uvicorn_worker`"):
        fitted(project, ("own",))

    there = replace(project.tested, modules={**versions, "uvicorn_worker": "0.4.0"})
    assert fitted(replace(project, tested=there), ("own",)) == (("own",), ())


def test_every_module_that_a_variant_may_need_is_asked_for() -> None:
    assert {"uvicorn", "uvicorn_worker", "eventlet"} <= {*examination.modules()}
