"""Run by path: ``python asker.py '<json>'`` asks a Flask application's paths, a line an answer.

Stdlib only, for older Pythons too. The harness never imports it.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

BASE_URL = "http://127.0.0.1:8000"
"""How a run asks: by an address, over http. Without it, Flask asks as its settings say."""

FAILED = 500
STREAM_S = 1.5
"""How long an answer is read: one that takes longer is none that ``init`` chooses for a load."""


def main(text: str) -> None:
    """Ask each path of the job in ``text`` once; write path, status and seconds."""
    job: dict[str, Any] = json.loads(text)
    here = Path.cwd()
    sys.path[:1] = [str(here / job["source"]), str(here)]
    application = _application(job["application"])
    application.config["PROPAGATE_EXCEPTIONS"] = False  # an exception is a 500, as in a server
    client = application.test_client()
    for path in job["paths"]:
        began_s = time.monotonic()
        status = _status(client.get(path, base_url=BASE_URL), began_s + STREAM_S)
        print(json.dumps([path, status, time.monotonic() - began_s]), flush=True)
    os._exit(0)  # not held up by threads of the application


def _status(answer: Any, until_s: float) -> int:
    """Read an answer to its end, but no stream of events for ever; return its status."""
    try:
        for _ in answer.response:
            if time.monotonic() > until_s:
                break
        answer.close()
    except Exception:  # noqa: BLE001  what gives the body is anybody's code
        return FAILED
    return int(answer.status_code)


def _application(name: str) -> Any:
    module, _, attribute = name.partition(":")
    loaded = importlib.import_module(module)
    return eval(attribute, vars(loaded))  # noqa: S307  the import string is the user's own


if __name__ == "__main__":
    main(sys.argv[1])
