"""From stacks of two versions to functions that both name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loadtests.analysis.profiles.call_paths import StartSamples, Texts, files_of, gather
from loadtests.model.profiles.functions import CallPath, Function
from loadtests.model.profiles.records import Frame

SERVERS = {"base": "gunicorn", "head": "gunicorn"}

SHOP = "/srv/shop/search.py"

BASE_TEXT = """\
def rank(rows):
    return sorted(rows)


def find(rows):
    return rank(rows)
"""

HEAD_TEXT = """\
# Finds things.

def normalise(row):
    return row.lower()


def rank(rows):
    rows = [normalise(row) for row in rows]
    return sorted(rows)


def find(rows):
    return rank(rows)
"""

TEXTS: Texts = {"base": {SHOP: BASE_TEXT}, "head": {SHOP: HEAD_TEXT}}

GUNICORN = Frame(
    file="/venv/lib/python3.13/site-packages/gunicorn/workers/gthread.py", line=9, name="handle"
)
FLASK = Frame(file="/venv/lib/python3.13/site-packages/flask/app.py", line=1, name="dispatch")
JSON = Frame(file="/usr/lib/python3.13/json/encoder.py", line=200, name="encode")


def at(line: int, name: str, file: str = SHOP) -> Frame:
    return Frame(file=file, line=line, name=name)


def make_samples(
    side: str, stacks: Mapping[tuple[Frame, ...], int], **changed: Any
) -> StartSamples:
    given: dict[str, Any] = {
        "side": side,
        "pair": 1,
        "start": f"{side}-1",
        "requests": 100,
        "cpu_us_per_request": 5000.0,
        "stacks": stacks,
    }
    return StartSamples(**{**given, **changed})


BASE = make_samples("base", {(GUNICORN, FLASK, at(6, "find"), at(2, "rank")): 5, (GUNICORN,): 2})
HEAD = make_samples(
    "head",
    {
        (GUNICORN, FLASK, at(13, "find"), at(9, "rank")): 4,
        (GUNICORN, FLASK, at(13, "find"), at(8, "rank"), at(4, "normalise")): 3,
    },
)


def test_functions_are_the_same_although_their_lines_moved() -> None:
    gathered = gather((BASE, HEAD), SERVERS, TEXTS, checkout={SHOP: "shop/search.py"})

    assert gathered.functions == (
        Function(file=SHOP, name="find", line=12, checkout="shop/search.py"),
        Function(file=SHOP, name="rank", line=7, checkout="shop/search.py"),
        Function(file=SHOP, name="normalise", line=3, in_base=False, checkout="shop/search.py"),
    )
    assert gathered.paths == (
        CallPath(functions=(0, 1), line=9),
        CallPath(functions=()),
        CallPath(functions=(0, 1, 2), line=4),
    )
    assert [start.samples for start in gathered.starts] == [((0, 5), (1, 2)), ((0, 4), (2, 3))]


def test_a_function_that_was_never_sampled_in_base_is_there_if_its_source_is() -> None:
    idle = make_samples("base", {(GUNICORN,): 2})

    gathered = gather((idle, HEAD), SERVERS, TEXTS)

    assert {each.name: each.in_base for each in gathered.functions} == {
        "find": True,
        "rank": True,
        "normalise": False,
    }


def test_without_sources_a_function_is_taken_to_be_in_both_versions() -> None:
    unreadable: Texts = {"base": {SHOP: None}, "head": {SHOP: None}}

    gathered = gather((BASE, HEAD), SERVERS, unreadable)

    assert [(each.name, each.line, each.in_base) for each in gathered.functions] == [
        ("find", 0, True),
        ("rank", 0, True),
        ("normalise", 0, True),
    ]


def test_a_function_of_a_file_newer_than_this_python_is_taken_to_be_in_both_versions() -> None:
    newer = "def rank[T](:\n"  # of which this interpreter knows no function
    idle = make_samples("base", {(GUNICORN, FLASK, at(6, "find")): 2})

    gathered = gather((idle, HEAD), SERVERS, {"base": {SHOP: newer}, "head": {SHOP: newer}})

    assert {each.name: (each.in_base, each.in_head) for each in gathered.functions} == {
        "find": (True, True),
        "rank": (True, True),
        "normalise": (True, True),
    }


def test_a_file_that_base_has_not_is_new_with_its_functions() -> None:
    gathered = gather(
        (make_samples("base", {(GUNICORN,): 2}), HEAD),
        SERVERS,
        {"base": {SHOP: ""}, "head": {SHOP: HEAD_TEXT}},
    )

    assert not any(each.in_base for each in gathered.functions)


def test_a_line_of_base_that_head_has_not_has_no_number() -> None:
    changed: Texts = {"base": {SHOP: BASE_TEXT.replace("sorted", "list")}, "head": TEXTS["head"]}

    gathered = gather((BASE,), SERVERS, changed)

    assert gathered.paths[0] == CallPath(functions=(0, 1), line=0)


def test_what_a_line_calls_in_a_library_counts_for_it() -> None:
    dumping = make_samples("head", {(GUNICORN, FLASK, at(13, "find"), JSON): 1})

    (path,) = gather((dumping,), SERVERS, TEXTS).paths

    assert (path.line, path.callee) == (13, "encoder encode")


def test_a_library_of_an_installed_application_counts_for_the_applications_line() -> None:
    site = "/venv/lib/python3.13/site-packages"
    rank = at(31, "rank", f"{site}/shop/search.py")
    convert = at(270, "convert", f"{site}/markdown/core.py")
    samples = make_samples("head", {(GUNICORN, FLASK, rank, convert): 5})

    gathered = gather((samples,), SERVERS, {})

    assert [(each.file, each.name) for each in gathered.functions] == [(rank.file, "rank")]
    assert gathered.paths == (CallPath(functions=(0,), line=31, callee="markdown convert"),)
    assert files_of((samples,), SERVERS) == (rank.file,)


def test_libraries_in_a_folder_of_their_own_count_for_the_line_that_calls_them() -> None:
    gunicorn, flask, execute = (
        at(1, name, f"/deps/{file}")
        for name, file in (
            ("handle", "gunicorn/workers/gthread.py"),
            ("dispatch", "flask/app.py"),
            ("execute", "psycopg/cursor.py"),
        )
    )
    samples = make_samples("head", {(gunicorn, flask, at(13, "find"), execute): 5})

    gathered = gather((samples,), SERVERS, TEXTS)

    assert [each.name for each in gathered.functions] == ["find"]
    assert gathered.paths == (CallPath(functions=(0,), line=13, callee="psycopg execute"),)
    assert files_of((samples,), SERVERS) == (SHOP,)


def test_a_function_that_head_has_not_has_the_line_of_base_and_says_so() -> None:
    without = HEAD_TEXT.replace("def find", "def look")
    gathered = gather((BASE,), SERVERS, {"base": {SHOP: BASE_TEXT}, "head": {SHOP: without}})

    find, rank = gathered.functions
    assert (find.name, find.in_head, find.line, find.base_line) == ("find", False, 0, 5)
    assert (rank.name, rank.in_head, rank.line, rank.base_line) == ("rank", True, 7, 0)


def test_a_comprehension_and_recursion_are_their_function() -> None:
    inner = make_samples(
        "head", {(GUNICORN, at(13, "find"), at(8, "rank"), at(8, "<listcomp>"), at(8, "rank")): 1}
    )
    unreadable: Texts = {"base": {}, "head": {}}

    for texts in (TEXTS, unreadable):
        gathered = gather((inner,), SERVERS, texts)
        assert [each.name for each in gathered.functions] == ["find", "rank"]
        assert gathered.paths[0].functions == (0, 1)


def test_only_the_users_own_files_are_worth_reading() -> None:
    assert files_of((BASE, HEAD), SERVERS) == (SHOP,)


def test_a_new_function_around_the_application_is_not_what_libraries_take_below_it() -> None:
    texts: Texts = {"base": {SHOP: BASE_TEXT}, "head": {SHOP: "def around(app):\n    return app\n"}}
    base = make_samples("base", {(GUNICORN, FLASK): 9})
    around = at(2, "around")
    head = make_samples("head", {(GUNICORN, around, FLASK): 9, (GUNICORN, around): 3})

    gathered = gather((base, head), SERVERS, texts)

    names = [
        [gathered.functions[place].name for place in path.functions] for path in gathered.paths
    ]
    assert names == [["dispatch"], ["around"]]
    assert [dict(start.samples) for start in gathered.starts] == [{0: 9}, {0: 9, 1: 3}]


def test_a_template_s_block_is_the_same_in_both_versions_and_has_no_line() -> None:
    page = "/srv/shop/templates/cart.html"
    texts: Texts = {"base": {page: "<p>old</p>"}, "head": {page: "<p>new</p>\n<p>more</p>"}}
    base = make_samples("base", {(GUNICORN, FLASK, at(57, "block_content", page)): 5})
    head = make_samples("head", {(GUNICORN, FLASK, at(61, "root", page)): 5})

    gathered = gather((base, head), SERVERS, texts, checkout={page: "templates/cart.html"})

    assert gathered.functions == (
        Function(file=page, name="block_content", checkout="templates/cart.html"),
        Function(file=page, name="root", checkout="templates/cart.html"),
    )
    assert gathered.paths == (CallPath(functions=(0,)), CallPath(functions=(1,)))


def test_a_decorator_of_an_installed_application_is_not_the_application_in_any_sample() -> None:
    site = "/venv/lib/python3.13/site-packages"
    guard = at(12, "guarded.<locals>.wrapper", f"{site}/acme_guard/views.py")
    rank = at(31, "rank", f"{site}/shop/search.py")
    show = at(4, "show", f"{site}/shop/search.py")
    stacks = {(GUNICORN, FLASK, guard, rank): 5, (GUNICORN, FLASK, show): 5, (GUNICORN, FLASK): 1}
    samples = make_samples("head", stacks)

    gathered = gather((samples,), SERVERS, {})

    assert [each.name for each in gathered.functions] == ["rank", "show", "dispatch"]
    assert files_of((samples,), SERVERS) == (FLASK.file, rank.file)


def test_an_async_view_of_wsgi_counts_for_a_gate_in_the_thread_of_its_loop() -> None:
    lib = "/usr/lib/python3.13"
    around = (
        at(1002, "Thread._bootstrap", f"{lib}/threading.py"),
        at(84, "Handle._run", f"{lib}/asyncio/events.py"),
        at(340, "main_wrap", "/venv/lib/python3.13/site-packages/asgiref/sync.py"),
    )
    samples = make_samples("head", {(*around, at(13, "find"), at(9, "rank")): 5})

    (path,) = gather((samples,), SERVERS, TEXTS).paths

    assert path == CallPath(functions=(0, 1), line=9)


def test_a_decorator_on_all_views_is_known_where_the_application_is_named() -> None:
    site = "/venv/lib/python3.13/site-packages"
    guard = at(12, "check", f"{site}/acme_guard/views.py")
    view = at(31, "search", f"{site}/shop/views.py")
    samples = (make_samples("base", {(GUNICORN, FLASK, guard, view): 5}),)

    gathered = gather(samples, SERVERS, {}, application="shop")

    assert [function.file for function in gathered.functions] == [view.file]
    assert files_of(samples, SERVERS, "shop") == (view.file,)
