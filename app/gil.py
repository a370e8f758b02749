"""Lets a free-threaded Python say under load that its GIL is on.

A module that needs the lock turns it on when it is imported, which may be after the start. So the
worker itself looks in its requests, and says it once. Other Pythons serve the application as it is.
"""

from __future__ import annotations

import sys
import sysconfig
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

GIL_IS_ON = "twofold: the GIL of this worker is on"
"""The line in the log that the test harness looks for; a test compares the two."""


def watched(application: WSGIApplication) -> WSGIApplication:
    """Return the application, which says once if the GIL of a free-threaded build is on."""
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):
        return application
    said: list[bool] = []

    def serve(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not said and sys._is_gil_enabled():  # type: ignore[attr-defined]  # noqa: SLF001
            said.append(True)
            print(GIL_IS_ON, file=sys.stderr, flush=True)
        return application(environ, start_response)

    return serve
