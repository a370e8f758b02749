"""What a greenlet waits for, by the part of gevent through which it gave way."""

import pytest

from loadtests.analysis.profiles.greenlets import kind_of
from loadtests.model.profiles.records import KernelWait, Waiting
from tests.loadtests.analysis.profiles.builders import FLASK, LOCK_ROW, SITE, frame

PEER = "10.0.0.3:80"


@pytest.mark.parametrize(
    ("place", "name", "wait"),
    [
        ("gevent/hub.py:166", "sleep", KernelWait(kind=Waiting.SLEEP)),
        ("gevent/_socket3.py:475", "recv", KernelWait(kind=Waiting.SOCKET, peer=PEER)),
        ("gevent/ssl.py:300", "read", KernelWait(kind=Waiting.SOCKET, peer=PEER)),
        ("gevent/select.py:145", "select", KernelWait(kind=Waiting.SOCKET, peer=PEER)),
        ("gevent/thread.py:320", "acquire", KernelWait(kind=Waiting.LOCK)),
        ("gevent/resolver/thread.py:60", "getaddrinfo", KernelWait(kind=Waiting.DNS)),
        ("gevent/threadpool.py:500", "apply", KernelWait(kind=Waiting.FILE)),
    ],
)
def test_gevents_own_frame_says_what_for(place: str, name: str, wait: KernelWait) -> None:
    frames = (*FLASK, LOCK_ROW, frame(f"{SITE}/{place}", name))

    assert kind_of(frames, PEER, running=False) == wait


def test_a_wait_without_a_frame_of_gevent_is_for_another_greenlet() -> None:
    assert kind_of((*FLASK, LOCK_ROW), "", running=False).kind is Waiting.LOCK


def test_the_one_that_runs_is_on_the_cpu() -> None:
    assert kind_of((*FLASK, LOCK_ROW), "", running=True).kind is Waiting.CPU
