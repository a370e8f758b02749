"""Views that remember something from one request to the next: notes, logins, a count of visits.

The next request may reach another process or another replica, so state is kept in the store, where
all of them can see it. The signed cookie holds only the id of the login.
"""

from __future__ import annotations

from flask import Blueprint, request, session
from werkzeug.exceptions import BadRequest, NotFound, Unauthorized

from app.application import this_app

blueprint = Blueprint("state", __name__, url_prefix="/state")

NAME_MAX = 200
"""Characters in a key or a user's name: well below what an index entry can hold."""


@blueprint.put("/notes/<key>")
def put_note(key: str) -> dict[str, str]:
    """Save the request's body as the note ``key``."""
    body = request.get_data(as_text=True)
    this_app().state.put_note(_name(key), body)
    return {"key": key, "body": body}


@blueprint.get("/notes/<key>")
def note(key: str) -> dict[str, str]:
    """Return the note ``key``, or a 404 if there is none."""
    body = this_app().state.note(_name(key))
    if body is None:
        raise NotFound(f"There is no note {key}.")
    return {"key": key, "body": body}


@blueprint.post("/login")
def log_in() -> dict[str, str]:
    """Log in as ``user``, from the query or a form, and set the session cookie."""
    user = _name(request.values.get("user", ""))
    session["login"] = this_app().state.log_in(user)
    return {"user": user}


@blueprint.get("/me")
def me() -> dict[str, str]:
    """Return the user who is logged in by the request's cookie, or a 401."""
    login = session.get("login")
    user = login and this_app().state.who(login)
    if not user:
        raise Unauthorized("Nobody is logged in by this cookie; POST /state/login?user=<name>.")
    return {"user": user}


@blueprint.post("/counter")
def visit() -> dict[str, int]:
    """Count one more visit."""
    return {"count": this_app().state.visit()}


@blueprint.get("/counter")
def visits() -> dict[str, int]:
    """Return the count of visits."""
    return {"count": this_app().state.visits()}


def _name(text: str) -> str:
    if not 0 < len(text) <= NAME_MAX:
        raise BadRequest(f"A name of {len(text)} characters; it must have 1 to {NAME_MAX}.")
    return text
