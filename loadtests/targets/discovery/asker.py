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
        status = client.get(path).status_code
        print(json.dumps([path, status, time.monotonic() - began_s]), flush=True)
    os._exit(0)  # not held up by threads of the application


def _application(name: str) -> Any:
    module, _, attribute = name.partition(":")
    loaded = importlib.import_module(module)
    return eval(attribute, vars(loaded))  # noqa: S307  the import string is the user's own


if __name__ == "__main__":
    main(sys.argv[1])
