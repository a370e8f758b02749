"""Services of people's Compose files, each with its right outcome, by both versions of Compose."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from loadtests.config.options import Options
from loadtests.environments.compose import images
from loadtests.environments.compose.machine import choose
from loadtests.environments.compose.stack import ComposeStack
from loadtests.environments.compose.tested.compose_file.reading import read
from loadtests.environments.compose.tested.start.starting import IN_TURN_NOTE
from loadtests.environments.compose.tested.subject import Subject
from loadtests.model.errors import UsageError
from loadtests.planning.run_plan import make_plan
from loadtests.targets import checkout, compose_service, plain
from loadtests.tools import docker, docker_compose
from loadtests.tools.docker_compose import Compose
from tests.docker import built_images
from tests.docker.test_run import OWN_RUN, left_of

pytestmark = [pytest.mark.docker, pytest.mark.slow, pytest.mark.parallel]


@pytest.fixture(scope="session")
def found(compose: tuple[str, ...]) -> Compose:
    """The Compose of these tests; docker-compose takes a second to say its version."""
    words = (*compose, "version", "--short")
    version = subprocess.check_output(words, text=True).strip().removeprefix("v")
    return Compose(argv=compose, version=version)


@pytest.fixture
def program(found: Compose, monkeypatch: pytest.MonkeyPatch) -> Compose:
    """The Compose of this test, which the harness then finds too."""
    monkeypatch.setattr(docker_compose, "find_compose", lambda: found)
    return found


def subject_of(program: Compose, folder: Path, text: str, service: str = "web") -> Subject:
    (folder / "compose.yaml").write_text(text)
    return read(program, compose_service.find(f"compose.yaml:{service}", folder))


def refusal_of(program: Compose, folder: Path, text: str, service: str = "web") -> str:
    with pytest.raises(UsageError) as refusal:
        subject_of(program, folder, text, service)
    assert str(folder / "compose.yaml") in str(refusal.value)
    return str(refusal.value)


# -- what is read -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (
            """\
    container_name: shop
    ports: ["8000:8000", "9000-9001:9000-9001"]
    networks: {front: {ipv4_address: 172.28.0.10}}
    restart: always
""",
            (
                "container_name shop",
                "ports 8000:8000, 9000:9000, 9001:9001",
                "address 172.28.0.10 on front",
                "restart always",
            ),
        ),
        ("    deploy: {replicas: 3}\n", ("deploy.replicas 3",)),
        ("    container_name: shop\n    deploy: {replicas: 3}\n", ("deploy.replicas 3",)),
    ],
)
def test_what_two_replicas_cannot_have_is_left_out_and_told(
    program: Compose, tmp_path: Path, settings: str, told: tuple[str, ...]
) -> None:
    text = f"""\
services:
  web:
    image: shop
{settings}\
networks: {{front: {{ipam: {{config: [{{subnet: 172.28.0.0/16}}]}}}}}}
"""

    subject = subject_of(program, tmp_path, text)

    left_out = "\n".join(note for note in subject.notes if note.startswith("web: left out"))
    assert [part for part in told if part not in left_out] == []


def test_two_replicas_cannot_share_the_machines_network(program: Compose, tmp_path: Path) -> None:
    text = "services: {web: {image: shop, network_mode: host}}\n"

    assert "two replicas would share one port" in refusal_of(program, tmp_path, text)


def test_a_service_that_does_not_exist_is_told_with_those_that_do(
    program: Compose, tmp_path: Path
) -> None:
    text = "services: {shop: {image: shop}, db: {image: postgres}}\n"

    assert "There is no service 'web'. Those that exist: db, shop." in refusal_of(
        program, tmp_path, text
    )


@pytest.mark.parametrize(
    ("web", "said"),
    [
        ("image: shop, env_file: web.env", "web.env"),
        ("extends: {file: common.yaml, service: base}", "common.yaml"),
        ('image: "shop:${TAG:?is not set}"', "TAG"),
        ("image: shop, depends_on: [db]", "db"),
        ("image: shop, secrets: [key]", "key"),
        ("image: shop, frobnicate: 1", "frobnicate"),
    ],
)
def test_the_first_thing_that_is_missing_is_named(
    program: Compose, tmp_path: Path, web: str, said: str
) -> None:
    assert said in refusal_of(program, tmp_path, f"services: {{web: {{{web}}}}}\n")


def test_a_variable_that_is_missing_is_told_with_the_example_of_an_env_file(
    program: Compose, tmp_path: Path
) -> None:
    (tmp_path / ".env.example").write_text("TOKEN=\n")
    text = 'services: {web: {image: shop, environment: {TOKEN: "${TOKEN}"}}}\n'

    subject = subject_of(program, tmp_path, text)

    assert subject.unset == ("TOKEN",)
    assert any("copy .env.example to it" in note for note in subject.notes)


def test_an_env_file_beside_the_compose_file_is_read_from_any_folder(
    program: Compose, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("TAG=1.2\n")

    subject = subject_of(program, tmp_path, 'services: {web: {image: "shop:${TAG}"}}\n')

    assert (subject.measured.image, subject.unset) == ("shop:1.2", ())


def test_of_several_files_later_ones_win(program: Compose, tmp_path: Path) -> None:
    (tmp_path / "compose.yaml").write_text("services: {web: {image: shop}, db: {image: postgres}}")
    (tmp_path / "prod.yaml").write_text("services: {web: {image: 'shop:2', depends_on: [db]}}")

    subject = read(program, compose_service.find("compose.yaml:prod.yaml:web", tmp_path))

    assert subject.measured.image == "shop:2"
    assert [part.name for part in subject.needs] == ["db"]


@pytest.mark.parametrize(
    "other",
    [
        "env_file: missing.env",
        "container_name: x, deploy: {replicas: 2}",
        "depends_on: [nobody]",
        "frobnicate: 1",
    ],
)
def test_a_service_that_the_measured_one_does_not_need_cannot_stop_the_run(
    program: Compose, tmp_path: Path, other: str
) -> None:
    text = f"services: {{web: {{image: shop}}, other: {{image: x, {other}}}}}\n"

    assert subject_of(program, tmp_path, text).measured.image == "shop"


def test_profiles_anchors_and_extends_are_resolved(program: Compose, tmp_path: Path) -> None:
    text = """\
x-env: &env {environment: {A: "1"}}
services:
  base: {image: shop, working_dir: /shop}
  web: {extends: {service: base}, <<: *env, profiles: [app], depends_on: [cache]}
  cache: {image: redis, profiles: [app]}
  bad: {image: x, env_file: missing.env}
"""

    subject = subject_of(program, tmp_path, text)

    assert subject.measured.definition["working_dir"] == "/shop"
    assert list(subject.values.values()) == ["1"]
    assert [part.name for part in subject.needs] == ["cache"]


# -- what is started --------------------------------------------------------------------------


@contextmanager
def opened(folder: Path, text: str) -> Iterator[ComposeStack]:
    """Start two replicas of the service ``web``, as a run does; the run's folder is ``OWN_RUN``."""
    (folder / "compose.yaml").write_text(text)
    tested = compose_service.find("compose.yaml:web", folder)
    chosen = choose(checkout.root(), tested)
    project = replace(plain.project(tested), tested=chosen.tested or tested)
    plan = make_plan(
        Options(replicas=(1, 2)), chosen.machine, backend="compose", seed=1, project=project
    )
    (folder / OWN_RUN).mkdir()
    with chosen.backend.open(plan, folder / OWN_RUN, lambda _: None) as stack:
        assert isinstance(stack, ComposeStack)
        yield stack
    built_images.remove(folder)


@pytest.fixture(scope="session")
def application(base: str) -> None:
    """The images that a stack has, and the sample application's, which has Flask."""
    engine = docker.Engine()
    images.build_all(engine, checkout.root(), say=lambda _: None)
    engine.close()


SHOP = """\
services:
  web:
    build: {context: ., args: {VERSION: "one of a kind"}}
    container_name: shop
    ports: ["8000:8000", "9000-9001:9000-9001"]
    restart: always
    networks: {front: {ipv4_address: 172.28.0.10, aliases: [store-front]}}
    environment: {PASSWORD: "pa$$word", CACHE_URL: "redis://cache:6379/0"}
    env_file: web.env
    secrets: [key]
    volumes: ["uploads:/uploads", "./code.py:/srv/code.py:ro"]
    command: ["/venv/bin/python", "-m", "http.server", "8000"]
  cache:
    image: twofold/app:latest
    container_name: shop-cache
    entrypoint: ["/venv/bin/python", "-m", "http.server", "6379"]
    expose: [6379]
    user: root
    healthcheck: {test: "test -e /data", interval: 1s, retries: 3}
    depends_on: {migrate: {condition: service_completed_successfully}}
    volumes: ["./data:/data"]
  migrate: {image: "twofold/app:latest", entrypoint: ["true"]}
networks: {front: {ipam: {config: [{subnet: 172.28.0.0/16}]}}}
volumes: {uploads: {name: shop_uploads}}
secrets: {key: {file: ./key.txt}}
"""

DOCKERFILE = """\
FROM twofold/app:latest
ARG VERSION
USER root
RUN mkdir /uploads && chmod 1777 /uploads && echo "$VERSION" >/version
USER 1234
"""

LOOK = """
import os, socket, urllib.request
print(os.environ["PASSWORD"], os.environ["FROM_FILE"], open("/run/secrets/key").read(),
      open("/version").read().strip(), os.path.exists("/srv/code.py"), os.getuid(),
      urllib.request.urlopen("http://shop-cache:6379/").status, socket.gethostbyname("store-front")
      in socket.gethostbyname_ex("web")[2], sep="|")
open("/uploads/mine", "w").close()
"""


@pytest.mark.usefixtures("application", "program")
def test_a_service_with_all_of_that_starts_as_the_user_wrote_it_and_leaves_nothing(
    tmp_path: Path,
) -> None:
    (tmp_path / "Dockerfile").write_text(DOCKERFILE)
    (tmp_path / "web.env").write_text("FROM_FILE=from-the-file\n")
    (tmp_path / "key.txt").write_text("s3cret-key")
    (tmp_path / "code.py").touch()
    (tmp_path / "data").mkdir()

    with opened(tmp_path, SHOP) as stack:
        first, second = stack.replicas
        argv = ("docker", "exec", first.identity, "/venv/bin/python", "-c", LOOK)
        shown = subprocess.check_output(argv, text=True).strip()
        listed = ("docker", "exec", second.identity, "ls", "/uploads")
        uploads = subprocess.check_output(listed, text=True).strip()
        in_store = ("docker", "exec", stack.container("cache"), "touch", "/data/written")
        subprocess.run(in_store, check=True)
        readings = {reading.member: reading.role for reading in stack.read(["store"])}

    assert shown == "pa$word|from-the-file|s3cret-key|one of a kind|True|1234|200|True"
    assert uploads == "mine"
    assert readings == {"cache": "store"}
    assert [replica.address.rpartition(":")[2] for replica in stack.replicas] == ["8000", "8000"]
    assert left_of(OWN_RUN) == {}
    assert list((tmp_path / "data").iterdir()) == []
    for file in (tmp_path / OWN_RUN).rglob("*"):
        text = file.read_text() if file.is_file() else ""
        assert not {"pa$word", "pa$$word", "s3cret-key", "one of a kind"} & set(text.split('"'))


RACE = """\
services:
  web:
    image: twofold/app:latest
    user: root
    volumes: ["state:/state"]
    command:
      - sh
      - -c
      - |
        if mkdir /state/table 2>/dev/null; then sleep 2; touch /state/done; fi
        test -e /state/done || { echo "ERROR: relation \\"items\\" already exists"; exit 1; }
        exec /venv/bin/python -m http.server 8000
volumes: {state: {}}
"""


@pytest.mark.usefixtures("application", "program")
def test_replicas_that_race_for_a_migration_are_started_one_after_another(tmp_path: Path) -> None:
    with opened(tmp_path, RACE) as stack:
        names = [replica.name for replica in stack.replicas]

    assert names == ["as-started-1", "as-started-2"]
    assert IN_TURN_NOTE in stack.notes
    assert left_of(OWN_RUN) == {}


def test_nothing_of_the_users_own_project_is_named_in_ours(
    program: Compose, tmp_path: Path
) -> None:
    for name in ("web.env", "key.txt"):
        (tmp_path / name).touch()

    subject = subject_of(program, tmp_path, SHOP)

    written = json.dumps([dict(part.definition) for part in subject.parts])
    assert "shop_uploads" not in written
    assert "container_name" not in written
    assert subject.measured.image.startswith("twofold/target-")
