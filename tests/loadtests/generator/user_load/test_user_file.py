"""Where a user's locustfile finds what it imports."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.environments.child_python import python_path
from tests.loadtests.generator.child import Child
from tests.loadtests.generator.stub_server import stub_server

FILE = """
from locust import HttpUser, task
from shop import WORD
from words import OTHER

class Shop(HttpUser):
    @task
    def search(self): self.client.get(f"/{WORD}/{OTHER}")
"""


@pytest.mark.slow
@pytest.mark.parallel
def test_a_file_imports_from_its_folder_and_then_from_the_one_of_the_start(tmp_path: Path) -> None:
    """As under Locust, although the generator itself imports nothing from there."""
    load = tmp_path / "load"
    for path, text in {
        tmp_path / "shop/__init__.py": "WORD = 'shoes'\n",
        tmp_path / "words.py": "OTHER = 'boots'\n",
        load / "words.py": "OTHER = 'hats'\n",
        load / "locustfile.py": FILE,
    }.items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    file = {"path": str(load / "locustfile.py")}
    with (
        Child("--processes", "2", flags=("-P",), env=python_path(), cwd=tmp_path) as child,
        stub_server() as (url, requests),
    ):
        answer = child.trial(base_url=url, locustfile=file, users=2)

    assert answer.finished["event"] == "finished", answer.finished
    assert {request.split()[1] for request in requests} == {b"/shoes/hats"}
