"""Which package is the installed application, by the stacks of all requests."""

import pytest

from loadtests.analysis.profiles.own_code import (
    called_packages,
    own_line,
    own_path,
    package_named,
)
from loadtests.model.profiles.records import Frame
from tests.loadtests.analysis.profiles.builders import EXECUTE, FLASK, SITE, frame

VIEW = frame(f"{SITE}/shop/views.py:12", "search")


def test_a_decorator_that_nobody_knows_is_not_on_the_stacks_of_other_views() -> None:
    guard = frame(f"{SITE}/acme_guard/views.py:12", "guarded.<locals>.wrapper")
    rank = frame(f"{SITE}/shop/search.py:31", "rank")
    convert = frame(f"{SITE}/markdown/core.py:270", "convert")
    guarded, plain = (*FLASK, guard, rank, convert), (*FLASK, VIEW, convert)

    called = called_packages([guarded, plain, (*FLASK, guard, VIEW), FLASK])

    assert called.stacks == {"acme_guard": 2, "shop": 3}
    assert own_line(guarded, (), called) == (rank, "markdown convert")
    assert own_line(plain, (), called) == (VIEW, "markdown convert")
    assert own_path((*FLASK, guard), (), called)[0] == (guard,)


def test_what_an_installed_application_calls_most_is_not_the_application() -> None:
    convert = frame(f"{SITE}/markdown/core.py:270", "convert")
    plugin = frame(f"{SITE}/acme_admin/views.py:9", "index")
    stacks = [(*FLASK, VIEW, convert), (*FLASK, plugin, convert)]

    called = called_packages(stacks)

    assert [own_line(frames, (), called)[0] for frames in stacks] == [VIEW, plugin]


ENGINE = frame(f"{SITE}/acme_search/engine.py:31", "query")
FOUND = frame(f"{SITE}/acme_search/views.py:7", "found")
LISTED = frame(f"{SITE}/acme_search/views.py:20", "listed")


@pytest.mark.parametrize("view", ["search", "create_app.<locals>.search", "wrapped_search"])
@pytest.mark.parametrize("alone", [(), ((*FLASK, ENGINE),)])
def test_a_library_that_has_endpoints_of_its_own_is_not_the_application(
    view: str, alone: tuple[tuple[Frame, ...], ...]
) -> None:
    search = frame(f"{SITE}/shop/views.py:12", view)
    of_shop = (*FLASK, search, ENGINE)
    stacks = [of_shop, (*FLASK, FOUND, ENGINE), (*FLASK, FOUND), (*FLASK, LISTED, ENGINE), *alone]

    called = called_packages(stacks)

    assert own_line(of_shop, (), called) == (search, "acme_search query")
    assert own_line(stacks[1], (), called) == (ENGINE, "")


def test_a_view_that_calls_functions_of_a_library_at_several_lines_stays_the_application() -> None:
    suggest = frame(f"{SITE}/acme_search/engine.py:60", "suggest")
    later = frame(f"{SITE}/shop/views.py:14", "search")
    of_shop = [(*FLASK, VIEW, ENGINE), (*FLASK, later, suggest)]

    called = called_packages([*of_shop, *[(*FLASK, FOUND)] * 4])

    assert [own_line(frames, (), called)[0] for frames in of_shop] == [VIEW, later]


@pytest.mark.parametrize("views", [("rank", "show"), ("rank",)])
@pytest.mark.parametrize("between", [(), (frame(f"{SITE}/wrapt/wrappers.py:90", "__call__"),)])
def test_a_decorator_that_nobody_knows_around_several_views_is_not_the_application(
    views: tuple[str, ...], between: tuple[Frame, ...]
) -> None:
    # One view alone shows a decorator only by the name of its function.
    parse = frame(f"{SITE}/acme_args/core.py:657", "parse" if views[1:] else "use_args.wrapper")
    of_views = [frame(f"{SITE}/shop/views.py:{len(name)}", name) for name in views]
    stacks = [(*FLASK, parse, *between, view) for view in of_views]

    called = called_packages([*stacks, *[(*FLASK, VIEW)] * 2])

    assert [own_line(frames, (), called)[0] for frames in stacks] == of_views


def test_decorators_around_one_another_are_not_the_application() -> None:
    outer = frame(f"{SITE}/acme_guard/core.py:9", "guarded.<locals>.wrapper")
    inner = frame(f"{SITE}/acme_args/core.py:657", "use_args.<locals>.wrapper")
    rank = frame(f"{SITE}/shop/search.py:31", "rank")
    stacks = [(*FLASK, outer, inner, rank), (*FLASK, inner, rank), (*FLASK, VIEW)]

    called = called_packages(stacks)

    assert [own_line(frames, (), called)[0] for frames in stacks] == [rank, rank, VIEW]


def test_a_decorator_on_every_view_is_known_where_the_application_is() -> None:
    guard = frame(f"{SITE}/acme_guard/views.py:12", "check")
    request = (*FLASK, guard, VIEW, EXECUTE)

    assert own_line(request, (), called_packages([request])) == (guard, "shop search")
    for name, line in (("shop", VIEW), ("acme_guard", guard), ("wsgi", guard)):
        assert own_line(request, (), called_packages([request], (), name))[0] == line


def test_a_served_package_whose_functions_views_call_is_not_taken_for_them() -> None:
    plugin = frame(f"{SITE}/acme_admin/views.py:9", "index")
    load = frame(f"{SITE}/shop/db.py:88", "load")
    stacks = [(*FLASK, plugin, load), (*FLASK, VIEW, load)]

    called = called_packages(stacks, (), "shop")

    assert own_line(stacks[0], (), called)[0] == plugin


@pytest.mark.parametrize(
    ("words", "package"),
    [
        (["shop.wsgi:app"], "shop"),
        (["shop:create_app()", ""], "shop"),
        (["/venv/bin/python /venv/bin/gunicorn -b 0.0.0.0:8000 shop.wsgi:app -w 4"], "shop"),
        (["gunicorn: worker [shop.wsgi:app]"], "shop"),
        (["gunicorn --bind localhost:8000 --config python:acme.conf"], ""),
        (["", "uvicorn"], ""),
    ],
)
def test_the_package_that_is_served_is_that_of_the_import_string(
    words: list[str], package: str
) -> None:
    assert package_named(words) == package
