"""The helper inside gevent workers."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from loadtests.model.profiles.records import Frame
from loadtests.tools import greenlets
from scripts import twofold_greenlets
from tests.checkout import CHECKOUT

LINE = (
    '[{"running": true, "peer": "", "count": 1, "frames": [["/srv/a.py", 3, "inner"]]},'
    ' {"running": false, "peer": "db:5432", "count": 2, "frames": []}]'
)


def test_a_line_is_a_look() -> None:
    (look,) = greenlets.parse(LINE + "\n")

    assert look == (
        greenlets.Greenlet(frames=(Frame(file="/srv/a.py", line=3, name="inner"),), running=True),
        *[greenlets.Greenlet(frames=(), running=False, peer="db:5432")] * 2,
    )


def test_a_line_that_is_not_whole_is_left_out() -> None:
    assert len(greenlets.parse(f"{LINE}\n{LINE[:40]}")) == 1
    assert greenlets.parse('{"no": "list"}\n[1]\n') == ()


def test_a_process_without_the_helper_gets_no_signal() -> None:
    assert not greenlets.is_ready(os.getpid())
    greenlets.ask(os.getpid())  # would end this test's process
    assert greenlets.written(os.getpid()) == ()


@pytest.mark.parametrize("greenlets_there", [2, 3 * twofold_greenlets.MOST_SHOWN + 1])
def test_a_real_worker_tells_what_its_greenlets_wait_for(greenlets_there: int) -> None:
    """Of many, some are looked at, and each stands for as many as any other."""
    pytest.importorskip("importlib.metadata").version("gevent")
    code = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import time, gevent.pool, twofold_greenlets\n"
        "def nap(): time.sleep(60)\n"
        "pool = gevent.pool.Pool(100)\n"
        f"for _ in range({greenlets_there}): pool.spawn(nap)\n"
        "twofold_greenlets.install()\n"
        "print('up', flush=True)\n"
        "while True: gevent.sleep(0.05)\n"
    )
    with subprocess.Popen(
        (sys.executable, "-c", code),
        stdout=subprocess.PIPE,
        cwd=CHECKOUT / "scripts",
    ) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(0.3)
            assert greenlets.is_ready(process.pid)
            greenlets.ask(process.pid)
            time.sleep(0.5)
            (look,) = greenlets.written(process.pid)
        finally:
            process.kill()

    napping = [greenlet for greenlet in look if not greenlet.running]
    assert len(napping) == greenlets_there
    assert all("nap" in [frame.name for frame in greenlet.frames] for greenlet in napping)
    assert all(greenlet.frames[-1].name == "sleep" for greenlet in napping)


def test_objects_that_stand_for_others_are_not_asked_what_they_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Proxy:
        @property  # type: ignore[misc]  # as a proxy of Werkzeug has it
        def __class__(self) -> type:
            raise RuntimeError("working outside of a request")

    class Group:
        greenlets = ()

    pool = SimpleNamespace(Group=Group)
    monkeypatch.setitem(sys.modules, "gevent.pool", pool)
    monkeypatch.setattr(twofold_greenlets, "_groups", [])
    held = (Proxy(), Group())

    assert twofold_greenlets._served() == [held[1]]


def test_a_worker_that_ends_takes_its_file_along() -> None:
    code = (
        "import os, signal, sys, twofold_greenlets as helper\n"
        "import gevent.pool\n"
        "helper.install(); os.kill(os.getpid(), helper.SIGNAL)\n"
        "print(os.path.exists(helper.path_of(os.getpid())), helper.path_of(os.getpid()))\n"
    )
    argv = (sys.executable, "-c", code)
    said = subprocess.check_output(argv, cwd=CHECKOUT / "scripts", text=True).split()

    assert said[0] == "True"
    assert not Path(said[1]).exists()


# -- a process that is not what it seems -------------------------------------------------------


@pytest.fixture
def own_tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The /tmp of a process whose root is a folder here; gives the helper's file in it."""
    root = tmp_path / "proc/7"
    (root / "root/tmp").mkdir(parents=True)
    (root / "status").write_text("Name:\tgunicorn\nNSpid:\t7\t3\n")
    monkeypatch.setattr(greenlets, "PROC", tmp_path / "proc")
    return root / "root/tmp/twofold-greenlets-3.jsonl"


def test_what_the_helper_wrote_is_read_once(own_tmp: Path) -> None:
    own_tmp.write_text(LINE + "\n")

    assert len(greenlets.written(7)) == 1
    assert greenlets.written(7) == ()


def test_a_link_out_of_a_container_is_not_followed(own_tmp: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(LINE + "\n")
    own_tmp.symlink_to(tmp_path / "secret")

    assert greenlets.written(7) == ()
    assert (tmp_path / "secret").exists()


def test_a_folder_that_is_a_link_is_not_followed(own_tmp: Path, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / own_tmp.name).write_text(LINE + "\n")
    own_tmp.parent.rmdir()
    own_tmp.parent.symlink_to(tmp_path / "elsewhere")

    assert greenlets.written(7) == ()


@pytest.mark.timeout(10)
def test_a_pipe_is_not_waited_for(own_tmp: Path) -> None:
    os.mkfifo(own_tmp)

    assert greenlets.written(7) == ()


@pytest.mark.parametrize(
    "line", ["[" * 100_000, '[{"frames": [], "running": 1, "peer": "", "count": 1e400}]', '["x"]']
)
def test_a_line_that_somebody_made_up_is_left_out(line: str) -> None:
    assert greenlets.parse(line) == ()


def test_a_count_that_somebody_made_up_fills_no_memory() -> None:
    line = '[{"frames": [], "running": false, "peer": "", "count": 1000000000000}]'

    (look,) = greenlets.parse(line)

    assert len(look) == greenlets.MOST_GREENLETS
