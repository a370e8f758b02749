"""The fault of keeping a request's data in a module, where every request finds it."""

from __future__ import annotations

import time

from app import context

_token = ""


def isolation() -> dict[str, object]:
    """Answer as the sample's /context does, but keep the token in this module."""
    global _token  # noqa: PLW0603 - the fault
    token, pause_s = context.token_and_pause()
    _token = token
    time.sleep(pause_s)
    own = {"module": _token == token}
    return {"token": token, "own": own, "isolated": all(own.values())}
