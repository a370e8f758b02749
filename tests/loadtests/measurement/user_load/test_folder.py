"""The folder of a locustfile on its way to a generator in a container."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from loadtests.measurement.user_load import folder as packing
from loadtests.model.errors import UsageError


def make(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def unpacked(parts: tuple[bytes, ...]) -> dict[str, str]:
    with tarfile.open(fileobj=io.BytesIO(b"".join(parts)), mode="r:gz") as archive:
        files = {}
        for entry in archive.getmembers():
            content = archive.extractfile(entry)
            assert content is not None, entry.name
            files[entry.name] = content.read().decode()
        return files


def test_siblings_and_data_files_go_along_and_folders_of_tools_do_not(tmp_path: Path) -> None:
    make(
        tmp_path,
        {
            "locustfile.py": "import pages",
            "pages.py": "x = 1",
            "data/people.json": "[]",
            ".git/config": "no",
            ".venv/lib/x.py": "no",
            "env/pyvenv.cfg": "no",
            "node_modules/a.js": "no",
            "__pycache__/pages.pyc": "no",
        },
    )

    assert unpacked(packing.pack_folder(tmp_path)) == {
        "locustfile.py": "import pages",
        "pages.py": "x = 1",
        "data/people.json": "[]",
    }


def test_links_bring_what_they_lead_to(tmp_path: Path) -> None:
    make(tmp_path, {"shared/people.json": "[1]", "load/locustfile.py": "x", "one.csv": "a,b"})
    load = tmp_path / "load"
    (load / "data").symlink_to(tmp_path / "shared")
    (load / "one.csv").symlink_to(tmp_path / "one.csv")
    (load / "itself").symlink_to(load)
    (load / "nowhere").symlink_to(tmp_path / "gone")

    assert unpacked(packing.pack_folder(load)) == {
        "locustfile.py": "x",
        "data/people.json": "[1]",
        "one.csv": "a,b",
    }


def test_owners_and_modes_do_not_go_along(tmp_path: Path) -> None:
    make(tmp_path, {"locustfile.py": "x"})
    (tmp_path / "locustfile.py").chmod(0o700)
    (part,) = packing.pack_folder(tmp_path)

    with tarfile.open(fileobj=io.BytesIO(part), mode="r:gz") as archive:
        (entry,) = archive.getmembers()
    assert (entry.uid, entry.gid, entry.uname, entry.gname, entry.mode) == (0, 0, "", "", 0o644)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_what_this_user_cannot_read_is_left_out(tmp_path: Path) -> None:
    make(tmp_path, {"locustfile.py": "x", "key": "s3cret", "private/a": "s3cret"})
    (tmp_path / "key").chmod(0)
    (tmp_path / "private").chmod(0)
    try:
        assert unpacked(packing.pack_folder(tmp_path)) == {"locustfile.py": "x"}
    finally:
        (tmp_path / "private").chmod(0o700)


def test_a_large_folder_is_sent_in_parts(tmp_path: Path) -> None:
    (tmp_path / "noise.bin").write_bytes(os.urandom(3 * packing.PART_BYTES))
    parts = packing.pack_folder(tmp_path)

    assert len(parts) == 4
    assert max(map(len, parts)) == packing.PART_BYTES


def test_too_large_a_folder_is_refused_with_its_largest_entries(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MOST_BYTES", 1024 * 1024)
    make(tmp_path, {"locustfile.py": "x"})
    for name, size in (("dump.sql", 3), ("a/one", 1), ("a/two", 1), ("b", 1), ("c", 0)):
        make(tmp_path, {name: "x" * (size * 1024 * 1024)})

    with pytest.raises(UsageError) as raised:
        packing.pack_folder(tmp_path)

    message = str(raised.value)
    assert f"The folder {tmp_path} has 6 files with 6 MiB" in message
    assert "takes 5000 with 1 MiB" in message
    assert "a folder of their own" in message
    assert message.endswith("The largest: dump.sql (3 MiB), a (2 MiB), b (1 MiB).")


def test_too_many_files_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "MOST_FILES", 2)
    make(tmp_path, {"a": "", "b": "", "c": ""})

    with pytest.raises(UsageError, match="3 files"):
        packing.pack_folder(tmp_path)


def test_single_files_of_the_same_name_do_not_meet(tmp_path: Path) -> None:
    make(tmp_path, {"a/x.png": "1", "b/x.png": "2"})
    paths = [tmp_path / "a/x.png", tmp_path / "b/x.png"]

    assert unpacked(packing.pack_files(paths)) == {"0/x.png": "1", "1/x.png": "2"}
    assert packing.placed_name(1, paths[1]) == "1/x.png"


def test_single_files_that_are_too_large_are_refused_with_the_largest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "MOST_BYTES", 10)
    make(tmp_path, {"small": "x", "large": "x" * 20})

    with pytest.raises(UsageError, match=r"The largest is .*large"):
        packing.pack_files([tmp_path / "small", tmp_path / "large"])
