"""A query of GraphQL reads, although it is sent by POST."""

from __future__ import annotations

import json
from typing import Any

import pytest

from loadtests.analysis.consistency.bodies.graphql import is_query, literals, with_text
from loadtests.model.tested.workload import RequestSpec

QUERIES = [
    "{ notes }",
    "{notes}",
    "query { notes }",
    "query Notes { notes { text } }",
    'query Notes($first: Int = 3, $where: In = {tag: "a"}) @live { notes(first: $first) }',
    "# mutation\n\n  , query { notes }",
    "fragment F on Note { text } query { notes { ...F } }",
    "query A { a } query B { b }",
    '{ search(text: "mutation { add }") }',
    '{ search(text: """mutation { add } "quoted" """) }',
    "{ mutation }",
    "{ note(id: {1..500}) { text } }",
]

OTHERS = [
    "mutation { add }",
    "mutation Add($t: String) { add(t: $t) { ok } }",
    "  # adds\n mutation { add }",
    "subscription { notes }",
    "fragment F on Note { text } mutation { add { ...F } }",
    "query A { a } mutation B { b }",
    "fragment F on Note { text }",
    "blue lamp",
    "lamp {blue}",
    "query",
    "",
    "{ notes",
    '{ search(text: """ }',
    "SELECT 1",
    "{}" * 60_000,
]


def sent(value: Any, method: str = "POST") -> RequestSpec:
    return RequestSpec(method=method, path="/graphql", json=value)


@pytest.mark.parametrize("document", QUERIES)
def test_a_query_reads(document: str) -> None:
    assert is_query(sent({"query": document, "variables": {"t": "mutation"}}))
    assert is_query(RequestSpec(method="POST", body=json.dumps({"query": document})))
    assert is_query(sent([{"query": document}, {"query": "{ notes }"}]))


@pytest.mark.parametrize("document", OTHERS)
def test_whatever_else_is_sent_under_that_name_does_not(document: str) -> None:
    assert not is_query(sent({"query": document}))
    assert not is_query(sent([{"query": "{ notes }"}, {"query": document}]))


def test_the_name_of_the_operation_says_which_is_meant() -> None:
    document = "query A { a } mutation B { b }"

    assert is_query(sent({"query": document, "operationName": "A"}))
    assert not is_query(sent({"query": document, "operationName": "B"}))
    assert not is_query(sent({"query": document, "operationName": "C"}))


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        "{ notes }",
        {"query": {"match": "lamp"}},
        {"jsonrpc": "2.0", "method": "get_or_create", "id": 1},
        ["{ notes }"],
    ],
)
def test_json_of_another_kind_does_not_read(value: Any) -> None:
    assert not is_query(sent(value))


def test_nor_does_another_method_or_an_upload() -> None:
    assert not is_query(sent({"query": "{ notes }"}, "PUT"))
    assert not is_query(
        RequestSpec(method="POST", json={"query": "{ notes }"}, files={"a": "a.txt"})
    )


DOCUMENT = """# adds "two"
mutation ($n: Int = 3) {
  add(input: {text: "said \\"hi\\"", tags: [a, "b c"]}, block: \"\"\"one \\\"\"\" two\"\"\") { id }
}"""


def test_a_document_has_texts_inside() -> None:
    found = literals(DOCUMENT) or []

    assert [(literal.key, literal.text) for literal in found] == [
        ("text", 'said "hi"'),
        ("tags", "b c"),
        ("block", 'one """ two'),
    ]


@pytest.mark.parametrize("index", range(3))
def test_each_text_can_be_another(index: int) -> None:
    found = literals(DOCUMENT) or []

    changed = literals(with_text(DOCUMENT, found[index], 'new "text"')) or []

    texts = [literal.text for literal in found]
    texts[index] = 'new "text"'
    assert [literal.text for literal in changed] == texts


@pytest.mark.parametrize("text", ["blue lamp", 'say "hello"', "{}" * 60_000, "{ notes", ""])
def test_what_is_no_document_has_none(text: str) -> None:
    assert literals(text) is None
