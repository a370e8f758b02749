"""What a check trial found, judged: what cannot be measured, with the exit code of each, and notes.

What the check trial itself reports is described by the generator's protocol (``checked``).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from loadtests.analysis.shared.statuses import TOO_MANY_REQUESTS
from loadtests.measurement.user_load import answers
from loadtests.measurement.user_load.answers import Facts, in_words, steps_of
from loadtests.model.errors import EXIT_CANNOT_TELL, EXIT_USAGE

FAILING_LIMIT_RATIO = 0.001
"""Share of failing tasks from which a run has no verdict; the rule ``errors`` has the same."""

BAD_REQUEST = 400
UNAUTHORIZED = 401
FORBIDDEN = 403
NOT_FOUND = 404

NAMED_MAX = 5
"""Things of one kind that a sentence names."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Why a load cannot be measured as it is; ``place`` is a line of the file, if there is one."""

    exit_code: int
    place: str
    detail: str

    def __str__(self) -> str:
        return f"{self.place}: {self.detail}" if self.place else self.detail


def problems_of(facts: Facts, headers: Collection[str] = ()) -> tuple[Problem, ...]:
    """Return everything that makes the load unusable; ``headers`` are names of those it sends."""
    if facts.get("problem"):
        elsewhere = tuple(_elsewhere(facts))
        is_cause = facts["problem"]["code"] == "import_error"
        return elsewhere if elsewhere and is_cause else (_unloadable(facts["problem"]),)
    steps: Sequence[Facts] = facts["steps"]
    return (
        *_elsewhere(facts),
        *_ended(steps),
        *_raised(steps),
        *_unwanted(facts, headers),
        *_behind(steps),
        *_uncounted(facts),
        *_silent(steps),
    )


def notes_of(facts: Facts, headers: Collection[str] = ()) -> tuple[str, ...]:
    """Return what is left out, changed or strange, and does not spoil the load."""
    if facts.get("problem"):
        return ()
    notes = [*facts["notes"], *answers.redirect_notes(facts, headers), *answers.login_notes(facts)]
    notes += [
        f"{refused['place']}: a listener wants to reach {refused['address']}. Only the target can"
        " be reached, so nothing was sent."
        for refused in facts["refused"]
        if refused["listener"]
    ]
    notes += [
        f"{error['place']}: a listener of an event fails: {error['detail']}"
        for error in facts.get("listener_errors", ())
    ]
    notes += [
        f"The cookie {name} is for the {why}, so it is not sent to the target."
        for name, why in facts["kept_back"].items()
        if why != "secure"
    ]
    if facts["not_checked"]:
        notes.append(f"Not checked, for lack of time: {listed(facts['not_checked'])}.")
    for step in steps_of(facts["steps"], "on_stop"):
        last = step["attempts"][-1]
        if last["ending"] == "raised":
            notes.append(f"{last['place']}: {step['name']} fails: {last['kind']}: {last['detail']}")
    return tuple(dict.fromkeys(notes))


def _unloadable(problem: Facts) -> Problem:
    return Problem(exit_code=EXIT_USAGE, place=problem["place"], detail=problem["detail"])


def _elsewhere(facts: Facts) -> Iterator[Problem]:
    for refused in facts["refused"]:
        if not refused["listener"]:
            yield Problem(
                exit_code=EXIT_USAGE,
                place=refused["place"],
                detail=f"It asks {refused['address']}, which is not the target. Nothing was sent"
                " there: ask for a path, such as /search, or for self.host.",
            )


def _ended(steps: Sequence[Facts]) -> Iterator[Problem]:
    """Give the steps that end users or the test, and those that do not end."""
    for step in steps:
        last = step["attempts"][-1] if step["attempts"] else {"ending": "ok"}
        detail = {
            "stop_user": "ends its user (StopUser). A load needs users that go on.",
            "quit": "ends the test (runner.quit). A load needs users that go on.",
            "stuck": "did nothing for 2 s and sent no request. It waits for something that does"
            " not come, or computes for ever.",
            "slow": "did not end in the time of the check trial.",
        }.get(last["ending"])
        if detail is not None and step["kind"] != "on_stop" and not _may_follow(step):
            yield Problem(
                exit_code=EXIT_CANNOT_TELL,
                place=last["place"],
                detail=f"{step['name']} {detail}",
            )


def _raised(steps: Sequence[Facts]) -> Iterator[Problem]:
    for step in steps:
        if step["kind"] == "on_stop" or not step["attempts"]:
            continue
        last = step["attempts"][-1]
        if last["ending"] == "raised" and last["kind"] not in REFUSALS and not _may_follow(step):
            yield Problem(
                exit_code=EXIT_CANNOT_TELL,
                place=last["place"],
                detail=f"{step['name']} fails: {last['kind']}: {last['detail']}{_after(last)}",
            )


OWN_MISTAKES = frozenset(
    {
        *("NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError", "SyntaxError"),
        *("FileNotFoundError", "NotADirectoryError", "IsADirectoryError"),
    }
)
"""Exceptions that do not come from what another step left undone."""


def _may_follow(step: Facts) -> bool:
    """Return whether a step may have gone wrong only because the start before it did."""
    if not step.get("unready") or not step["attempts"]:
        return False
    last = step["attempts"][-1]
    return last["ending"] in {"ok", "stop_user"} or (
        last["ending"] == "raised" and last["kind"] not in OWN_MISTAKES
    )


def _behind(steps: Sequence[Facts]) -> Iterator[Problem]:
    """Say in one sentence what went wrong behind a start that failed."""
    wrong = [
        f"{step['name']} ({_wrong_in(step)})"
        for step in steps
        if step["kind"] != "on_stop" and _may_follow(step) and _wrong_in(step)
    ]
    if wrong:
        detail = f"Behind that start, perhaps because it fails: {listed(wrong)}."
        yield Problem(exit_code=EXIT_CANNOT_TELL, place="", detail=detail)


def _wrong_in(step: Facts) -> str:
    """Return what went wrong in the last try of a step, in a clause; nothing where all was well."""
    last = step["attempts"][-1]
    if last["ending"] == "stop_user":
        return "it ends its user"
    if last["ending"] == "raised":
        refused = last["kind"] in REFUSALS
        return "" if refused else f"{last['place']}, {last['kind']}: {last['detail']}"
    return ", ".join(in_words(request) for request in _failing(step))


REFUSALS = frozenset({"Elsewhere", "AddressRefused"})
"""Exceptions of requests to other addresses, which are said by themselves."""


def _after(attempt: Facts) -> str:
    """Return the answer that an exception followed, in words."""
    if not attempt["requests"]:
        return ""
    last = attempt["requests"][-1]
    return f" The answer before it: {in_words(last)}."


def _unwanted(facts: Facts, headers: Collection[str]) -> tuple[Problem, ...]:
    """Find answers that are none: those that fail, a login page, a redirect to https."""
    of_all = answers.of_all(facts, headers)
    if of_all is not None:
        return (Problem(exit_code=EXIT_CANNOT_TELL, place="", detail=of_all),)
    return (
        *_failed(facts["steps"]),
        *(
            Problem(exit_code=EXIT_CANNOT_TELL, place="", detail=detail)
            for detail in answers.of_single(facts, headers)
        ),
    )


def _failed(steps: Sequence[Facts]) -> tuple[Problem, ...]:
    """Find requests that fail in each try, if they are too many for a verdict."""
    starts = [step for step in steps_of(steps, "on_start") if _fails(step)]
    tasks = [step for step in steps_of(steps, "task") if _fails(step)]
    share = sum(step["share"] for step in tasks)
    statuses = {
        request["status"]
        for step in steps
        for attempt in step["attempts"][-1:]
        for request in attempt["requests"]
    }
    problems = [
        Problem(
            exit_code=EXIT_CANNOT_TELL,
            place="",
            detail=f"{step['name']}: {in_words(request)}, {times(step)}."
            f" {_advice(request, statuses)}",
        )
        for step in (*starts, *(tasks if share > FAILING_LIMIT_RATIO else ()))
        for request in _failing(step)
    ]
    return tuple(dict.fromkeys(problems))


EXPECTED = (
    "Only correct answers count. If this one is, say so: expect = … in a list, success() in a"
    " locustfile."
)
WANTS_USER = (
    "Only correct answers count, and this one asks for a user: name one by --header"
    ' "Authorization=Basic …", or log users in.'
)
REFUSES_HOST = (
    "Only correct answers count. Perhaps the application refuses the Host (ALLOWED_HOSTS,"
    " TRUSTED_HOSTS): name one that it knows by --header Host=localhost."
)

NOT_THERE = (
    'Only correct answers count. Ask for a path that the application has (--request "GET /search");'
    " twofold init lists them. If this answer is right, say so: expect = 404 in a list, success()"
    " in a locustfile."
)
NOTHING_THERE = (
    f"{NOT_THERE} Perhaps all of it lies below a prefix (SCRIPT_NAME), or it knows one Host only"
    " (SERVER_NAME): --header Host=shop.test."
)
ASKS_FOR_CSRF = (
    "Only correct answers count, and this one asks for a CSRF token. A locustfile can take it from"
    " the form; or switch that check off for the test."
)

LIMITED = (
    "The application limits how often one address may ask, and a load test asks from one. Raise or"
    " switch off its limit for the test."
)


def _advice(request: Facts, statuses: Collection[int]) -> str:
    """Return what to do about an answer; ``statuses`` are those of all requests.

    An answer that nobody is let in by is never the one to measure.
    """
    if request["status"] == UNAUTHORIZED:
        return WANTS_USER
    if request["status"] == TOO_MANY_REQUESTS:
        return LIMITED
    is_form = request["method"] not in answers.SAFE_METHODS
    if is_form and request["status"] in {BAD_REQUEST, FORBIDDEN} and request.get("names_csrf"):
        return ASKS_FOR_CSRF
    if request["status"] == NOT_FOUND:
        return NOTHING_THERE if set(statuses) == {NOT_FOUND} else NOT_THERE
    return REFUSES_HOST if set(statuses) == {BAD_REQUEST} else EXPECTED


def _fails(step: Facts) -> bool:
    attempts = step["attempts"]
    return (
        bool(attempts)
        and not step.get("unready")
        and all(
            attempt["ending"] == "ok"
            and not all(request["good"] for request in attempt["requests"])
            for attempt in attempts
        )
    )


def _failing(step: Facts) -> list[Facts]:
    """Return the requests that failed in the last try, each name once."""
    bad = [request for request in step["attempts"][-1]["requests"] if not request["good"]]
    return list({(request["method"], request["name"]): request for request in bad}.values())


def times(step: Facts) -> str:
    """Return how often a step was tried, in words."""
    tries = len(step["attempts"])
    return "in the only try" if tries == 1 else f"in each of {tries} tries"


def _uncounted(facts: Facts) -> Iterator[Problem]:
    for place in facts["others"]:
        yield Problem(
            exit_code=EXIT_CANNOT_TELL,
            place=place,
            detail="It sends requests with another client than self.client, which nobody counts."
            " Use self.client, or a class of User that reports each request (events.request.fire).",
        )


def _silent(steps: Sequence[Facts]) -> Iterator[Problem]:
    """Give a load without any request, if nothing else explains it."""
    tried = [attempt for step in steps for attempt in step["attempts"]]
    if all(attempt["ending"] == "ok" and not attempt["requests"] for attempt in tried):
        detail = "None of its tasks sends a request, so there is nothing to measure."
        yield Problem(exit_code=EXIT_CANNOT_TELL, place="", detail=detail)


def listed(names: Sequence[str]) -> str:
    """Return some names, and how many more there are."""
    more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
    return ", ".join(names[:NAMED_MAX]) + more
