"""Known causes are recognised by the words of what was answered, and of whom it was asked."""

from __future__ import annotations

from loadtests.analysis.remedies import STICKY, remedy_for


def test_an_invalid_session_is_socket_ios_only_where_its_path_was_asked() -> None:
    assert remedy_for("Invalid session", "", "GET /account") is None
    assert remedy_for("Invalid session", "/socket.io/?EIO=4", "GET /") is STICKY
    assert remedy_for("Invalid session", "", "GET /socket.io/?EIO=4&sid=a") is STICKY
