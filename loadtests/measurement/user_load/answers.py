"""Where the answers of a check trial lead: to a login, to https, or to another page."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

from loadtests.analysis.consistency.reading import SILENT
from loadtests.analysis.shared.logins import is_login_path
from loadtests.analysis.shared.statuses import FIRST_ERROR_STATUS

Facts = Mapping[str, Any]

PROTO = "x-forwarded-proto"

TLS_HINT = (
    "The application wants to be behind TLS: --header X-Forwarded-Proto=https says that it is."
)

NOT_BELIEVED = (
    "X-Forwarded-Proto is sent, and the application does not believe it: --env"
    " 'FORWARDED_ALLOW_IPS=*' makes gunicorn and uvicorn believe it. Flask has ProxyFix for that,"
    " and Django SECURE_PROXY_SSL_HEADER."
)

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that send no password."""


def of_all(facts: Facts, headers: Collection[str] = ()) -> str | None:
    """Return what is wrong where all answers are redirects, or one login page.

    ``headers`` are the names of the headers that the load sends.
    """
    requests = [
        request for request in of_tasks(facts["steps"]) if not is_login_path(request["path"])
    ]
    if not requests:
        return None
    to_https = [where for request in requests if (where := _https_of(request)) is not None]
    if len(to_https) == len(requests):
        hint = _tls_hint(requests[0], headers)
        return f"Every answer is a redirect to {to_https[0]}. {hint}"
    sends_password = any(
        request["method"] not in SAFE_METHODS
        for step in steps_of(facts["steps"], "on_start")
        for request in step["attempts"][-1]["requests"]
    )
    logins = {_login_of(request, sends_password=sends_password) for request in requests}
    if None in logins:
        return _of_redirects(facts)
    where = ", ".join(sorted(map(str, logins)))
    secure = [name for name, why in facts["kept_back"].items() if why == "secure"]
    reason = (
        f" The cookie {secure[0]} is marked Secure, so no client sends it over http. {TLS_HINT}"
        if secure
        else " Check the user and the password that on_start sends."
    )
    return f"Every answer is the login page {where}: the users are not logged in.{reason}"


def _of_redirects(facts: Facts) -> str | None:
    """Return what is wrong where a list reads pages, and each answer only leads elsewhere.

    A form may be answered so. Redirects to https are told by themselves.
    """
    requests = [*of_tasks(facts["steps"])] if facts.get("list") else []
    for request in requests:
        location = _left(request) if request["method"] in SAFE_METHODS else None
        if not location or _is_https(location):
            return None
    if not requests:
        return None
    return f"Every answer is a redirect, so no page would be measured. {_redirect(requests[0])}"


def refuse_a_user(facts: Facts) -> bool:
    """Return whether users are refused who began well: a failing status, or a login page.

    So it is where each process of one server has a session, or other state, of its own.
    """
    starts = [step["attempts"][-1] for step in steps_of(facts["steps"], "on_start")]
    sent = [request for start in starts for request in start["requests"]]
    if not sent or not all(start["ending"] == "ok" for start in starts):
        return False
    return all(request["good"] for request in sent) and any(
        (_is_refusal(request["status"]) and not request["good"])
        or _login_of(request, sends_password=True) is not None
        for request in of_tasks(facts["steps"])
    )


def _is_refusal(status: int) -> bool:
    """Return whether a status is an error that says something of the application's state."""
    return status >= FIRST_ERROR_STATUS and status not in SILENT


def of_single(facts: Facts, headers: Collection[str] = ()) -> tuple[str, ...]:
    """Return the answers that only send users to the same place over https, each in a sentence."""
    return tuple(
        dict.fromkeys(
            f"{in_words(request)} → {_page(request['location'])}. {_tls_hint(request, headers)} If"
            f" this answer is right, say so: expect = {request['status']} in a list, success() in a"
            " locustfile."
            for request in of_tasks(facts["steps"])
            if _wants_https(request, headers)
        )
    )


def redirect_notes(facts: Facts, headers: Collection[str] = ()) -> tuple[str, ...]:
    """Return the redirects of a list that count as they are, each with the way to say more."""
    if not facts.get("list") or of_all(facts) is not None:
        return ()
    return tuple(
        dict.fromkeys(
            _redirect(request)
            for request in of_tasks(facts["steps"])
            if _left(request) is not None and not _wants_https(request, headers)
        )
    )


def login_notes(facts: Facts) -> tuple[str, ...]:
    """Return a note where each page may be a login, which some applications show at any path."""
    requests = [each for each in of_tasks(facts["steps"]) if not is_login_path(each["path"])]
    if not requests or of_all(facts) is not None:
        return ()
    for request in requests:
        is_shown = request["has_password_field"] and not request.get("offers_logout")
        if request.get("expected") or not is_shown:
            return ()
    return (
        f"Every page has a field for a password, such as that of {requests[0]['path']}. If it is a"
        " login in place of the page, log users in: by start in a list, on_start in a locustfile.",
    )


def _redirect(request: Facts) -> str:
    """Return a redirect that nobody followed, with the way to say more."""
    return (
        f"{in_words(request)} → {_page(request['location'])}. Redirects of a list are not followed:"
        f" {_other_way(request)}say expect = {request['status']}."
    )


def _other_way(request: Facts) -> str:
    """Return what to ask instead of a page that redirects, if anything."""
    parts = _parts(request["location"], request["path"])
    if parts is None or parts.hostname not in {None, request.get("host")}:
        return ""
    if is_login_path(parts.path):
        return "log users in by start, or "
    return f"name {parts.path} instead, or "


def of_tasks(steps: Sequence[Facts]) -> Iterator[Facts]:
    """Give the requests of the last try of each task whose user was ready for it."""
    for step in steps_of(steps, "task"):
        if not step.get("unready"):
            yield from step["attempts"][-1]["requests"]


def _login_of(request: Facts, *, sends_password: bool) -> str | None:
    """Return the login page that a request ended at; None if it is none.

    Pages that anybody may read have forms with a password, too, such as a registration. They count
    where the user was sent there, or had to be known by then. A page that offers a logout knows the
    user: it may change the password, or hide a dialogue.
    """
    if request.get("expected"):
        return None
    for where in _targets(request):
        if is_login_path(_page(where)):
            return _page(where)
    was_sent = bool(request["redirects"]) and request["final_path"] != request["path"]
    is_known = not was_sent and request.get("offers_logout", False)
    is_login = request["has_password_field"] and (was_sent or sends_password) and not is_known
    return request["final_path"] if is_login else None


def _https_of(request: Facts) -> str | None:
    """Return where a request is sent over https; None for other answers, and expected ones."""
    if request.get("expected"):
        return None
    return next((where for where in _targets(request) if _is_https(where)), None)


def _wants_https(request: Facts, headers: Collection[str]) -> bool:
    """Tell whether an answer sends to the same page, or the same host, over https.

    An application that was told that it is behind TLS writes https into its own addresses. Then
    only a page that sends to itself still waits for TLS.
    """
    location = _left(request)
    parts = _parts(location) if location is not None and _is_https(location) else None
    if parts is None:
        return False
    is_same_page = parts.path.rstrip("/") == request["final_path"].rstrip("/")
    if _says_https(request, headers):
        return is_same_page and request["method"] in {"GET", "HEAD"}
    return is_same_page or bool(parts.hostname == request.get("host", ""))


def _left(request: Facts) -> str | None:
    """Return where a good answer leads that nobody followed, and that nobody expects."""
    is_redirect = 300 <= request["status"] < 400 and request["good"]
    return None if request.get("expected") or not is_redirect else request["location"]


def _targets(request: Facts) -> list[str]:
    """Return where the redirects of a request lead, the last one that was not followed included."""
    hops = [hop["location"] for hop in request["redirects"]]
    is_redirect = 300 <= request["status"] < 400
    return [where for where in (*hops, request["location"] if is_redirect else None) if where]


def _parts(where: str, base: str = "") -> SplitResult | None:
    """Return the parts of an address; None where it is none, by the application's own mistake."""
    try:
        return urlsplit(urljoin(base, where))
    except ValueError:
        return None


def _is_https(where: str) -> bool:
    return where.lower().startswith("https://")


def _page(where: str) -> str:
    """Return an address without its query, which may hold what is nobody's business."""
    return where.partition("?")[0]


def _tls_hint(request: Facts, headers: Collection[str]) -> str:
    return NOT_BELIEVED if _says_https(request, headers) else TLS_HINT


def _says_https(request: Facts, headers: Collection[str]) -> bool:
    return PROTO in {name.lower() for name in (*headers, *request.get("headers", ()))}


def in_words(request: Facts) -> str:
    """Return a request and its answer in words."""
    name = request["name"]
    asked = name if name.startswith(request["method"]) else f"{request['method']} {name}"
    if not request["status"]:
        return f"{asked} got no answer ({request['outcome']})"
    reason = f" ({request['error']})" if request["outcome"] == "rejected" else ""
    return f"{asked} was answered with {request['status']}{reason}"


def steps_of(steps: Sequence[Facts], kind: str) -> list[Facts]:
    """Return the steps of a kind that were tried."""
    return [step for step in steps if step["kind"] == kind and step["attempts"]]
