"""JSON bodies for all errors, because the clients are programs."""

from __future__ import annotations

from typing import cast

from flask import Response, current_app, json
from psycopg import OperationalError
from werkzeug.exceptions import BadRequest, HTTPException, ServiceUnavailable


class BadParameter(BadRequest):
    """A query parameter is not a whole number, or it is out of range."""

    def __init__(self, *, name: str, value: str, low: int, high: int) -> None:
        super().__init__(f"{name}={value} is no whole number from {low} to {high}.")
        self.details = {"parameter": name, "value": value, "range": [low, high]}


def as_json(error: HTTPException) -> Response:
    """Return the error's own response, with its status and headers, but with a JSON body."""
    response = cast("Response", error.get_response())
    details = error.details if isinstance(error, BadParameter) else {}
    body = {"status": error.code, "error": error.name, "detail": error.description, **details}
    response.set_data(json.dumps(body))
    response.content_type = "application/json"
    return response


def store_away(error: OperationalError) -> Response:
    """Return a 503 and log the store's message, which may name hosts and users."""
    current_app.logger.warning("The store failed: %s", error)
    return as_json(ServiceUnavailable("The store does not answer. Try again; the log says why."))
