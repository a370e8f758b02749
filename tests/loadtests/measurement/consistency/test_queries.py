"""A query of GraphQL is read after the mutations, although both are sent by POST."""

from __future__ import annotations

import json
from typing import Any

import pytest
from flask import Flask

from loadtests.analysis.consistency.conversation import conversation_of
from loadtests.model.consistency import ProbeKind, ProbeResult, ProbeState
from loadtests.model.tested.workload import RequestSpec, Workload
from tests.loadtests.measurement.consistency import innocent_queries, site
from tests.loadtests.measurement.consistency.plain_app import Store
from tests.loadtests.measurement.consistency.site import asked, breaks

ADD = site.request(
    "POST /graphql",
    name="add",
    json={
        "query": "mutation ($text: String) { add(text: $text) { id } }",
        "variables": {"text": "buy some milk"},
    },
)
ALL = site.request("POST /graphql", name="all", json={"query": "{ notes }"})
SEARCH = site.request(
    "POST /graphql",
    name="search",
    json={
        "query": "query ($text: String) { search(text: $text) { text } }",
        "variables": {"text": "buy some milk"},
    },
)


def own_graphql(shared: Store, own: Store) -> Flask:
    return innocent_queries.graphql_of(own.setdefault("notes", []), list)


def graphql_without_its_table(shared: Store, own: Store) -> Flask:
    """The second server has no table; GraphQL says so with status 200."""
    app = Flask(__name__)
    shared["servers"] = number = shared.get("servers", 0) + 1

    @app.post("/graphql")
    def graphql() -> dict[str, Any]:
        if number == 2:
            return {"errors": [{"message": "no such table: notes"}], "data": {"notes": None}}
        return {"data": {"notes": ["buy some milk"]}}

    return app


def graphql_that_always_fails(_shared: Store, own: Store) -> Flask:
    app = Flask(__name__)

    @app.post("/graphql")
    def graphql() -> dict[str, Any]:
        return {"errors": [{"message": "Cannot query field 'notes'"}]}

    return app


def state_of(results: tuple[ProbeResult, ...], check: str) -> tuple[ProbeKind, ProbeState]:
    (result,) = [result for result in results if result.check == check]
    return result.kind, result.state


@pytest.mark.parametrize("is_old", [False, True])
def test_what_a_mutation_wrote_breaks_where_another_server_does_not_know_it(
    *, is_old: bool
) -> None:
    results = asked(own_graphql, ADD, ALL, before=[ADD] if is_old else [])

    (result,) = breaks(results)
    assert (result.check, result.write, result.kind) == ("all", "add", ProbeKind.WRITTEN)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("processes", [1, 3])
@pytest.mark.parametrize(("text", "is_old"), [("note {1000..9999}", False), ("buy milk", True)])
def test_nor_does_a_text_inside_the_document_of_a_mutation_hide(
    text: str, processes: int, seed: int, *, is_old: bool
) -> None:
    document = f'mutation {{ add(text: "{text}") {{ id }} }}'
    add = site.request("POST /graphql", name="add", json={"query": document})
    before = [add] if is_old else []

    (result,) = breaks(asked(own_graphql, add, ALL, before=before, processes=processes, seed=seed))
    assert (result.check, result.kind) == ("all", ProbeKind.WRITTEN)

    innocent = innocent_queries.graphql_in_a_database
    results = asked(innocent, add, ALL, before=before, processes=processes, seed=seed)
    assert state_of(results, "all") == (ProbeKind.WRITTEN, ProbeState.OK)


def test_a_query_that_fails_at_another_server_alone_breaks_although_its_status_is_200() -> None:
    (result,) = breaks(asked(graphql_without_its_table, ALL))

    assert (result.check, result.wrong) == ("all", {"gthread-2": 10})
    assert "no such table: notes" in result.detail
    assert "create its tables once" in result.remedy


def test_one_that_fails_at_home_already_is_not_compared() -> None:
    results = asked(graphql_that_always_fails, ALL)

    assert state_of(results, "all") == (ProbeKind.ANSWER, ProbeState.UNCHECKED)


def test_queries_at_one_path_are_asked_apart_and_what_they_say_themselves_is_not_written() -> None:
    results = asked(innocent_queries.graphql_in_a_database, ADD, SEARCH, ALL, before=[ADD])

    assert breaks(results) == []
    assert state_of(results, "all") == (ProbeKind.WRITTEN, ProbeState.OK)
    assert state_of(results, "search") == (ProbeKind.ANSWER, ProbeState.OK)


@pytest.mark.parametrize(
    ("fields", "is_read"),
    [
        ({"json": {"query": "{ notes }"}}, True),
        ({"body": '{"query": "query Notes { notes }"}'}, True),
        ({"json": {"query": "mutation { add }"}}, False),
        ({"json": {"query": "blue lamp"}}, False),
        ({"json": {"jsonrpc": "2.0", "method": "get_next_job", "id": 1}}, False),
    ],
)
def test_a_post_is_a_read_where_it_is_a_query(fields: dict[str, Any], *, is_read: bool) -> None:
    request = RequestSpec(method="POST", path="/api", **fields)

    talk = conversation_of(Workload(name="own", path="/", requests=(request,)))

    assert (len(talk.reads), len(talk.writes)) == ((1, 0) if is_read else (0, 1))


@pytest.mark.parametrize(
    ("document", "is_read"),
    [
        ("{1000..9999}", False),
        ("{winter shoes|summer hats}", False),
        ("{words}", False),
        ("{query|mutation} { add }", False),
        ("{notes}", True),
        ("{ note(id: {1..500}) {text} }", True),
        ('{ search(text: "{lamp|chair}") {text} }', True),
    ],
)
@pytest.mark.parametrize("as_body", [False, True])
def test_a_placeholder_is_no_document(document: str, *, is_read: bool, as_body: bool) -> None:
    sent = {"query": document}
    request = RequestSpec(method="POST", path="/searches", json=sent)
    if as_body:
        request = RequestSpec(method="POST", path="/searches", body=json.dumps(sent))
    workload = Workload(
        name="own", path="/", requests=(request,), values={"words": ("lamp", "chair")}
    )

    talk = conversation_of(workload)

    assert (len(talk.reads), len(talk.writes)) == ((1, 0) if is_read else (0, 1))
