"""Numbers in the query of a request, held to a range."""

from __future__ import annotations

from flask import request

from app.errors import BadParameter


def whole_number(name: str, *, default: int, low: int, high: int) -> int:
    """Return the current request's parameter ``name``, or ``default`` where it is not given.

    Raises:
        BadParameter: it is no whole number from ``low`` to ``high``; answered with a 400.
    """
    text = request.args.get(name)
    if text is None:
        return default
    # Longer texts cannot be in any range here, and int() of a very long one costs quadratic time.
    if text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high:
        return int(text)
    raise BadParameter(name=name, value=text, low=low, high=high)
