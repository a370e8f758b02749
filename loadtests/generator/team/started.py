"""Starts the generator's program: on a connection, or behind a command that leads to it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from socket import socket

END_LIMIT_S = 3.0
"""How long a program may take to end once its standard input has ended."""

Program = subprocess.Popen[bytes]


def part_words(number: int, of: int, processes: int) -> tuple[str, ...]:
    """Return the generator's options for one machine of several."""
    return ("--processes", str(processes), "--part", f"{number}/{of}")


def own_argv(*words: str) -> tuple[str, ...]:
    """Return the command of one more process of the generator, started as this one was.

    So it imports nothing from the current folder if this one does not (``-P``). In the generator's
    container the package is found by that folder.
    """
    apart = ("-P",) if sys.flags.safe_path else ()
    return (sys.executable, *apart, "-m", "loadtests.generator", *words)


def on_connection(connection: socket, words: Sequence[str], env: Mapping[str, str]) -> Program:
    """Start the generator with a connection as its standard input and output."""
    return subprocess.Popen(
        own_argv(*words),
        stdin=connection.fileno(),
        stdout=connection.fileno(),
        env={**os.environ, **env},
    )


def behind(argv: Sequence[str]) -> Program:
    """Start a command that leads to a generator, such as ``docker exec``; raises ``OSError``."""
    return subprocess.Popen(tuple(argv), stdin=subprocess.PIPE, stdout=subprocess.PIPE)


def end(program: Program) -> None:
    """Wait for a program whose standard input has ended; kill it if it stays."""
    try:
        program.wait(END_LIMIT_S)
    except subprocess.TimeoutExpired:
        program.kill()
        program.wait()
