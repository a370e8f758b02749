"""Stores of a Compose file that are asked in their containers, here by a client of the test's own.

A store is known by the name of its process, so a sleeping shell by that name is one.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docker import built_images
from tests.docker.user_targets import SHOP, opened

pytestmark = [pytest.mark.docker, pytest.mark.parallel]

REDIS_CLI = """\
#!/bin/sh
[ "$REDISCLI_AUTH" = "s3 cret" ] || { echo "NOAUTH Authentication required."; exit 0; }
cat /answer
"""

ANSWER = """\
id=3 addr=REPLICA:51000 laddr=10.0.0.9:6379 cmd=get
id=4 addr=192.0.2.1:51000 laddr=10.0.0.9:6379 cmd=get

rejected_connections:0
maxclients
64
"""

DOCKERFILE = """\
FROM twofold/app:latest
USER root
COPY redis-cli /usr/bin/
RUN chmod 755 /usr/bin/redis-cli && ln -s /bin/sleep /usr/bin/redis-server && touch /answer
COPY shop.py /srv/
EXPOSE 5000
CMD ["/venv/bin/gunicorn", "--bind", "0.0.0.0:5000", "shop:app"]
"""

COMPOSE = """\
services:
  web:
    build: .
    depends_on: [cache, locked]
  cache:
    build: .
    command: ["/usr/bin/redis-server", "1000"]
    environment: {REDIS_PASSWORD: "s3 cret"}
  locked:
    build: .
    command: ["/usr/bin/redis-server", "1000"]
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "shop"
    folder.mkdir()
    monkeypatch.chdir(folder)
    (folder / "shop.py").write_text(SHOP)
    (folder / "redis-cli").write_text(REDIS_CLI)
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "compose.yaml").write_text(COMPOSE)
    yield folder
    built_images.remove(folder)


def answer_with(container: str, text: str) -> None:
    subprocess.run(
        ("docker", "exec", "--interactive", container, "sh", "-c", "cat > /answer"),
        input=text,
        text=True,
        check=True,
    )


@pytest.mark.usefixtures("built_once")
def test_a_store_is_asked_with_its_containers_own_password_and_told_where_that_fails(
    folder: Path, tmp_path: Path
) -> None:
    with opened("compose.yaml:web", folder, tmp_path / "run-of-stores") as stack:
        replica = stack.replicas[0]
        answer = ANSWER.replace("REPLICA", replica.address.partition(":")[0])
        answer_with(stack.container("cache"), answer)
        looks = [stack.look_at_shared() for _ in range(4)]
        notes = stack.notes

    (seen,) = looks[-1].sessions
    assert (seen.member, seen.program) == ("cache", "Redis")
    assert (seen.connections, seen.by_replica, seen.most) == (2, {replica.name: 1}, 64)
    assert [note for note in notes if note.startswith("Not checked: ")] == [
        "Not checked: the connections and locks of locked (Redis): NOAUTH Authentication required."
    ]
