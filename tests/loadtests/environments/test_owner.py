"""Which machine is this, and is it the same after a boot, and in another container?"""

from __future__ import annotations

import uuid
from pathlib import Path

import pytest

from loadtests.environments import owner

MACHINE = "0123456789abcdef0123456789abcdef"


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine with both ids, outside of any container."""
    monkeypatch.setattr(owner, "_namespace", lambda: owner.FIRST_NAMESPACE)
    monkeypatch.setattr(owner, "boot_id", lambda: "this boot")
    monkeypatch.setattr(owner, "MACHINE_ID", tmp_path / "machine-id")
    (tmp_path / "machine-id").write_text(f"{MACHINE}\n")


def test_a_machine_is_the_same_after_a_boot(monkeypatch: pytest.MonkeyPatch) -> None:
    before = owner.machine_id()
    monkeypatch.setattr(owner, "boot_id", lambda: "the next boot")

    assert before == owner.machine_id() == MACHINE


def test_the_id_of_a_containers_image_is_no_machines(monkeypatch: pytest.MonkeyPatch) -> None:
    """All containers of a machine have its boot id; those of another machine do not."""
    monkeypatch.setattr(owner, "_namespace", lambda: "pid:[4026532999]")

    assert owner.machine_id() == "this boot"


@pytest.mark.parametrize("text", ["", "uninitialized\n", "ü"])
def test_a_machine_without_an_id_is_known_by_its_boot(tmp_path: Path, text: str) -> None:
    (tmp_path / "machine-id").write_text(text)

    assert owner.machine_id() == "this boot"


def test_a_system_without_ids_is_known_by_its_network_card(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "machine-id").unlink()
    monkeypatch.setattr(owner, "boot_id", lambda: "")
    monkeypatch.setattr(uuid, "getnode", lambda: 0xA0B)

    assert owner.machine_id() == "000000000a0b"


@pytest.mark.parametrize("pid", ["²", "9" * 5000, "-1", " 1", ""])
def test_a_label_of_somebody_else_names_no_process(pid: str) -> None:
    assert owner.Owner.from_label(f"{pid}/started/boot/namespace") is None


def test_the_label_of_a_process_is_read_back() -> None:
    this = owner.Owner.this_process()

    assert owner.Owner.from_label(this.as_label()) == this
