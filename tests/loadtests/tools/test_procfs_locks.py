"""The kernel's list of locks on files."""

from __future__ import annotations

from loadtests.tools.procfs import FileLock, parse_locks

LOCKS = """\
1: POSIX  ADVISORY  WRITE 4711 08:01:131090 1073741825 1073741825
1: -> POSIX  ADVISORY  WRITE 4712 08:01:131090 1073741825 1073741825
1: -> POSIX  ADVISORY  WRITE 4713 08:01:131090 1073741825 1073741825
2: POSIX  ADVISORY  READ 4711 08:01:131090 1073741826 1073742335
3: FLOCK  ADVISORY  WRITE 99 00:3a:77 0 EOF
4: OFDLCK ADVISORY  WRITE -1 08:01:5 0 0
"""


def test_locks_for_writing_have_their_holder_and_who_waits() -> None:
    assert parse_locks(LOCKS) == (
        FileLock(pid=4711, identity="08:01:131090", waiting=2),
        FileLock(pid=99, identity="00:3a:77"),
    )


def test_the_number_of_a_file_is_the_last_part_of_its_identity() -> None:
    assert parse_locks(LOCKS)[0].inode == 131090
