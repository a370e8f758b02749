"""Configurations with planted mistakes: ``#! key`` marks each, on its line, with the key meant.

A mistake of the whole table stands on the table's line. Where one line has several, ``#!`` names
each key.
"""

from __future__ import annotations

from tests.checkout import CHECKOUT

_DATA = CHECKOUT / "tests" / "data" / "malformed"
_BETWEEN = "---\n"

ENDLESS = (
    f'target = "{"a" * 5000}" #! target\n',
    f"rounds = {'9' * 5000} #! rounds\n",
    f"replicas = {'[' * 5000}{']' * 5000} #! replicas\n",
    f"replicas = {'[' * 50}{']' * 50} #! replicas\n",
    f"env = {'{a = ' * 3000}1{'}' * 3000} #! env\n",
    f"{'a.' * 5000}a = 1 #! {'a.' * 30}\n",
)

ONE_MISTAKE = (*(_DATA / "one-mistake.txt").read_text().split(_BETWEEN), *ENDLESS)
SEVERAL_MISTAKES = tuple((_DATA / "several-mistakes.txt").read_text().split(_BETWEEN))
