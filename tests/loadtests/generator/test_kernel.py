from __future__ import annotations

import socket
import sys
from time import monotonic

import pytest

from loadtests.generator import kernel


def test_a_clock_that_was_set_back_moves_no_answer_before_its_time() -> None:
    ahead = kernel.TIMESPEC.pack(2**33, 0)
    before = monotonic()

    moment = kernel.arrived_at([(socket.SOL_SOCKET, kernel.TIMESTAMP, ahead)])

    assert before <= moment <= monotonic()
    assert kernel.arrived_at([]) >= moment


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what was received")
def test_what_the_other_kernel_has_received_is_counted_though_nobody_read_it() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as sending,
    ):
        accepted, _ = listener.accept()
        assert not kernel.may_have_received(sending, 0)
        sending.sendall(b"abc")
        assert kernel.may_have_received(sending, 0)
        assert not kernel.may_have_received(sending, 3)
        accepted.close()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux counts what was received")
def test_what_reaches_a_closed_socket_was_not_received() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as sending,
    ):
        accepted, _ = listener.accept()
        accepted.close()
        sending.sendall(b"abc")
        assert not kernel.may_have_received(sending, 0)
        assert sending.recv(1) == b""


def test_elsewhere_it_may_have_received_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernel, "IS_LINUX", False)

    assert kernel.may_have_received(None, 0)
