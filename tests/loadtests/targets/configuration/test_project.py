from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from loadtests.config.file.known import Known
from loadtests.model.consistency import CheckKind
from loadtests.model.errors import UsageError
from loadtests.model.tested.external import Hooks
from loadtests.model.tested.project import Project
from loadtests.model.tested.target import SAMPLE, Target, TargetKind
from loadtests.model.tested.workload import Expected, RequestSpec
from loadtests.targets import url
from loadtests.targets.configuration import project_file
from loadtests.targets.configuration.project import Given, build

SHOP = Target(kind=TargetKind.IMPORT_STRING, given="shop:app", name="shop:app", folder="/shop")
IMAGE = Target(kind=TargetKind.IMAGE, given="shop:1", name="shop:1", image="shop:1")

KNOWN = Known(
    servers={"gunicorn": ("gthread", "sync", "gevent")},
    variants=("gthread", "sync", "gevent"),
    workloads=("cpu", "io"),
)


def project(
    folder: Path, text: str | None = None, environ: dict[str, str] | None = None, **given: Any
) -> Project:
    """The project of a configuration and of options; without a target, of an application."""
    if text is not None:
        (folder / "twofold.toml").write_text(text)
    file = project_file.load(None, folder, KNOWN)
    return build(Given(**{"target": SHOP, **given}), file, environ or {})


def test_without_a_target_it_is_the_sample_application(tmp_path: Path) -> None:
    sample = project(tmp_path, target=None)

    assert sample.tested == SAMPLE
    assert sample.default_workloads == ("cpu",)


def test_a_file_without_a_target_never_means_the_sample_application(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"twofold.toml names no target. Add target = "):
        project(tmp_path, "rounds = 8", target=None)


def test_an_application_without_more_is_asked_for_its_health_path(tmp_path: Path) -> None:
    plain = project(tmp_path)
    healthy = project(tmp_path, health="/healthz")

    assert plain.workloads["requests"].requests == (RequestSpec(path="/"),)
    assert healthy.workloads["requests"].requests == (RequestSpec(path="/healthz"),)
    assert healthy.tested.health == "/healthz"
    assert plain.tested.notes == ()
    assert "the load is GET /healthz, the health path" in healthy.tested.notes[-1]
    assert project(tmp_path, health="/healthz", requests=("GET /",)).tested.notes == ()


def test_an_option_wins_over_the_file(tmp_path: Path) -> None:
    text = 'target = "other:app"\nhealth = "/a"\nport = 1\nenv = {A = "1", B = "2"}'
    tested = project(
        tmp_path, text, health="/b", port=2, env={"B": "3", "C": "4"}, python="pypy3"
    ).tested

    assert (tested.given, tested.health, tested.port) == ("shop:app", "/b", 2)
    assert tested.env == {"A": "1", "B": "3", "C": "4"}
    assert tested.python == "pypy3"


def test_a_url_keeps_its_own_port_whatever_the_file_says(tmp_path: Path) -> None:
    """Permission is asked for that port, and the plan names it."""
    there = url.find("http://10.0.0.7:8080", tmp_path)

    assert project(tmp_path, 'target = "shop:app"\nport = 5000', target=there).tested.port == 8080


@pytest.mark.parametrize("text", [None, "rounds = 3"])
def test_another_port_for_a_url_is_refused(tmp_path: Path, text: str | None) -> None:
    there = url.find("http://10.0.0.7:8080", tmp_path)

    with pytest.raises(UsageError, match=r"--port 5000 .* has its port in the URL"):
        project(tmp_path, text, target=there, port=5000)


def test_variables_of_the_shell_are_passed_on_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql://")
    tested = project(
        tmp_path, 'pass-env = ["DATABASE_URL"]', environ={"DATABASE_URL": "postgresql://"}
    ).tested

    assert tested.env == {"DATABASE_URL": "postgresql://"}


WORKLOADS = """
tags = ["all"]
[workloads.browse]
requests = [
  "3 POST /search/{word}",
  {path = "/items/{1..9}", name = "item", headers = {A = "b"}, expect = {contains = "x"}},
  {path = "/up", method = "POST", form = {a = "b"}, files = {picture = "cat.png"}, expect = 201},
]
start = ["POST /login"]
values = {word = ["red", "green"]}
[workloads.one]
path = "/search?q=a"
waits = true
[workloads.shopping]
locustfile = "locustfile.py"
env = {LOGIN = "ada"}
exclude-tags = "slow"
[workloads.reading]
locustfile = "locustfile.py"
tags = ["read"]
keep-waits = true
requirements = "load.txt"
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    for name in ("cat.png", "locustfile.py", "load.txt"):
        (tmp_path / name).write_text("")
    return tmp_path


def test_a_list_of_requests_becomes_a_workload(shop: Path) -> None:
    browse = project(shop, WORKLOADS).workloads["browse"]

    assert browse.requests == (
        RequestSpec(method="POST", path="/search/{word}", weight=3),
        RequestSpec(
            path="/items/{1..9}", name="item", headers={"A": "b"}, expect=Expected(contains="x")
        ),
        RequestSpec(
            method="POST",
            path="/up",
            form={"a": "b"},
            files={"picture": str(shop / "cat.png")},
            expect=Expected(status=201),
        ),
    )
    assert browse.start == (RequestSpec(method="POST", path="/login"),)
    assert browse.values == {"word": ("red", "green")}


def test_a_workload_is_ready_when_its_first_get_answers(shop: Path) -> None:
    workloads = project(shop, WORKLOADS).workloads

    assert workloads["browse"].path == "/items/1"
    assert (workloads["one"].path, workloads["one"].waits) == ("/search?q=a", True)
    assert workloads["one"].requests == (RequestSpec(path="/search?q=a"),)
    assert workloads["shopping"].path == "/"


def test_a_locustfile_has_the_tags_of_the_file_unless_it_has_its_own(shop: Path) -> None:
    workloads = project(shop, WORKLOADS).workloads
    shopping, reading = workloads["shopping"].locustfile, workloads["reading"].locustfile

    assert shopping is not None
    assert reading is not None
    assert (shopping.path, shopping.tags) == (str(shop / "locustfile.py"), ("all",))
    assert (shopping.exclude_tags, shopping.env) == (("slow",), {"LOGIN": "ada"})
    assert (reading.tags, reading.keep_waits) == (("read",), True)
    assert reading.requirements == str(shop / "load.txt")


def test_a_locustfile_is_known_by_its_text_however_it_is_named(shop: Path) -> None:
    (shop / "locustfile.py").write_text("# users\n")
    workloads = project(shop, WORKLOADS, locustfile=shop / "locustfile.py").workloads

    digests = {
        name: workload.locustfile.sha256
        for name, workload in workloads.items()
        if workload.locustfile is not None
    }

    assert set(digests) == {"shopping", "reading", "locustfile"}
    assert set(digests.values()) == {hashlib.sha256(b"# users\n").hexdigest()}


def test_options_for_locustfiles_win(shop: Path) -> None:
    workloads = project(shop, WORKLOADS, tags=("write",), keep_waits=False).workloads
    reading = workloads["reading"].locustfile

    assert reading is not None
    assert (reading.tags, reading.keep_waits) == (("write",), False)


def test_all_declared_workloads_are_measured_unless_the_file_or_options_name_some(
    shop: Path,
) -> None:
    assert project(shop, WORKLOADS).default_workloads == ("browse", "one", "shopping", "reading")
    assert project(shop, f'workload = "one"\n{WORKLOADS}').default_workloads == ("one",)
    asked = project(shop, WORKLOADS, requests=("2 GET /a", "/b"), locustfile=shop / "locustfile.py")
    assert asked.default_workloads == ("requests", "locustfile")
    assert asked.workloads["requests"].requests == (
        RequestSpec(path="/a", weight=2),
        RequestSpec(path="/b"),
    )


def test_options_that_need_a_locustfile_are_refused_without_one(shop: Path) -> None:
    with pytest.raises(UsageError, match=r"--tags belongs to a locustfile"):
        project(shop, 'target = "shop:app"', tags=("read",))
    with pytest.raises(UsageError, match=r"--locustfile .*gone.py: there is no such file"):
        project(shop, locustfile=shop / "gone.py")
    with pytest.raises(UsageError, match=r"--request: \{word\} has no values"):
        project(shop, requests=("/{word}",))
    with pytest.raises(UsageError, match=r"--request: Unknown method 'GTE'"):
        project(shop, requests=("GTE /",))


def test_a_check_becomes_a_write_and_a_read(tmp_path: Path) -> None:
    text = """
    [[checks]]
    name = "a login holds"
    write = {path = "/login", form = {user = "ada l", token = "{token}"}}
    read = {path = "/me", expect = {status = 200, contains = "ada"}, headers = {A = "b"}}
    [[checks]]
    name = "counts"
    kind = "count"
    times = 3
    write = {method = "PUT", path = "/count", json = {by = 1}}
    read = "/count"
    """
    login, count = project(tmp_path, text).checks

    assert (login.write.method, login.write.path) == ("POST", "/login")
    assert login.write.body == "user=ada+l&token={token}"
    assert login.write.headers == {"Content-Type": "application/x-www-form-urlencoded"}
    assert (login.read.method, login.read.headers) == ("GET", {"A": "b"})
    assert login.read.expect == Expected(status=200, contains="ada")
    assert (count.kind, count.times, count.write.body) == (CheckKind.COUNT, 3, '{"by": 1}')


def test_hooks_are_words_and_what_is_left_out_is_as_in_the_record(tmp_path: Path) -> None:
    text = """
    [external]
    scale = "kubectl scale 'deployment/web' --replicas={replicas}"
    replicas = ["./replicas", "web app"]
    header = "X-Served-By"
    limit-s = 5
    """

    assert project(tmp_path, text).tested.hooks == Hooks(
        scale=("kubectl", "scale", "deployment/web", "--replicas={replicas}"),
        replicas=("./replicas", "web app"),
        header="X-Served-By",
        limit_s=5,
        folder=str(tmp_path.resolve()),
    )
    assert project(tmp_path, "rounds = 8").tested.hooks is None


def test_hooks_start_from_the_folder_of_the_file_that_was_asked_for(tmp_path: Path) -> None:
    sub = tmp_path / "sub"
    sub.mkdir()
    (sub / "twofold.toml").write_text('[external]\nscale = "./scale.sh {replicas}"\n')

    file = project_file.load(Path("sub/twofold.toml"), tmp_path, KNOWN)

    hooks = build(Given(target=SHOP), file, {}).tested.hooks
    assert hooks is not None
    assert hooks.folder == str(sub.resolve())


def test_the_reset_command_is_words(tmp_path: Path) -> None:
    text = "reset-command = \"flask --app 'my shop' init-db\""

    assert project(tmp_path, text).reset_command == ("flask", "--app", "my shop", "init-db")
    assert project(tmp_path, text, reset_command=("true",)).reset_command == ("true",)


def test_a_dockerfile_has_the_arguments_and_the_stage_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    text = 'target = "{}"\nbuild-args = {{VERSION = "1"}}\nbuild-target = "production"'
    tested = project(tmp_path, text.format("."), target=None).tested
    other = project(tmp_path, text.format(".")).tested  # the command line names another target

    assert (tested.build_args, tested.build_target) == ({"VERSION": "1"}, "production")
    assert (other.build_args, other.build_target) == ({}, None)
    with pytest.raises(UsageError, match="belong to a Dockerfile, and the target 'shop:1' is none"):
        project(tmp_path, text.format("shop:1"), target=None)


def test_another_dockerfile_has_nothing_of_the_build_of_the_files_own(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "other"):
        folder.mkdir(exist_ok=True)
        (folder / "Dockerfile").write_text("FROM scratch\n")
    text = 'target = "."\nbuild-args = {TOKEN = "1"}\nbuild-target = "production"'

    other = replace(
        project(tmp_path, text, target=None).tested,
        folder=str((tmp_path / "other").resolve()),
        build_args={},
        build_target=None,
    )
    tested = project(tmp_path, text, target=other).tested

    assert (tested.build_args, tested.build_target) == ({}, None)
