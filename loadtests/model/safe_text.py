"""Makes text of others harmless where it is printed. PURE.

Names of files, answers and logs of an application may hold anything. Escape sequences would control
the terminal. In a CI log, a line such as ``::stop-commands::x`` would silence its annotations.
"""

from __future__ import annotations

import re

PICTURES = {code: 0x2400 + code for code in range(0x20) if chr(code) not in "\n\t"} | {0x7F: 0x2421}
"""Control characters of ASCII, and their pictures: ESC is shown as ␛."""

HIDDEN = re.compile("[\x80-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")
"""Other control characters, marks that reorder or hide text, and bytes that are no text."""

COMMAND = re.compile(r"^([^\S\n]*):(?=:)", re.MULTILINE)
"""A line that GitHub would run as a command."""

OTHER_COMMAND = re.compile(r"##(?=\w*\[)")
"""Commands of Azure (``##vso[``), TeamCity, and older ones of GitHub, anywhere in a line."""


def printable(text: str) -> str:
    """Return text without control characters; line breaks and tabs stay."""
    return HIDDEN.sub("\ufffd", text.translate(PICTURES))


def logged(text: str) -> str:
    """Return printable text in which no line is a command of a CI system."""
    return OTHER_COMMAND.sub("## ", COMMAND.sub(r"\1: ", printable(text)))


def one_line(text: str) -> str:
    """Return printable text on one line, such as the name of a file for a list of names."""
    return printable(text).replace("\n", "␊").replace("\t", "␉")


def is_utf8(text: str) -> bool:
    """Return whether a name that the system gave is UTF-8, so that a file can be written with it.

    Python keeps bytes that are not UTF-8 as surrogates (PEP 383).
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
