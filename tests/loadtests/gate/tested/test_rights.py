"""What a version takes of this machine: head never gets more of it than base has."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loadtests.environments.compose.tested.compose_file.service_project import subject_of
from loadtests.environments.compose.tested.subject import Part, Subject
from loadtests.gate.model.vocabulary import SideKind, SideName
from loadtests.gate.named_versions import Named
from loadtests.gate.tested import rights
from loadtests.model.errors import UsageError

HEAD = Named(name=SideName.HEAD, asked="topic", kind=SideKind.REF, commit="1" * 40)


def taken(root: Path, *, build: dict[str, Any] | None = None, **definition: Any) -> frozenset[str]:
    part = Part(name="web", service="app", image="web:1", build=build, definition=definition)
    return rights.of(Subject(measured=part), root)


@pytest.mark.parametrize(
    ("definition", "right"),
    [
        ({"privileged": True}, "web: privileged True"),
        ({"cap_add": ["SYS_ADMIN", "NET_ADMIN"]}, "web: cap_add NET_ADMIN, SYS_ADMIN"),
        ({"security_opt": ["seccomp=unconfined"]}, "web: security_opt seccomp=unconfined"),
        ({"devices": ["/dev/sda"]}, "web: devices /dev/sda"),
        (
            {"deploy": {"resources": {"reservations": {"devices": [{"device_ids": ["0"]}]}}}},
            "web: reserved device device_ids=['0']",
        ),
        (
            {"volumes": [{"type": "bind", "source": "/run/docker.sock", "target": "/s"}]},
            "web: mount /run/docker.sock → /s",
        ),
        ({"volumes": ["/:/host"]}, "web: mount / → /host"),
        ({"build": {"context": "/root"}}, "web: build.context /root"),
        ({"build": {"context": "/root"}}, "web: build.dockerfile /root/Dockerfile"),
        ({"build": {"network": "host", "context": "https://x.test/a"}}, "web: build.network host"),
        (
            {"build": {"context": ".", "additional_contexts": {"all": "/root"}}},
            "web: build.additional_contexts all=/root",
        ),
        ({"build": {"secrets": ["id=a,env=TOKEN"]}}, "web: build.secrets id=a,env=TOKEN"),
    ],
)
def test_each_way_out_is_seen_and_refused_unless_base_has_it(
    tmp_path: Path, definition: dict[str, Any], right: str
) -> None:
    found = taken(tmp_path, **definition)

    assert right in found
    rights.check(found, found, HEAD)
    with pytest.raises(
        UsageError, match="--head 'topic' takes more of this machine than base does"
    ):
        rights.check(frozenset(), found, HEAD)


@pytest.mark.parametrize(
    "definition",
    [
        {"security_opt": ["no-new-privileges"]},
        {"security_opt": ["no-new-privileges:true"]},
        {"security_opt": ["no-new-privileges=true"]},
        {"oom_score_adj": 500},
        {"cgroup": "private"},
    ],
)
def test_what_only_hardens_a_service_is_no_right(
    tmp_path: Path, definition: dict[str, Any]
) -> None:
    assert taken(tmp_path, **definition) == set()


@pytest.mark.parametrize(
    ("definition", "right"),
    [
        ({"security_opt": ["no-new-privileges:false"]}, "security_opt no-new-privileges:false"),
        (
            {"security_opt": ["no-new-privileges:true", "apparmor=unconfined"]},
            "security_opt apparmor=unconfined",
        ),
        ({"oom_score_adj": -500}, "oom_score_adj -500"),
        ({"cgroup": "host"}, "cgroup host"),
    ],
)
def test_what_looks_like_hardening_and_takes_something_is_a_right(
    tmp_path: Path, definition: dict[str, Any], right: str
) -> None:
    assert taken(tmp_path, **definition) == {f"web: {right}"}


def test_what_lies_in_the_version_is_no_right(tmp_path: Path) -> None:
    (tmp_path / "docker").mkdir()
    build = {
        "context": str(tmp_path / "docker/.."),
        "dockerfile": "docker/Dockerfile",
        "additional_contexts": {"lib": str(tmp_path / "docker")},
    }
    mount = {"type": "bind", "source": str(tmp_path / "docker"), "target": "/d"}

    assert taken(tmp_path, build=build, volumes=[mount, "data:/data"], cap_drop=["ALL"]) == set()


def test_a_link_to_a_file_of_this_machine_is_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").symlink_to("/etc/hostname")

    assert taken(tmp_path, build={"context": str(tmp_path)}) == {
        f"web: build.dockerfile {Path('/etc/hostname').resolve()}"
    }


def test_a_volume_that_is_a_folder_of_this_machine_is_a_way_out(tmp_path: Path) -> None:
    document = {
        "services": {
            "web": {
                "image": "web:1",
                "volumes": [{"type": "volume", "source": "x", "target": "/host"}],
            }
        },
        "volumes": {"x": {"driver_opts": {"type": "tmpfs", "o": "bind", "device": "/"}}},
    }
    head = rights.of(subject_of(document, "web", tag="t"), tmp_path)

    assert head == {"volume x: device=/, o=bind, type=tmpfs"}
    with pytest.raises(UsageError, match="volume x: device=/, o=bind, type=tmpfs"):
        rights.check(frozenset(), head, HEAD)


def test_a_volume_in_memory_is_no_right(tmp_path: Path) -> None:
    document = {
        "services": {"web": {"image": "web:1", "volumes": ["x:/tmp"]}},
        "volumes": {"x": {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}}},
    }

    assert rights.of(subject_of(document, "web", tag="t"), tmp_path) == set()


def test_a_volume_that_is_a_folder_of_the_version_is_no_right(tmp_path: Path) -> None:
    """Compose writes its whole path, which base and head never share."""
    options = {"type": "none", "o": "bind", "device": str(tmp_path / "data")}
    document = {
        "services": {"web": {"image": "web:1", "volumes": ["x:/tmp"]}},
        "volumes": {"x": {"driver_opts": options}},
    }

    assert rights.of(subject_of(document, "web", tag="t"), tmp_path) == set()
