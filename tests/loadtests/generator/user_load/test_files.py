"""Folders that are sent are written below a new folder, and nowhere else, by every Python."""

from __future__ import annotations

import io
import shutil
import tarfile
from pathlib import Path

import pytest

from loadtests.generator.order import BadOrder
from loadtests.generator.user_load import files


@pytest.fixture(params=["this Python", "an old Python"], autouse=True)
def python(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Pythons with a filter for archives and without one; files go into a test's own folder."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    if request.param == "an old Python":
        monkeypatch.delattr(tarfile, "data_filter", raising=False)
    return str(request.param)


pytestmark = pytest.mark.filterwarnings("ignore:.*filter:DeprecationWarning")  # old ones have none


def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    info.size = 4 if kind == tarfile.REGTYPE else 0
    return info


def packed(*entries: tarfile.TarInfo) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for info in entries:
            archive.addfile(info, io.BytesIO(b"text") if info.isfile() else None)
    return buffer.getvalue()


def test_files_and_folders_are_written(tmp_path: Path) -> None:
    folder = files.unpacked(packed(entry("a.py"), entry("b", tarfile.DIRTYPE), entry("b/c.csv")))

    assert folder.parent == tmp_path
    assert (folder / "a.py").read_text() == (folder / "b/c.csv").read_text() == "text"
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    "entries",
    [
        [entry("../evil.py")],
        [entry("a/../../evil.py")],
        [entry("link", tarfile.SYMTYPE, "/etc"), entry("link/evil.py")],
        [entry("up", tarfile.SYMTYPE, ".."), entry("up/evil.py")],
        [entry("hard", tarfile.LNKTYPE, "../outside")],
        [entry("device", tarfile.CHRTYPE)],
    ],
    ids=["above", "above by a folder", "link", "link up", "hard link", "device"],
)
def test_nothing_is_written_outside_of_the_folder(
    entries: list[tarfile.TarInfo], tmp_path: Path
) -> None:
    (tmp_path / "outside").write_text("untouched")

    with pytest.raises(BadOrder, match="data cannot be unpacked"):
        files.unpacked(packed(*entries))

    assert [path.name for path in tmp_path.iterdir()] == ["outside"]
