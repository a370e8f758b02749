"""Garbage: what was loaded is not looked through again while requests wait."""

from __future__ import annotations

import subprocess
import sys

from tests.app.conftest import ROOT

BEGIN_TO_SERVE = """
import gc, runpy, types
from app import create_app
hooks = runpy.run_path("app/gunicorn.conf.py")
hooks["post_worker_init"](types.SimpleNamespace(age=1, wsgi=create_app()))
print(gc.get_freeze_count(), len(gc.get_objects()))
"""


def test_a_full_collection_finds_little_to_look_through_once_a_worker_serves() -> None:
    done = subprocess.run(
        (sys.executable, "-c", BEGIN_TO_SERVE), cwd=ROOT, capture_output=True, text=True, check=True
    )
    frozen, left = map(int, done.stdout.split())

    assert frozen > 20_000
    assert left < frozen / 20
