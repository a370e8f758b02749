"""Whether a request keeps its context to itself.

"There is only one limiting factor regarding scaling in Flask which are the context local proxies.
They depend on context which in Flask is defined as being either a thread, process or greenlet."
Here is the question to ask of a server: does each of those have a context of its own?
"""

from __future__ import annotations

import time
import uuid
from contextvars import ContextVar

from flask import Blueprint, g, request, session

from app.parameters import whole_number

blueprint = Blueprint("context", __name__)

PAUSE_MS = 5
"""Milliseconds in which other requests get their turn: several times what a request computes, so
that under any load some other has been here before this one wakes up."""
PAUSE_MS_MAX = 1000
"""Milliseconds: longer teaches nothing."""

_token: ContextVar[str] = ContextVar("token")


def asked() -> tuple[str, float]:
    """Return the token of the current request, and its pause in seconds."""
    token = request.args.get("token") or uuid.uuid4().hex
    return token, whole_number("ms", default=PAUSE_MS, low=0, high=PAUSE_MS_MAX) / 1000


@blueprint.get("/context")
def isolation() -> dict[str, object]:
    """Put ``?token=`` where only this request sees it, pause, and say whether it is still there.

    The places are ``g``, the session and a context variable; the request itself is the fourth.
    """
    token, pause_s = asked()
    g.token = token
    session["token"] = token
    _token.set(token)
    time.sleep(pause_s)
    found = {
        "g": g.get("token"),
        "session": session.get("token"),
        "context_variable": _token.get(None),
        "request": request.args.get("token", token),
    }
    own = {place: held == token for place, held in found.items()}
    return {"token": token, "own": own, "isolated": all(own.values())}
