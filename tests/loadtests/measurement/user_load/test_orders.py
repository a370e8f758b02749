"""Loads of the user's own as fields of the generator's orders."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from loadtests.measurement.user_load.orders import Orders
from loadtests.model.errors import UsageError
from loadtests.model.tested.workload import Expected, Locustfile, RequestSpec, Workload
from loadtests.tools import pip


class Generator:
    """A generator on this machine, or in a container where nothing of it is."""

    def __init__(self, *, here: bool) -> None:
        self.greeting = {"python": "3.13.5", "machine": "x86_64"}
        self._here = here
        self.sent: dict[str, Sequence[bytes]] = {}
        self.looked: list[tuple[str, str | None]] = []

    def place(
        self,
        folder: str,
        *,
        probe: str | None = None,
        sha256: str | None = None,
        packed: Sequence[bytes] = (),
    ) -> str | None:
        if packed:
            self.sent[folder] = packed
            return f"/placed/{len(self.sent)}"
        if folder in self.sent:
            return f"/placed/{[*self.sent].index(folder) + 1}"
        self.looked.append((folder, probe))
        assert sha256 is not None
        assert len(sha256) == 64
        return folder if self._here else None


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Any, ...]]:
    """The calls of pip; it brings one small module."""
    calls: list[tuple[Any, ...]] = []

    def install(requirements: Path, folder: Path, **more: Any) -> None:
        calls.append((requirements.name, more))
        (folder / "fakerz.py").write_text("x = 1")

    monkeypatch.setattr(pip, "install", install)
    return calls


def fields_of(generator: Generator, workload: Workload) -> Any:
    agent: Any = generator
    return Orders(agent).of(workload)


def file_load(folder: Path, **options: Any) -> Workload:
    path = folder / "locustfile.py"
    path.write_text("x = 1")
    return Workload(name="shop", path="/", locustfile=Locustfile(path=str(path), **options))


def test_a_built_in_workload_needs_no_fields() -> None:
    assert fields_of(Generator(here=True), Workload(name="cpu", path="/cpu")) == {}


def test_a_file_that_the_generator_sees_is_used_where_it_is(tmp_path: Path) -> None:
    generator = Generator(here=True)
    load = file_load(tmp_path, tags=("read",), classes=("Shop",), env={"KEY": "x"}, keep_waits=True)

    assert fields_of(generator, load) == {
        "locustfile": {
            "path": f"{tmp_path}/locustfile.py",
            "tags": ["read"],
            "exclude_tags": [],
            "classes": ["Shop"],
            "keep_waits": True,
            "env": {"KEY": "x"},
            "modules": None,
        }
    }
    assert generator.sent == {}
    assert generator.looked == [(str(tmp_path), "locustfile.py")]


def test_one_that_it_does_not_see_is_sent_with_its_folder(tmp_path: Path) -> None:
    (tmp_path / "people.json").write_text("[]")
    generator = Generator(here=False)

    fields = fields_of(generator, file_load(tmp_path))

    assert fields["locustfile"]["path"] == "/placed/1/locustfile.py"
    assert list(generator.sent) == [str(tmp_path)]


def test_fields_are_made_once(tmp_path: Path) -> None:
    generator = Generator(here=False)
    agent: Any = generator
    orders, load = Orders(agent), file_load(tmp_path)

    assert orders.of(load) is orders.of(load)
    assert len(generator.sent) == 1


def test_modules_are_installed_for_this_python_where_the_generator_is_here(
    tmp_path: Path, installed: list[tuple[Any, ...]]
) -> None:
    (tmp_path / "requirements.txt").write_text("fakerz")
    load = file_load(tmp_path, requirements=str(tmp_path / "requirements.txt"))
    agent: Any = Generator(here=True)
    orders = Orders(agent)

    modules = orders.of(load)["locustfile"]["modules"]

    assert installed == [("requirements.txt", {})]
    assert (Path(modules) / "fakerz.py").exists()


def test_modules_are_installed_for_the_generators_python_and_sent(
    tmp_path: Path, installed: list[tuple[Any, ...]]
) -> None:
    (tmp_path / "requirements.txt").write_text("fakerz")
    load = file_load(tmp_path, requirements=str(tmp_path / "requirements.txt"))
    generator = Generator(here=False)

    fields = fields_of(generator, load)

    assert installed == [("requirements.txt", {"python": "3.13", "machine": "x86_64"})]
    assert fields["locustfile"]["modules"] == "/placed/2"


def test_modules_that_are_too_large_are_refused_by_the_name_of_their_file(
    tmp_path: Path, installed: list[tuple[Any, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "load").mkdir()
    (tmp_path / "requirements.txt").write_text("fakerz")
    load = file_load(tmp_path / "load", requirements=str(tmp_path / "requirements.txt"))
    monkeypatch.setattr("loadtests.measurement.user_load.folder.MOST_FILES", 1)
    monkeypatch.setattr(
        pip,
        "install",
        lambda _, folder, **__: [(folder / name).write_text("") for name in ("a.py", "b.py")],
    )

    with pytest.raises(UsageError, match=r"The modules that requirements\.txt brings have 2 files"):
        fields_of(Generator(here=False), load)
    assert installed == []


def test_a_list_has_its_requests_start_values_and_headers() -> None:
    load = Workload(
        name="browse",
        path="/",
        requests=(RequestSpec(path="/a", weight=3, expect=Expected(status=201)),),
        start=(RequestSpec(method="POST", path="/login", form={"user": "{who}"}),),
        values={"who": ("ada", "bob")},
        headers={"X-A": "b"},
    )

    fields = fields_of(Generator(here=False), load)

    assert fields["values"] == {"who": ["ada", "bob"]}
    assert fields["headers"] == {"X-A": "b"}
    (request,), (start,) = fields["requests"], fields["start"]
    assert (request["path"], request["weight"], request["expect"]["status"]) == ("/a", 3, 201)
    assert start["form"] == {"user": "{who}"}


def test_files_of_requests_are_sent_once_each_and_named_where_they_lie(tmp_path: Path) -> None:
    one, two = tmp_path / "one.png", tmp_path / "two.png"
    one.write_text("1")
    two.write_text("2")
    load = Workload(
        name="up",
        path="/",
        requests=(
            RequestSpec(method="POST", path="/a", files={"f": str(one), "g": str(two)}),
            RequestSpec(method="POST", path="/b", files={"f": str(one)}),
        ),
    )

    first, second = fields_of(Generator(here=False), load)["requests"]
    assert first["files"] == {"f": "/placed/1/0/one.png", "g": "/placed/1/1/two.png"}
    assert second["files"] == {"f": "/placed/1/0/one.png"}
    first, _ = fields_of(Generator(here=True), load)["requests"]
    assert first["files"] == {"f": str(one), "g": str(two)}


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    load = Workload(
        name="up",
        path="/",
        requests=(RequestSpec(path="/a", files={"f": str(tmp_path / "gone.png")}),),
    )

    with pytest.raises(UsageError, match=r"gone\.png cannot be read \(No such file"):
        fields_of(Generator(here=True), load)


def test_files_in_a_folder_that_was_sent_are_named_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "one.png").write_text("1")
    agent: Any = Generator(here=False)
    orders = Orders(agent)
    orders.of(file_load(tmp_path))
    request = RequestSpec(method="POST", path="/a", files={"f": str(tmp_path / "one.png")})

    fields = orders.of(Workload(name="up", path="/", requests=(request,)))

    assert fields["requests"][0]["files"] == {"f": "/placed/1/one.png"}
