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


def on_connection(connection: socket, words: Sequence[str], env: Mapping[str, str]) -> Program:
    """Start the generator with a connection as its standard input and output."""
    return subprocess.Popen(
        (sys.executable, "-m", "loadtests.generator", *words),
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
