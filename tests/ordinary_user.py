"""A user without root's rights, for tests of what permissions do."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

NOBODY = 65534


@contextmanager
def ordinary_user() -> Iterator[None]:
    """Act without root's rights in this block; a process that is not root's stays as it is."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


@contextmanager
def folder_for_all() -> Iterator[Path]:
    """Provide a folder that every user can write to; pytest's own are closed."""
    with tempfile.TemporaryDirectory(prefix="test-of-twofold-", dir="/tmp") as name:
        Path(name).chmod(0o1777)
        yield Path(name)
