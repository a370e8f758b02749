"""Whole numbers in a request's query, checked against a range."""

from __future__ import annotations

from flask import request

from app.errors import BadParameter


def whole_number(name: str, *, default: int, low: int, high: int) -> int:
    """Return the query parameter ``name`` of the current request, or ``default`` without it.

    Raises:
        BadParameter: it is not a whole number from ``low`` to ``high``; the client gets a 400.
    """
    text = request.args.get(name)
    if text is None:
        return default
    # No range here has numbers of 20 digits, and int() takes quadratic time for very long texts.
    if text.isascii() and text.isdigit() and len(text) < 20 and low <= int(text) <= high:
        return int(text)
    raise BadParameter(name=name, value=text, low=low, high=high)
