"""The build sections of a Compose file, and which service builds an image that another one names.

It does no I/O.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loadtests.targets.compose_file.needs import Services


def builder_of(services: Services, service: str) -> str | None:
    """Return the service whose ``build`` makes a service's image, which may be itself, or None.

    Compose gives the image that one service builds to each that names it (``image:``).
    """
    definition = services.get(service) or {}
    if definition.get("build"):
        return service
    image = full_name(str(definition.get("image") or ""))
    return next(
        (
            name
            for name, other in services.items()
            if image and other.get("build") and full_name(str(other.get("image") or "")) == image
        ),
        None,
    )


def full_name(image: str) -> str:
    """Return an image's name with its tag, without the parts that Docker adds to each."""
    name = image.removeprefix("docker.io/").removeprefix("library/")
    has_tag = "@" in name or ":" in name.rpartition("/")[2]
    return name if has_tag or not name else f"{name}:latest"


def build_of(definition: Mapping[str, Any], secrets: Mapping[str, Any]) -> dict[str, Any]:
    """Return a service's build section as it is passed to the builder.

    Secrets become words of its command line; ``secrets`` are those of the file. It has one
    ``platform``, the service's: of ``platforms``, a start with Compose builds none but that.
    """
    build = definition["build"]
    section = {"context": build} if isinstance(build, str) else dict(build)
    section.pop("platforms", None)
    if definition.get("platform"):
        section["platform"] = str(definition["platform"])
    contexts = section.get("additional_contexts")
    if isinstance(contexts, list):
        pairs = (str(line).partition("=") for line in contexts)
        section["additional_contexts"] = {name: place for name, _, place in pairs}
    if section.get("secrets"):
        section["secrets"] = [_secret(secret, secrets) for secret in section["secrets"]]
    return section


def _secret(secret: Any, declared: Mapping[str, Any]) -> str:
    source = str(secret.get("source") if isinstance(secret, Mapping) else secret)
    target = str(secret.get("target") or source) if isinstance(secret, Mapping) else source
    settings = declared.get(source) or {}
    if settings.get("environment"):
        return f"id={target},env={settings['environment']}"
    return f"id={target},src={settings.get('file', '')}"
