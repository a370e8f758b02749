"""WSGI middleware that gives every request an id, by which logs can be searched."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

HEADER = "X-Request-ID"
SANE = re.compile(r"[A-Za-z0-9._-]{1,128}")
"""Ids that are accepted from outside. They end up in logs, so no spaces, quotes or newlines."""


class RequestId:
    """Accepts a sane ``X-Request-ID`` header or makes a new id; the response has the same header.

    The application finds the id in the request's headers.
    """

    def __init__(self, wsgi_app: WSGIApplication) -> None:
        self._wsgi_app = wsgi_app

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request as WSGI (PEP 3333) defines."""
        given = environ.get("HTTP_X_REQUEST_ID", "")
        request_id = given if SANE.fullmatch(given) else uuid.uuid4().hex
        environ["HTTP_X_REQUEST_ID"] = request_id

        def start(status: str, headers: list[tuple[str, str]], *exc_info: Any) -> Any:
            return start_response(status, [*headers, (HEADER, request_id)], *exc_info)

        return self._wsgi_app(environ, start)
