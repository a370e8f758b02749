import os
import signal
import threading
from collections.abc import Iterator

import pytest

from loadtests.model.errors import Interrupted
from loadtests.tools import signals

STOPPING = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


def kill_myself(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.fixture
def handled() -> Iterator[None]:
    with signals.handled():
        yield


@pytest.mark.usefixtures("handled")
@pytest.mark.parametrize("number", STOPPING)
def test_a_signal_ends_a_wait(number: signal.Signals) -> None:
    with pytest.raises(Interrupted) as interrupted, signals.wait():
        kill_myself(number)

    assert interrupted.value.signum == number


@pytest.mark.usefixtures("handled")
def test_a_signal_outside_of_a_wait_is_kept_for_the_next() -> None:
    kill_myself(signal.SIGTERM)

    with pytest.raises(Interrupted), signals.wait():
        pytest.fail("waited although a signal had come")


@pytest.mark.usefixtures("handled")
def test_a_kept_signal_can_be_asked_for() -> None:
    signals.check()
    kill_myself(signal.SIGINT)

    with pytest.raises(Interrupted):
        signals.check()


@pytest.mark.usefixtures("handled")
def test_a_second_signal_raises_nothing() -> None:
    kill_myself(signal.SIGINT)
    with pytest.raises(Interrupted) as interrupted, signals.wait():
        pass
    assert interrupted.value.signum == signal.SIGINT

    kill_myself(signal.SIGINT)
    kill_myself(signal.SIGTERM)
    with signals.wait():
        pass
    signals.check()


@pytest.mark.usefixtures("handled")
def test_no_signal_ends_a_wait_that_is_shielded() -> None:
    with signals.shield(), signals.wait():
        kill_myself(signal.SIGINT)

    with pytest.raises(Interrupted):
        signals.check()


@pytest.mark.usefixtures("handled")
def test_a_signal_ends_work_that_starts_nothing_at_any_moment() -> None:
    done = []

    @signals.interruptible()
    def work() -> None:
        done.append("before")
        kill_myself(signal.SIGTERM)
        done.append("after")

    with pytest.raises(Interrupted, match=r"^Stopped by signal 15\.$"):
        work()
    assert done == ["before"]


@pytest.mark.usefixtures("handled")
def test_a_signal_in_a_shield_ends_such_work_at_its_end() -> None:
    with pytest.raises(Interrupted), signals.interruptible(), signals.shield():
        kill_myself(signal.SIGTERM)


@pytest.mark.usefixtures("handled")
def test_shields_may_lie_within_one_another() -> None:
    with signals.shield():
        with signals.shield():
            pass
        kill_myself(signal.SIGINT)
        signals.check()

    with pytest.raises(Interrupted):
        signals.check()


@pytest.mark.usefixtures("handled")
def test_only_the_main_thread_is_interrupted() -> None:
    raised: list[BaseException] = []
    kill_myself(signal.SIGINT)

    def work() -> None:
        try:
            with signals.wait():
                pass
        except Interrupted as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()

    assert raised == []
    with pytest.raises(Interrupted):
        signals.check()


def test_every_signal_is_told_with_the_number_of_the_first() -> None:
    heard: list[int] = []

    with signals.handled(heard.append), signals.shield():
        kill_myself(signal.SIGTERM)
        kill_myself(signal.SIGINT)

    assert heard == [signal.SIGTERM, signal.SIGTERM]


def test_the_former_handlers_come_back() -> None:
    before = {number: signal.getsignal(number) for number in STOPPING}

    with signals.handled():
        assert all(signal.getsignal(number) != before[number] for number in STOPPING)

    assert {number: signal.getsignal(number) for number in STOPPING} == before


def test_a_new_block_knows_nothing_of_the_last_ones_signals() -> None:
    with signals.handled():
        kill_myself(signal.SIGINT)

    with signals.handled():
        signals.check()


def test_a_closed_terminal_does_not_stop_what_nohup_started() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with signals.handled(), signals.wait():
            kill_myself(signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)
