"""The user's own loads as fields of the generator's orders; their files are sent where needed."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

from loadtests.measurement.generator_client import Agent
from loadtests.measurement.user_load.folder import pack_files, pack_folder, placed_name
from loadtests.model.errors import UsageError
from loadtests.model.tested.workload import Locustfile, RequestSpec, Workload
from loadtests.tools import pip, temporary

Fields = Mapping[str, Any]


class Orders:
    """The fields of each load, for the generator behind ``agent``; each is made once."""

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._fields: dict[str, Fields] = {}

    def of(self, workload: Workload) -> Fields:
        """Return the fields of an order that carry ``workload``; none for a built-in one.

        Raises :class:`UsageError` for files that cannot be read, or are too large to be sent.
        """
        if not workload.is_users:
            return {}
        if workload.name not in self._fields:
            self._fields[workload.name] = self._made(workload)
        return self._fields[workload.name]

    def _made(self, workload: Workload) -> Fields:
        headers = {"headers": dict(workload.headers)} if workload.headers else {}
        if workload.locustfile is not None:
            return {"locustfile": self._file(workload.locustfile), **headers}
        uploads = self._uploads((*workload.requests, *workload.start), workload.name)
        return {
            "requests": [request_fields(spec, uploads) for spec in workload.requests],
            "start": [request_fields(spec, uploads) for spec in workload.start],
            "values": {name: list(values) for name, values in workload.values.items()},
            **headers,
        }

    def _file(self, file: Locustfile) -> dict[str, Any]:
        path = Path(file.path)
        folder = self._agent.place(str(path.parent), probe=path.name, sha256=hash_of(path))
        if folder is None:
            folder = self._agent.place(str(path.parent), packed=pack_folder(path.parent))
        return {
            "path": f"{folder}/{path.name}",
            "tags": list(file.tags),
            "exclude_tags": list(file.exclude_tags),
            "classes": list(file.classes),
            "keep_waits": file.keep_waits,
            "env": dict(file.env),
            "modules": self._modules_of(file),
        }

    def _modules_of(self, file: Locustfile) -> str | None:
        """Return the folder with the modules that a locustfile requires; they are installed now."""
        if file.requirements is None:
            return None
        requirements = Path(file.requirements)
        opened = ExitStack()
        folder = opened.enter_context(temporary.folder("modules"))
        weakref.finalize(self, opened.close)  # as the run ends
        name = requirements.name
        place = self._agent.place(
            str(requirements.parent), probe=name, sha256=hash_of(requirements)
        )
        # A folder that was sent, such as that of the locustfile, lies somewhere else.
        if place == str(requirements.parent):  # the generator is on this machine, with this Python
            pip.install(requirements, folder)
            return str(folder)
        greeting = self._agent.greeting
        python = ".".join(str(greeting.get("python", "")).split(".")[:2])
        machine = str(greeting.get("machine", ""))
        pip.install(requirements, folder, python=python, machine=machine)
        packed = pack_folder(
            folder,
            f"The modules that {name} brings have",
            "Leave out what the locustfile does not import.",
        )
        return self._agent.place(str(folder), packed=packed)

    def _uploads(self, specs: tuple[RequestSpec, ...], name: str) -> dict[str, str]:
        """Return the places of the files that requests send, by their paths here."""
        paths = list(dict.fromkeys(Path(file) for spec in specs for file in spec.files.values()))
        if not paths:
            return {}
        here = [
            self._agent.place(str(path.parent), probe=path.name, sha256=hash_of(path))
            for path in paths
        ]
        if all(folder is not None for folder in here):
            # Where they are, or in a folder that was sent, such as that of a locustfile.
            return {
                str(path): f"{folder}/{path.name}" for path, folder in zip(paths, here, strict=True)
            }
        folder = self._agent.place(f"uploads of {name}", packed=pack_files(paths))
        return {
            str(path): f"{folder}/{placed_name(number, path)}" for number, path in enumerate(paths)
        }


def request_fields(spec: RequestSpec, uploads: Mapping[str, str]) -> dict[str, Any]:
    """Return a request as values of JSON; ``uploads`` are the places of files."""
    fields = asdict(spec)
    fields["files"] = {name: uploads[str(Path(file))] for name, file in spec.files.items()}
    return fields


def hash_of(path: Path) -> str:
    """Return the SHA-256 of a file; raise :class:`UsageError` if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise UsageError(f"{path} cannot be read ({error.strerror}).") from error
