"""What a check trial saw, judged: problems with their exit codes, and notes."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.measurement.check_trial import raise_all, users_step
from loadtests.measurement.user_load.findings import Problem, listed, notes_of, problems_of
from loadtests.model.errors import (
    EXIT_CANNOT_TELL,
    EXIT_USAGE,
    TwofoldError,
    UnusableLoad,
    UsageError,
)
from tests.loadtests.measurement.user_load.check_trial_facts import (
    GOOD,
    attempt,
    bad,
    facts,
    raised,
    request,
    said,
    step,
)


def test_nothing_is_said_of_what_is_good() -> None:
    assert said(GOOD) == []
    assert notes_of(facts(GOOD)) == ()


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        ("stop_user", "ends its user (StopUser)"),
        ("quit", "ends the test (runner.quit)"),
        ("stuck", "did nothing for 2 s"),
        ("slow", "did not end in the time of the check trial"),
    ],
)
def test_endings_are_told_with_their_line(ending: str, words: str) -> None:
    (line,) = said(GOOD, step("Shop.buy", attempt(ending=ending, place="locustfile.py:9")))

    assert line.startswith("locustfile.py:9: Shop.buy ")
    assert words in line


def test_a_request_that_fails_each_time_is_told_with_the_tries() -> None:
    (line,) = said(GOOD, step("Shop.bad", *[attempt(bad("/bad"))] * 3))

    assert line.startswith("Shop.bad: GET /bad was answered with 500, in each of 3 tries.")


def test_one_that_once_goes_well_is_no_problem() -> None:
    assert said(GOOD, step("Shop.bad", attempt(bad()), attempt(request()))) == []


def test_a_task_that_is_almost_never_chosen_may_fail() -> None:
    assert said(GOOD, step("Shop.rare", attempt(bad()), share=0.0005)) == []


def test_no_answer_and_a_rejected_one_are_told_as_such() -> None:
    lines = said(
        step("a", attempt(request("/a", status=0, good=False, outcome="timeout"))),
        step("b", attempt(request("/b", good=False, outcome="rejected", error="too short"))),
    )

    assert "GET /a got no answer (timeout)" in lines[0]
    assert "GET /b was answered with 200 (too short)" in lines[1]


def test_an_exception_has_the_answer_before_it() -> None:
    (line,) = said(
        step(
            "Shop.item",
            attempt(
                bad("/item", 404), ending="raised", kind="KeyError", detail="'id'", place="f:3"
            ),
        )
    )

    assert line == (
        "f:3: Shop.item fails: KeyError: 'id'"
        " The answer before it: GET /item was answered with 404."
    )


def test_other_addresses_come_first_and_make_it_unusable() -> None:
    refused = [{"address": "shop.example.com", "place": "f:3", "listener": False}]
    problems = problems_of(
        facts(
            step("Shop.away", raised("Elsewhere")),
            step("Shop.x", raised("NameError")),
            refused=refused,
        )
    )

    assert [problem.exit_code for problem in problems] == [EXIT_USAGE, EXIT_CANNOT_TELL]
    assert "shop.example.com, which is not the target" in problems[0].detail


def test_a_listener_that_asks_elsewhere_is_a_note() -> None:
    refused = [{"address": "hooks.example.com", "place": "f:3", "listener": True}]

    assert said(GOOD, refused=refused) == []
    (note,) = notes_of(facts(GOOD, refused=refused))
    assert note.startswith("f:3: a listener wants to reach hooks.example.com")


START = step("Shop.on_start", raised("KeyError", "'token'"), kind="on_start")


def test_what_fails_behind_a_start_that_fails_is_one_line_that_says_so() -> None:
    lines = said(
        START,
        step("Shop.cart", attempt(bad("/cart", 401)), unready=True),
        step("Shop.token", raised("AttributeError", "no token"), unready=True),
        step("Shop.index", attempt(request()), unready=True),
        step("Shop.over", attempt(ending="stop_user", place="f:1"), unready=True),
    )

    assert lines == [
        "locustfile.py:7: Shop.on_start fails: KeyError: 'token'",
        "Behind that start, perhaps because it fails: Shop.cart (GET /cart was answered with 401),"
        " Shop.token (locustfile.py:7, AttributeError: no token), Shop.over (it ends its user).",
    ]


@pytest.mark.parametrize("kind", ["NameError", "ModuleNotFoundError", "FileNotFoundError"])
def test_a_mistake_of_its_own_is_told_by_itself_behind_it(kind: str) -> None:
    lines = said(START, step("Shop.cart", raised(kind, "x"), unready=True))

    assert lines[1:] == [f"locustfile.py:7: Shop.cart fails: {kind}: x"]


def login_page(path: str = "/cart", **fields: Any) -> dict[str, Any]:
    hop = {"status": 302, "location": "/login?next=/cart"}
    return request(path, redirects=[hop], final_path="/login", **fields)


def test_nothing_but_the_login_page_is_one_problem() -> None:
    (line,) = said(step("a", attempt(login_page())), step("b", attempt(login_page("/b"))))

    assert line.startswith("Every answer is the login page /login: the users are not logged in.")
    assert "Check the user and the password" in line


def test_one_other_answer_takes_it_away() -> None:
    assert said(step("a", attempt(login_page())), GOOD) == []


def test_a_login_that_is_itself_a_task_does_not_count() -> None:
    lines = said(
        step("login", attempt(request("/login", has_password_field=True))),
        step("a", attempt(login_page())),
    )

    assert len(lines) == 1
    assert "the login page" in lines[0]


def test_a_secure_cookie_is_named_with_the_header() -> None:
    (line,) = said(step("a", attempt(login_page())), kept_back={"session": "secure"})

    assert "The cookie session is marked Secure" in line
    assert "--header X-Forwarded-Proto=https" in line


def test_redirects_to_https_are_told_with_the_header() -> None:
    moved = request("/", status=301, location="https://shop.test/")
    (line,) = said(step("a", attempt(moved)))

    assert line.startswith("Every answer is a redirect to https://shop.test/.")
    assert "--header X-Forwarded-Proto=https" in line


def test_uncounted_and_missing_requests_are_told() -> None:
    (line,) = said(GOOD, others=["f:3"])
    assert line.startswith("f:3: It sends requests with another client than self.client")

    (line,) = said(step("Shop.think", attempt()))
    assert line.startswith("None of its tasks sends a request")


def test_a_file_that_cannot_be_loaded_has_one_problem_or_the_host_that_it_asked() -> None:
    problem = {"code": "import_error", "detail": "It fails.", "place": "f:1"}
    refused = [{"address": "data.example.com", "place": "f:2", "listener": False}]

    assert [str(each) for each in problems_of({"problem": problem, "refused": []})] == [
        "f:1: It fails."
    ]
    (elsewhere,) = problems_of({"problem": problem, "refused": refused})
    assert elsewhere.detail.startswith("It asks data.example.com")
    assert notes_of({"problem": problem}) == ()


def test_notes_have_everything_that_does_not_spoil_the_load() -> None:
    notes = notes_of(
        facts(
            GOOD,
            step("Shop.on_stop", raised("KeyError", "'x'"), kind="on_stop"),
            notes=["Waits are left out.", "Waits are left out."],
            listener_errors=[{"place": "f:4", "detail": "TypeError: no"}],
            kept_back={"a": "domain other.test", "b": "secure"},
            not_checked=[f"t{number}" for number in range(7)],
        )
    )

    assert notes == (
        "Waits are left out.",
        "f:4: a listener of an event fails: TypeError: no",
        "The cookie a is for the domain other.test, so it is not sent to the target.",
        "Not checked, for lack of time: t0, t1, t2, t3, t4 and 2 more.",
        "locustfile.py:7: Shop.on_stop fails: KeyError: 'x'",
    )


@pytest.mark.parametrize(
    ("codes", "kind"),
    [
        ((EXIT_USAGE,), UsageError),
        ((EXIT_CANNOT_TELL,), UnusableLoad),
        ((EXIT_CANNOT_TELL, EXIT_USAGE), UsageError),
    ],
)
def test_all_problems_are_one_error_with_the_code_of_the_first_kind(
    codes: tuple[int, ...], kind: type[TwofoldError]
) -> None:
    problems = [Problem(exit_code=code, place="", detail=f"detail {code}") for code in codes]
    with pytest.raises(TwofoldError) as raised:
        raise_all((*problems, *problems), "shop", ["a note"])

    assert type(raised.value) is kind
    assert str(raised.value).splitlines() == [
        "The load shop cannot be used as it is:",
        *(f"  detail {code}" for code in codes),
        "  a note",
    ]


def test_no_problem_is_no_error() -> None:
    raise_all((), "shop", ["a note"])


@pytest.mark.parametrize(
    ("weights", "step"),
    [([], 1), ([1], 1), ([3, 1], 4), ([0.5, 1.5], 4), ([2, 3], 5), ([1, 40], 1)],
)
def test_users_are_calibrated_in_steps_with_the_whole_mix(weights: list[float], step: int) -> None:
    assert users_step(weights) == step


def test_many_names_are_cut() -> None:
    assert listed(["a", "b"]) == "a, b"
    assert listed(list("abcdefg")) == "a, b, c, d, e and 2 more"


def test_what_lets_nobody_in_is_not_to_be_expected() -> None:
    (refused,) = said(step("a", attempt(bad("/a", 400))))
    (unknown,) = said(GOOD, step("a", attempt(bad("/a", 401))))
    (wrong,) = said(GOOD, step("a", attempt(bad("/a", 400))))

    assert "--header Host=localhost" in refused
    assert '--header "Authorization=Basic …"' in unknown
    assert "expect = …" not in refused + unknown
    assert "expect = …" in wrong


def test_a_path_that_is_not_there_is_to_be_asked_for_by_another_name() -> None:
    (first,) = said(step("GET /", attempt(bad("/", 404))))
    (other,) = said(GOOD, step("GET /a", attempt(bad("/a", 404))))

    assert "twofold init lists them" in first
    assert "(SERVER_NAME): --header Host=shop.test" in first
    assert first.startswith(other.replace("GET /a", "GET /"))


@pytest.mark.parametrize("status", [400, 403])
def test_a_form_without_its_csrf_token_is_told_as_such(status: int) -> None:
    refused = bad("/cart", status, method="POST", names_csrf=True)

    assert "this one asks for a CSRF token" in said(step("POST /cart", attempt(refused)))[0]
    assert "CSRF" not in said(step("a", attempt(bad("/cart", status, names_csrf=True))))[0]
