from typing import Any

import pytest

from loadtests.analysis.consistency.declared import (
    CORRECT_EXPECTED,
    CORRECT_STEPS,
    combined,
    judge,
    tells_writes_apart,
)
from loadtests.model.consistency import (
    SAMPLE_CHECKS,
    Check,
    CheckKind,
    ProbeRecord,
    ProbeResult,
    ProbeState,
    Seen,
    Step,
)
from loadtests.model.tested.workload import Expected

NOTE, SESSION, COUNTER = SAMPLE_CHECKS
NO_STORE = '{"error": "This service was started without a store: DATABASE_URL is not set."}'


def seen(replica: str | None, status: int | None = 200, body: str = "", **fields: Any) -> Seen:
    return Seen(replica=replica, status=status, body=body, **fields)


def a_record(*reads: Seen, **fields: Any) -> ProbeRecord:
    """Give the record of a note that was written through the second of two replicas."""
    defaults: dict[str, Any] = {
        "worker": "gthread",
        "replicas": ("gthread-1", "gthread-2"),
        "check": NOTE,
        "token": "t0k3n",
        "writes": (seen("gthread-2"),),
        "reads": reads,
    }
    return ProbeRecord(**defaults | fields)


KNOWN = '{"body": "t0k3n"}'
UNKNOWN = '{"error": "There is no note t0k3n."}'


def told(result: ProbeResult) -> tuple[ProbeState, str]:
    return result.state, result.detail


def test_a_note_that_all_know_is_ok() -> None:
    result = judge(a_record(seen("gthread-1", body=KNOWN), seen("gthread-2", body=KNOWN)))

    assert told(result) == (ProbeState.OK, "All 2 answers of 2 replicas were right.")
    assert (result.right, result.wrong) == ({"gthread-1": 1, "gthread-2": 1}, {})


def test_a_note_that_only_its_writer_knows_breaks_and_the_request_is_named() -> None:
    reads = (seen("gthread-2", body=KNOWN), *[seen("gthread-1", 404, UNKNOWN)] * 2)

    result = judge(a_record(*reads))

    assert told(result) == (
        ProbeState.BREAKS,
        "After PUT /state/notes/t0k3n through gthread-2, GET /state/notes/t0k3n was answered by"
        ' gthread-1 with 404 {"error": "There is no note t0k3n."} (2 of 2 times).',
    )
    assert (result.write, result.read) == ("PUT /state/notes/t0k3n", "GET /state/notes/t0k3n")
    assert (result.written_by, result.one_server) == ("gthread-2", False)
    assert (result.right, result.wrong) == ({"gthread-2": 1}, {"gthread-1": 2})


def test_a_writer_that_forgets_breaks_with_one_server_already() -> None:
    reads = (
        seen("gthread-2", body=KNOWN),
        seen("gthread-2", 404, UNKNOWN),
        seen("gthread-1", 404, UNKNOWN),
    )

    result = judge(a_record(*reads))

    assert result.one_server
    assert result.detail.endswith(
        "This fails with a single server, too: the processes of gthread-2 do not agree."
    )
    assert "answered by gthread-1" in result.detail  # the other server is what was asked about


@pytest.mark.parametrize(
    ("status", "body"), [(401, "nobody is logged in"), (200, "another user"), (500, ""), (302, "")]
)
def test_any_other_answer_of_the_application_is_wrong(status: int, body: str) -> None:
    reads = (seen("gthread-2", body=KNOWN), seen("gthread-1", status, body))

    assert judge(a_record(*reads, check=SESSION)).state is ProbeState.BREAKS


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_server_that_cannot_answer_leaves_it_open(status: int) -> None:
    reads = (seen("gthread-2", body=KNOWN), seen("gthread-1", status))

    assert told(judge(a_record(*reads))) == (
        ProbeState.UNCHECKED,
        f"GET /state/notes/t0k3n got {status} from gthread-1.",
    )


def test_no_answer_at_all_leaves_it_open() -> None:
    reads = (seen("gthread-2", body=KNOWN), seen(None, None, error="timeout"))

    assert told(judge(a_record(*reads))) == (
        ProbeState.UNCHECKED,
        "GET /state/notes/t0k3n got nothing (timeout) from an unknown server.",
    )


def test_a_wrong_answer_counts_beside_one_that_never_came() -> None:
    reads = (seen("gthread-1", 404, UNKNOWN), seen("gthread-2", None, error="timeout"))

    assert judge(a_record(*reads)).state is ProbeState.BREAKS


def test_a_replica_that_was_not_asked_leaves_it_open() -> None:
    result = judge(a_record(seen("gthread-2", body=KNOWN)))

    assert told(result) == (
        ProbeState.UNCHECKED,
        "The proxy did not send GET /state/notes/t0k3n to gthread-1.",
    )


def test_where_no_answer_names_its_replica_nobody_knows_whether_all_were_asked() -> None:
    result = judge(a_record(*[seen(None, body=KNOWN)] * 16, writes=(seen(None),)))

    assert told(result) == (
        ProbeState.UNCHECKED,
        "All 16 answers to GET /state/notes/t0k3n were right, but none says which replica gave it,"
        " so some may not have been asked.",
    )


@pytest.mark.parametrize(
    ("status", "body", "said"), [(503, NO_STORE, f": {NO_STORE[:100]}"), (404, "", "")]
)
def test_what_cannot_be_written_is_not_judged(status: int, body: str, said: str) -> None:
    record = a_record(seen("gthread-1", 404), writes=(seen("gthread-2", status, body),))

    assert told(judge(record)) == (
        ProbeState.UNCHECKED,
        f"PUT /state/notes/t0k3n got {status} from gthread-2{said}.",
    )


# -- what a user declares --------------------------------------------------------------------------

LOGIN_HOLDS = Check(
    name="a login is known to every replica",
    kind=CheckKind.VALUE,
    write=Step(method="POST", path="/login", body="user=ada", expect=Expected(status=302)),
    read=Step(method="GET", path="/me", expect=Expected(status=200, contains="ada")),
)


def a_login(*reads: Seen, status: int = 302) -> ProbeRecord:
    return a_record(*reads, check=LOGIN_HOLDS, writes=(seen("gthread-2", status),))


def test_what_a_check_expects_decides_what_is_right() -> None:
    known, unknown = seen("gthread-2", body="hello ada"), seen("gthread-1", body="hello stranger")

    result = judge(a_login(known, unknown))

    assert result.state is ProbeState.BREAKS
    assert (result.right, result.wrong) == ({"gthread-2": 1}, {"gthread-1": 1})
    assert judge(a_login(known, seen("gthread-1", body="ada!"))).state is ProbeState.OK


@pytest.mark.parametrize("check", SAMPLE_CHECKS)
def test_a_second_write_of_another_token_or_of_a_count_shows_something_new(check: Check) -> None:
    assert tells_writes_apart(check)


@pytest.mark.parametrize(
    ("body", "path", "contains", "expected"),
    [
        ("{token}", "/notes", "{token}", True),
        ("{token}", "/notes/{token}", None, True),
        ("hello", "/notes", "hello", False),
        ("hello {token}", "/notes", "hello", False),
        ("{token}", "/notes", None, False),
    ],
)
def test_a_second_write_shows_nothing_new_where_the_read_expects_the_same(
    body: str, path: str, contains: str | None, *, expected: bool
) -> None:
    check = Check(
        name="note",
        kind=CheckKind.VALUE,
        write=Step(method="POST", path="/notes", body=body),
        read=Step(method="GET", path=path, expect=Expected(status=200, contains=contains)),
    )

    assert tells_writes_apart(check) is expected


def test_a_write_that_is_not_answered_as_expected_leaves_the_check_open() -> None:
    result = judge(a_login(seen("gthread-2", body="ada"), status=200))

    assert told(result) == (ProbeState.UNCHECKED, "POST /login got 200 from gthread-2.")


def test_an_expectation_that_nobody_meets_is_the_checks_own_fault() -> None:
    result = judge(a_login(seen("gthread-1", body="hi"), seen("gthread-2", body="hi")))

    assert told(result) == (
        ProbeState.UNCHECKED,
        "After POST /login, no replica answered GET /me with 200 with 'ada', not even the one that"
        " was written to: gthread-1 answered 200 hi.",
    )
    assert result.remedy == CORRECT_EXPECTED


def test_a_value_that_even_its_writer_does_not_return_is_the_checks_own_fault() -> None:
    reads = (seen("gthread-1", 302, ""), seen("gthread-2", 302, ""))

    result = judge(a_record(*reads, check=SESSION, writes=(seen("gthread-2", 302),)))

    assert told(result) == (
        ProbeState.UNCHECKED,
        "After POST /state/login?user=t0k3n, no replica answered GET /state/me with t0k3n, not even"
        " the one that was written to: gthread-1 answered 302. The write got 302.",
    )
    assert result.remedy == CORRECT_STEPS


def test_a_try_that_nobody_met_counts_beside_one_that_broke() -> None:
    """Of several processes, the one that was written to may not have been asked."""
    bad = judge(a_record(seen("gthread-1", 404, UNKNOWN), seen("gthread-2", body=KNOWN)))
    unlucky = judge(a_record(seen("gthread-1", 404, UNKNOWN), seen("gthread-2", 404, UNKNOWN)))

    assert combined([bad, unlucky]).state is ProbeState.BREAKS
    assert combined([unlucky, bad]).state is ProbeState.BREAKS
    assert combined([unlucky, unlucky]) is unlucky


def test_a_try_that_nobody_met_beside_one_that_all_met_may_be_chance() -> None:
    unlucky = judge(a_record(seen("gthread-1", 404, UNKNOWN), seen("gthread-2", 404, UNKNOWN)))
    good = judge(a_record(seen("gthread-1", body=KNOWN), seen("gthread-2", body=KNOWN)))

    together = combined([unlucky, good])

    assert good.state is ProbeState.OK
    assert together.state is ProbeState.NOTE
    assert together.detail.startswith("In 1 of 2 tries, which may be chance:")
    assert together.remedy == ""  # it was met, so there is nothing to correct

    bad = judge(a_record(seen("gthread-1", 404, UNKNOWN), seen("gthread-2", body=KNOWN)))
    assert combined([bad, bad, unlucky, good]).state is ProbeState.BREAKS


def test_one_broken_try_of_several_may_be_chance_and_two_are_not() -> None:
    good = judge(a_record(seen("gthread-1", body=KNOWN), seen("gthread-2", body=KNOWN)))
    bad = judge(a_record(seen("gthread-1", 404, UNKNOWN), seen("gthread-2", body=KNOWN)))

    assert combined([good, bad, good]).state is ProbeState.NOTE
    assert combined([good, bad, good]).detail.startswith("In 1 of 3 tries, which may be chance:")
    assert combined([bad, good, bad]).state is ProbeState.BREAKS
    assert combined([bad]).state is ProbeState.BREAKS
    assert combined([good]) is good
