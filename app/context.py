"""A view that checks whether a request's context belongs to that request alone.

Flask's documentation says in "Becoming Big": "There is only one limiting factor regarding scaling
in Flask which are the context local proxies. They depend on context which in Flask is defined as
being either a thread, process or greenlet." This view asks a server whether that holds.
"""

from __future__ import annotations

import time
import uuid
from contextvars import ContextVar

from flask import Blueprint, g, request, session

from app.parameters import whole_number

blueprint = Blueprint("context", __name__)

PAUSE_MS = 5
"""Milliseconds in which other requests can run. A request computes for much less, so under load
another one has been here before this one wakes up."""
PAUSE_MS_MAX = 1000
"""Milliseconds; a longer pause shows nothing more."""

_token: ContextVar[str] = ContextVar("token")


def token_and_pause() -> tuple[str, float]:
    """Return the current request's token, and its pause in seconds."""
    token = request.args.get("token") or uuid.uuid4().hex
    return token, whole_number("ms", default=PAUSE_MS, low=0, high=PAUSE_MS_MAX) / 1000


@blueprint.get("/context")
def isolation() -> dict[str, object]:
    """Store ``?token=`` in the request's context, pause for ``?ms=``, and check it is still there.

    It is stored in ``g``, in the session and in a context variable. The request itself has it too.
    """
    token, pause_s = token_and_pause()
    g.token = token
    session["token"] = token
    _token.set(token)
    time.sleep(pause_s)
    tokens = {
        "g": g.get("token"),
        "session": session.get("token"),
        "context_variable": _token.get(None),
        "request": request.args.get("token", token),
    }
    own = {place: held == token for place, held in tokens.items()}
    return {"token": token, "own": own, "isolated": all(own.values())}
