"""In which order two servers are asked, so that no period of theirs can mislead. PURE."""

from __future__ import annotations


def turns(pairs: int) -> tuple[bool, ...]:
    """Return the turns of two servers, ``pairs`` of each: True is the first one's.

    It is the Thue-Morse sequence: a b b a b a a b … An application that changes with every answer,
    or every second or fourth, or once in all, changes for both alike.
    """
    return tuple(number.bit_count() % 2 == 0 for number in range(2 * pairs))
