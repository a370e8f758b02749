"""Variables of a container or a build, on their way through a program of this machine.

``docker`` takes a value from its own environment where only a name is among its words, which keeps
the value out of the list of processes. But what is in its environment also steers it: PATH decides
which program ``docker`` is, and HOME whose registries it knows. Whoever writes a Compose file
chooses the names. So only names that hold secrets and that steer no program of this machine are
passed by the environment; all others go in a file, or among the words. Messages show the words
without the values: see ``images.without_values``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from loadtests.tools import temporary

NO_VALUE = (
    "BACKEND|CACHE|COMMAND|CONFIG|DIR|DIRECTORY|FILES?|FOLDER|HELPER|HOME|IDS?|NAMES?|PATHS?"
    "|PROVIDER|SOCK|SOCKET|STORES?"
)
"""Last words of names that tell a place, a program or a name, and not the secret itself."""

SECRET = re.compile(
    r"(?:"
    # Words of a name; PASSWORD and the like also as the end of a longer word, as in PGPASSWORD.
    r"(?:(?:^|_)(?:CREDENTIALS?|KEYS?|PASS|PW|(?:ACCESS|API|PRIVATE|SECRET)KEYS?)"
    r"|(?:PASSPHRASE|PASSWD|PASSWORD|SECRET|TOKEN)S?|_PWD)"
    # What may follow tells which one it is, as in API_KEY_PROD.
    rf"(?:_(?!(?:{NO_VALUE})(?:_|\Z))[A-Z0-9]+)*"
    r"|(?:^|_)(?:AUTH|DSN|UR[IL])"
    r")\Z",
    re.IGNORECASE,
)
"""Names whose values are secrets: a password, a token, an address with a password."""

OF_PROGRAMS = re.compile(
    r"(?:(?:ACTIONS|BASH|BUILDKIT|BUILDX|CLOUDSDK|COMPOSE|CONTAINERS?|DBUS|DOCKER|DYLD|GCM|GNUPG"
    r"|GO|GPG|KRB5|KUBE|LC|LD|NOTARY|OPENSSL|OTEL|PASSWORD_STORE|PODMAN|PYTHON|SUDO|SYSTEMD|TWOFOLD"
    r"|XDG)(?:_|\Z)"
    # Applications have names that begin like these, so only what the programs themselves read.
    r"|GIT_(?:ASKPASS|CONFIG|HTTP|PROXY|SSH|SSL)(?:_|\Z)"
    r"|SSH_(?:ASKPASS|AUTH|SK)(?:_|\Z)"
    r"|GOOGLE_APPLICATION_"
    r"|(?:AWS|AZURE)_(?:\w+_)?(?:AUTH|CREDENTIALS?|DSN|UR[IL])\Z)",
    re.IGNORECASE,
)
"""Names that steer Docker, its plugins, its helpers for credentials, git, ssh, or a shell.

A password or a token that only signs in chooses no program, place or server, and steers nothing.
Sources: the manuals git(1), git-config(1), ssh(1), bash(1), ld.so(8) and pass(1); and the reference
pages of Docker's command line, buildx, Git Credential Manager (``GCM``) and the SDK of AWS.
"""

IN_A_FILE = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
"""Names that Docker reads from a file as they are."""

LINE_BYTES = 60_000
"""Docker reads lines of 64 KiB at most."""


def may_be_inherited(name: str, value: str) -> bool:
    """Tell whether a variable may be in the environment of a program of this machine.

    That is also so where this process has the same value already.
    """
    if os.environ.get(name) == value:
        return True
    is_secret = bool(SECRET.search(name)) and bool(IN_A_FILE.fullmatch(name))
    return is_secret and not OF_PROGRAMS.match(name)


def of_build(arguments: Mapping[str, str | None]) -> dict[str, str | None]:
    """Return a build's arguments, without the values that its builder gets by its environment.

    An argument that has no value at first is one of this process's own variables.
    """
    return {
        name: None if value is None or may_be_inherited(name, value) else value
        for name, value in arguments.items()
    }


@dataclass(frozen=True, kw_only=True)
class Carried:
    """How variables reach a container: a file, words of ``--env``, and the program's own."""

    file: Path | None
    texts: tuple[str, ...]
    env: Mapping[str, str]


@contextmanager
def carried(given: Mapping[str, str]) -> Iterator[Carried]:
    """Provide the ways that a container's variables take, with the file while the block lasts.

    Only this user can read the file. A value with line breaks does not fit into it.
    """
    env = {name: value for name, value in given.items() if may_be_inherited(name, value)}
    others = {name: value for name, value in given.items() if name not in env}
    lines = [f"{name}={value}\n" for name, value in others.items() if _fits(name, value)]
    shown = (f"{name}={value}" for name, value in others.items() if not _fits(name, value))
    texts = (*env, *shown)
    if not lines:
        yield Carried(file=None, texts=texts, env=env)
        return
    with temporary.folder("variables") as folder:
        file = folder / "variables"
        file.touch(0o600, exist_ok=False)
        file.write_text("".join(lines), encoding="utf-8")
        yield Carried(file=file, texts=texts, env=env)


def _fits(name: str, value: str) -> bool:
    """Tell whether Docker reads a variable from a line of a file as it is."""
    try:
        size = len(value.encode())
    except UnicodeEncodeError:  # bytes that are no UTF-8
        return False
    return bool(IN_A_FILE.fullmatch(name)) and not {"\n", "\r"} & set(value) and size < LINE_BYTES
