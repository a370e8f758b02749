"""Volumes: each run has its own, and a store's data is never the user's."""

from __future__ import annotations

from typing import Any

import pytest

from loadtests.environments.compose.tested.compose_file.mounts import (
    Mount,
    entry_of,
    mounts_of,
    own_volumes,
    parse,
    places_of,
)


@pytest.mark.parametrize(
    ("entry", "mount"),
    [
        ("data:/data:rw", Mount(kind="volume", source="data", target="/data")),
        ("/srv/x:/x:ro,z", Mount(kind="bind", source="/srv/x", target="/x", read_only=True)),
        ("/anon", Mount(kind="volume", source="", target="/anon")),
        (
            {"type": "bind", "source": "/srv", "target": "/x", "bind": {"create_host_path": True}},
            Mount(kind="bind", source="/srv", target="/x", options={"create_host_path": True}),
        ),
        ({"type": "tmpfs", "target": "/t"}, Mount(kind="tmpfs", source="", target="/t")),
    ],
)
def test_both_forms_of_an_entry_are_read(entry: Any, mount: Mount) -> None:
    assert parse(entry) == mount
    assert parse(entry_of(mount)) == mount


def test_a_stores_folder_is_not_touched_and_its_scripts_stay() -> None:
    definition = {"volumes": ["/srv/pg:/var/lib/postgresql/data", "/srv/i.sql:/docker-init.sql:ro"]}

    mounts = mounts_of("db", definition, is_store=True)

    assert mounts.entries == (
        Mount(kind="volume", source="", target="/var/lib/postgresql/data"),
        Mount(kind="bind", source="/srv/i.sql", target="/docker-init.sql", read_only=True),
    )
    assert mounts.notes == (
        "db: its data is the run's own and empty at the start; /srv/pg is not touched. If that is"
        " only read, mount it read-only (:ro).",
        "db: folders and files of this machine stay mounted:"
        " /srv/i.sql → /docker-init.sql (read-only).",
    )


@pytest.mark.parametrize(
    "target",
    [
        *("/opt/couchdb/data", "/usr/share/opensearch/data", "/cockroach/cockroach-data"),
        *("/pgdata", "/var/lib/postgresql/data", "/data", "/etcd-data", "/etc/../pgdata"),
    ],
)
def test_no_folder_that_a_store_may_write_into_is_the_users(target: str) -> None:
    entry = {"type": "bind", "source": "/srv/x", "target": target, "bind": {}}

    mounts = mounts_of("db", {"volumes": [entry]}, is_store=True)

    assert mounts.entries == (Mount(kind="volume", source="", target=target),)
    assert "/srv/x is not touched" in mounts.notes[0]


def test_what_a_store_reads_stays_mounted_and_its_folders_are_read_only() -> None:
    entries = [
        "/srv/init:/docker-entrypoint-initdb.d",
        "/srv/conf.d:/etc/mysql/conf.d",
        "/srv/seed:/seed:ro",
        "/srv/my.conf:/opt/my.conf",
        "/srv/hba.conf:/etc/hba.conf",
        "/srv/dump.rdb:/data/dump.rdb",
    ]
    files = {"/srv/my.conf", "/srv/hba.conf", "/srv/dump.rdb"}

    mounts = mounts_of("db", {"volumes": entries}, is_store=True, files=files)

    assert {mount.target: (mount.kind, mount.read_only) for mount in mounts.entries} == {
        "/docker-entrypoint-initdb.d": ("bind", True),
        "/etc/mysql/conf.d": ("bind", True),
        "/seed": ("bind", True),
        "/opt/my.conf": ("bind", False),
        "/etc/hba.conf": ("bind", False),
        "/data/dump.rdb": ("volume", False),
    }


@pytest.mark.parametrize(
    ("command", "is_read"),
    [
        ("redis-server /conf/redis.conf", True),
        (["redis-server", "/conf/redis.conf"], True),
        ("redis-server --dir /conf/", False),
        ("redis-server --dir /conf", False),
        (None, False),
    ],
)
def test_a_folder_of_which_a_stores_command_names_a_file_is_only_read(
    command: object, *, is_read: bool
) -> None:
    definition = {"volumes": ["/srv/redis:/conf"], "command": command}

    (mount,) = mounts_of("db", definition, is_store=True).entries

    assert (mount.kind, mount.read_only) == (("bind", True) if is_read else ("volume", False))


def test_a_folder_that_replicas_write_into_is_told() -> None:
    mounts = mounts_of("web", {"volumes": ["/srv/shop:/app", "up:/up"]}, is_store=False)

    assert mounts.volumes == ("up",)
    assert mounts.notes == (
        "web: folders and files of this machine stay mounted: /srv/shop → /app."
        " What is written there stays.",
    )


def test_volumes_of_others_and_shares_are_replaced_by_the_runs_own() -> None:
    declared = {
        "own": {"name": "shop_own"},
        "theirs": {"external": True, "name": "real"},
        "share": {"driver_opts": {"type": "nfs", "device": ":/x"}},
        "fast": {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}},
        "folder": {"driver_opts": {"type": "none", "o": "bind", "device": "/srv/x"}},
    }

    volumes, notes = own_volumes(["own", "theirs", "share", "fast", "folder", "own"], declared)

    assert volumes == {
        "own": {},
        "theirs": {},
        "share": {},
        "fast": {"driver_opts": {"type": "tmpfs", "device": "tmpfs"}},
        "folder": {},
    }
    assert notes == (
        "The volume theirs is external, so an empty one of the run stands in for it.",
        "The volume share is on a share, so an empty one of the run stands in for it.",
        "The volume folder is the folder /srv/x, so an empty one of the run stands in for it.",
        "Volumes are the run's own and empty at the start: own, fast.",
    )


@pytest.mark.parametrize(
    "options",
    [
        {"type": "tmpfs", "o": "bind", "device": "/"},
        {"type": "tmpfs", "o": "size=1m,rbind", "device": "tmpfs"},
        {"type": "tmpfs", "o": " BIND", "device": "tmpfs"},
        {"type": "tmpfs", "o": "remount", "device": "tmpfs"},
        {"type": "tmpfs", "device": "/"},
        {"type": "nfs", "o": "bind", "device": "/"},
        {"device": "/srv"},
    ],
)
def test_no_option_of_a_volume_mounts_what_is_there(options: dict[str, Any]) -> None:
    declared = {"x": {"driver_opts": options}}

    volumes, notes = own_volumes(["x"], declared)

    assert volumes == {"x": {}}
    assert "an empty one of the run stands in for it" in notes[0]
    assert places_of(["x"], declared) == {"x": options}


def test_a_volumes_options_find_no_variables_of_a_run() -> None:
    options = {"type": "tmpfs", "device": "tmpfs", "o": "${TWOFOLD_VALUE_1}"}

    volumes, _ = own_volumes(["x"], {"x": {"driver_opts": options}})

    assert volumes["x"]["driver_opts"]["o"] == "$${TWOFOLD_VALUE_1}"


def test_memory_is_no_place() -> None:
    options = {"type": "tmpfs", "device": "tmpfs", "o": "size=64m,uid=1000"}

    assert places_of(["x", "y"], {"x": {"driver_opts": options}}) == {}
