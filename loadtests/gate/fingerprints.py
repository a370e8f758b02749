"""Fingerprints of variables' values, which may be secrets.

A result names the variables of a version, and has a keyed hash of each value: it shows whether two
gates used the same ones. The key stays on this machine, in a file that only its user can read, so
nobody can try out values against a published result.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools import files

KEY_BYTES = 32
DIGITS = 16

ROOT = Path("/")
"""In place of a home folder, for a user who has none: a container may run under any user id."""


def of(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the names of variables, each with the fingerprint of its value."""
    return {name: _of(name, value) for name, value in variables.items()}


def _of(name: str, value: str) -> str:
    text = f"{name}={value}".encode(errors="surrogateescape")
    return f"hmac:{hmac.new(_key(_key_file()), text, hashlib.sha256).hexdigest()[:DIGITS]}"


def _key_file() -> Path:
    state = os.environ.get("XDG_STATE_HOME")
    return (Path(state) if state else _home() / ".local" / "state") / "twofold" / "key"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:  # HOME is not set, and /etc/passwd does not have the user
        return ROOT


@cache
def _key(path: Path) -> bytes:
    """Return this user's key, made if necessary; where it cannot be kept, one for this process."""
    with suppress(OSError):
        key = path.read_bytes()
        if len(key) == KEY_BYTES:
            return key
    key = secrets.token_bytes(KEY_BYTES)
    with suppress(OSError, EnvironmentFailure):
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        files.write(path, key, mode=files.ONLY_OWNER)
    return key
