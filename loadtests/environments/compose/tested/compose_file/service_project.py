"""Makes a project of our own from a Compose file: the measured service, and what it needs.

It does no I/O. The document is what ``docker compose config`` prints, read back.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from loadtests.environments.compose.tested.compose_file.builds import build_of, builder_of
from loadtests.environments.compose.tested.compose_file.left_out import (
    KEPT,
    declared_ports,
    left_out,
)
from loadtests.environments.compose.tested.compose_file.mounts import (
    Mount,
    entry_of,
    mounts_of,
    own_volumes,
    places_of,
    volumes_of,
)
from loadtests.environments.compose.tested.compose_file.resources import (
    deploy_limits,
    is_limit,
    reserved_devices,
    restart_of,
    retrying,
)
from loadtests.environments.compose.tested.hidden import Hidden, escaped
from loadtests.environments.compose.tested.subject import NO_RESTART, Part, Subject
from loadtests.environments.counters import FRONT_SERVICE
from loadtests.model.errors import UsageError
from loadtests.targets.compose_file.needs import (
    Services,
    direct,
    environment_of,
    hosts_of,
    needed,
)
from loadtests.targets.compose_file.stores import is_store

PREFIX = "with-"
"""Before the names of needed services, so that none has the name of one of ours."""

HEALTHCHECK_NOTE = (
    "The HEALTHCHECK is switched off in replicas, since it would use their CPU. Whether they are"
    " ready is asked over HTTP."
)

SHARED_DEVICES = (
    "all replicas have the devices that it reserves (GPUs), so these are shared and do not double."
)

MEMORY = "mem_limit"

HIDDEN_KEYS = ("command", "entrypoint")
HAS_TO_END = "service_completed_successfully"


def subject_of(
    document: Mapping[str, Any],
    service: str,
    *,
    tag: str,
    through: str | None = None,
    files: Collection[str] = (),
) -> Subject:
    """Return the measured service of a Compose file with all that it needs.

    ``tag`` begins the names of images that are built. ``through`` is the user's own proxy, which
    comes along with what it needs. ``files`` are sources of mounts that are single files.
    Raises :class:`UsageError` for a service that does not exist, or of which no two replicas can
    run.
    """
    services: Services = document.get("services") or {}
    if service not in services:
        raise UsageError(
            f"There is no service {service!r}. Those that exist: {', '.join(sorted(services))}."
        )
    _check_network(services[service], service)
    names = [name for name in needed(services, service) if name != through]
    if through is not None:
        _check_through(services, service, through)
        beside = {service, through, *names}
        names += [name for name in needed(services, through) if name not in beside]
    hidden = Hidden()
    reader = _Reader(document, service, names, hidden, tag, front=through, files=files)
    measured, *others = (reader.part(name) for name in (service, *names))
    front = reader.part(through) if through is not None else None
    declared = document.get("volumes") or {}
    volumes, volume_notes = own_volumes(reader.volumes, declared)
    return Subject(
        measured=measured,
        needs=tuple(others),
        front=front,
        volumes=volumes,
        volume_places=places_of(reader.volumes, declared),
        secrets=reader.other_files("secrets"),
        configs=reader.other_files("configs"),
        values=hidden.values,
        notes=(
            *_notes(measured, others, services),
            *(_through_notes(service, through) if through is not None else ()),
            *reader.notes,
            *volume_notes,
            *_network_notes(document, (service, *names)),
        ),
        others=tuple(name for name in services if name not in {service, through, *names}),
    )


def _network_notes(document: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    """Yield a sentence on the networks of others, in which a run's containers are not."""
    declared = document.get("networks") or {}
    used = {str(key) for name in names for key in document["services"][name].get("networks") or ()}
    external = sorted(key for key in used if (declared.get(key) or {}).get("external"))
    if external:
        yield (
            f"Not joined, since they are external: the networks {', '.join(external)}. What is only"
            " there cannot be reached."
        )


def _through_notes(service: str, through: str) -> Iterator[str]:
    yield (
        f"Measured through {through}, which stands for our proxy. Replicas of {service} are added"
        " while it runs, as docker compose up --scale does."
    )


def _check_through(services: Services, service: str, through: str) -> None:
    if through not in services or through == service:
        others = ", ".join(sorted(set(services) - {service})) or "none"
        raise UsageError(
            f"--through {through} has to be another service, which passes requests on to {service}."
            f" Those that exist: {others}."
        )


def _check_network(definition: Mapping[str, Any], service: str) -> None:
    mode = str(definition.get("network_mode") or "")
    if mode == "host" or mode.startswith(("service:", "container:")):
        raise UsageError(
            f"The service {service} has network_mode {mode}, and two replicas would share one port."
            " Take network_mode out, so that each replica has an address of its own."
        )
    if mode == "none":
        raise UsageError(
            f"The service {service} has network_mode none, so nothing can reach it."
            " Take network_mode out."
        )


def _notes(measured: Part, needs: Sequence[Part], services: Services) -> Iterator[str]:
    if needs:
        named = ", ".join(f"{part.name}{' (a store)' if part.is_store else ''}" for part in needs)
        yield f"Started once, beside the replicas of {measured.name}: {named}."
    if services[measured.name].get("healthcheck"):
        yield HEALTHCHECK_NOTE
    retried = [part.name for part in needs if part.restart != NO_RESTART]
    if retried:
        yield f"Started again after an error, until the replicas are started: {', '.join(retried)}."
    for part in (measured, *needs):
        settings = left_out(services[part.name], restarts=part.name in retried)
        if settings:
            yield f"{part.name}: left out, since a run sets or forbids it: {'; '.join(settings)}."


class _Reader:
    """Turns services of one document into parts, and gathers what is said of them."""

    def __init__(
        self,
        document: Mapping[str, Any],
        measured: str,
        needs: Sequence[str],
        hidden: Hidden,
        tag: str,
        *,
        front: str | None = None,
        files: Collection[str] = (),
    ) -> None:
        self._document = document
        self._services: Services = document["services"]
        self._measured = measured
        self._ours = {name: f"{PREFIX}{name}" for name in needs} | {measured: measured}
        if front is not None:
            self._ours[front] = FRONT_SERVICE
        self._hidden = hidden
        self._tag = tag
        self._single_files = files
        self.notes: list[str] = []
        self.volumes: list[str] = []
        self._kept_files: dict[str, set[str]] = {"secrets": set(), "configs": set()}

    def part(self, name: str) -> Part:
        """Return one service as a part of our project."""
        definition = self._services[name]
        builder = builder_of(self._services, name)
        image = str(definition.get("image") or "")
        store = name != self._measured and is_store(image or name, declared_ports(definition))
        if not image and builder is None:
            raise UsageError(f"The service {name} has neither an image nor a build section.")
        return Part(
            name=name,
            service=self._ours[name],
            image=f"{self._tag}-{builder}:latest".lower() if builder is not None else image,
            build=self._build(builder) if builder is not None else None,
            definition=self._definition(name, definition, is_store=store),
            ports=declared_ports(definition),
            hosts=self._hosts(name),
            is_store=store,
            has_to_end=self._has_to_end(name),
            restart=self._restart(name, definition),
        )

    def _build(self, builder: str) -> dict[str, Any]:
        return build_of(self._services[builder], self._document.get("secrets") or {})

    def _restart(self, name: str, definition: Mapping[str, Any]) -> str:
        """Return the policy of a service beside the replicas that may fail until others are up.

        One that needs nothing fails for a reason of its own, which a further start does not mend.
        """
        if not self._ours[name].startswith(PREFIX) or not direct(self._services, name):
            return NO_RESTART
        return retrying(restart_of(definition))

    def _definition(
        self, name: str, definition: Mapping[str, Any], *, is_store: bool
    ) -> dict[str, Any]:
        ours: dict[str, Any] = {
            key: escaped(value) for key, value in definition.items() if key in KEPT
        }
        for key in HIDDEN_KEYS:
            if definition.get(key) is not None:
                ours[key] = self._hidden.all_of(definition[key])
        ours["environment"] = {
            variable: self._hidden.text(value)
            for variable, value in environment_of(definition).items()
            if value is not None
        }
        ours = {key: value for key, value in ours.items() if key != MEMORY or is_limit(value)}
        ours |= deploy_limits(definition)
        devices = reserved_devices(definition)
        if devices:
            ours["deploy"] = {"resources": {"reservations": {"devices": escaped(devices)}}}
            if name == self._measured:
                self.notes.append(f"{name}: {SHARED_DEVICES}")
        volumes = volumes_of(self._services, name)
        mounts = mounts_of(name, {"volumes": volumes}, is_store=is_store, files=self._single_files)
        self.notes += mounts.notes
        self.volumes += mounts.volumes
        entries = [escaped(entry_of(mount)) for mount in mounts.entries]
        entries += [escaped(entry_of(mount)) for mount in self._files(ours, definition)]
        if entries:
            ours["volumes"] = entries
        ours |= self._relations(name, definition)
        return ours

    def _relations(self, name: str, definition: Mapping[str, Any]) -> dict[str, Any]:
        """Return what a needed service says of its health and its own order of start."""
        check = definition.get("healthcheck") or {}
        if name == self._measured:
            return {}
        relations: dict[str, Any] = {}
        if check:
            relations["healthcheck"] = {
                key: self._hidden.all_of(value) if key == "test" else value
                for key, value in check.items()
            }
        conditions = {
            self._ours[needed]: {"condition": condition}
            for needed, condition in _conditions(definition).items()
            if needed in self._ours and needed != self._measured
        }
        if conditions:
            relations["depends_on"] = conditions
        return relations

    def _files(self, ours: dict[str, Any], definition: Mapping[str, Any]) -> Iterator[Mount]:
        """Yield secrets and configs that are files as mounts; others stay as they are."""
        for kind, folder in (("secrets", "/run/secrets/"), ("configs", "/")):
            declared = self._document.get(kind) or {}
            for entry in definition.get(kind) or ():
                source = str(entry.get("source") if isinstance(entry, Mapping) else entry)
                target = entry.get("target") if isinstance(entry, Mapping) else None
                what = kind.removesuffix("s")
                if source not in declared:
                    raise UsageError(f"There is no {what} {source!r}, which a service uses.")
                settings = declared[source] or {}
                if settings.get("external"):
                    raise UsageError(
                        f"The {what} {source} is external, so only a Swarm has it. Give it a file"
                        " in the Compose file."
                    )
                if settings.get("file"):
                    path = str(target or source)
                    yield Mount(
                        kind="bind",
                        source=str(settings["file"]),
                        target=path if path.startswith("/") else f"{folder}{path}",
                        read_only=True,
                    )
                else:
                    self._kept_files[kind].add(source)
                    ours.setdefault(kind, []).append(escaped(entry))

    def other_files(self, kind: str) -> dict[str, Any]:
        """Return the declarations of secrets or configs that are no files, their texts hidden."""
        declared = self._document.get(kind) or {}
        return {
            name: {
                key: self._hidden.all_of(value) if key == "content" else escaped(value)
                for key, value in declared[name].items()
                if key != "name"
            }
            for name in sorted(self._kept_files[kind])
        }

    def _hosts(self, name: str) -> tuple[str, ...]:
        aliases = [
            alias
            for other in self._ours
            for link in self._services[other].get("links") or ()
            for target, _, alias in [str(link).partition(":")]
            if target == name and alias
        ]
        return tuple(dict.fromkeys((*hosts_of(self._services, name), *aliases)))

    def _has_to_end(self, name: str) -> bool:
        return any(
            _conditions(self._services[other]).get(name) == HAS_TO_END for other in self._ours
        )


def _conditions(definition: Mapping[str, Any]) -> dict[str, str]:
    """Return what a service depends on, each with the condition."""
    given = definition.get("depends_on") or {}
    if not isinstance(given, Mapping):
        return dict.fromkeys(map(str, given), "service_started")
    return {
        str(name): str((settings or {}).get("condition") or "service_started")
        for name, settings in given.items()
    }
