"""Images that go from one engine to another: from their registry by digest, or as they are."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import Any

from docker.errors import DockerException, NotFound
from requests.exceptions import RequestException

from loadtests.model.errors import EnvironmentFailure
from loadtests.tools.docker import connection

LIMIT_S = 600
"""How long an engine may be silent while it takes an image in."""

REGISTRY_LIMIT_S = 60
"""How long an engine may be silent while it pulls an image; without a registry it is copied."""


def pull_image(image: str, source: str | None, goal: str) -> bool:
    """Let the engine at ``goal`` pull an image by its digest, if the engine ``source`` knows one.

    Returns whether it now has the image under the same id. The digest names the content, so it
    cannot be another one.
    """
    with suppress(DockerException, RequestException):
        with closing(connection.connected(source, timeout_s=LIMIT_S)) as giver:
            digests = giver.images.get(image).attrs.get("RepoDigests") or []
        with closing(connection.connected(goal, timeout_s=REGISTRY_LIMIT_S)) as taker:
            for digest in digests:
                with suppress(DockerException, RequestException):
                    taker.images.pull(digest)
                    taker.images.get(image)
                    return True
    return False


def copy_image(image: str, source: str | None, goal: str) -> None:
    """Copy an image by its id from the engine ``source`` to that at ``goal``.

    Raises :class:`EnvironmentFailure` where an engine does not take it in under the same id.
    """
    try:
        with (
            closing(connection.connected(source, timeout_s=LIMIT_S)) as giver,
            closing(connection.connected(goal, timeout_s=LIMIT_S)) as taker,
        ):
            api: Any = taker.api  # its types are missing here
            for line in api.load_image(giver.api.get_image(image)) or ():
                if "error" in line:
                    raise DockerException(str(line["error"]))
            taker.images.get(image)
    except NotFound as error:
        raise EnvironmentFailure(
            f"The engine at {goal} gave the image {image[:19]} another id, so its containers"
            " could not be told from others. Use the same store of images on all engines."
        ) from error
    except (DockerException, RequestException) as error:
        raise EnvironmentFailure(
            f"The image {image[:19]} could not be copied to the engine at {goal}: {error}."
            " Look for free space there."
        ) from error
