"""The folders of users' files that the harness sends, where this machine does not have them."""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import shutil
import tarfile
import tempfile
from pathlib import Path

from loadtests.generator.order import BadOrder, PlaceOrder


class Places:
    """The folders that were sent, by their path on the harness's machine."""

    def __init__(self) -> None:
        self._folders: dict[str, Path] = {}
        self._parts: dict[str, list[bytes]] = {}

    def place(self, order: PlaceOrder) -> str | None:
        """Return where the folder of ``order`` is; None until all of its parts are there.

        Without data it is looked for: here as it is, or among those that were sent. Raises
        ``BadOrder``.
        """
        if order.data is None:
            if is_here(order):
                return order.folder
            return str(self._folders[order.folder]) if order.folder in self._folders else None
        parts = self._parts.setdefault(order.folder, [])
        if order.part != len(parts) + 1:
            self._parts.pop(order.folder)
            raise BadOrder(f"part is {order.part}; it must be {len(parts) + 1}.")
        try:
            parts.append(base64.b64decode(order.data, validate=True))
        except binascii.Error as error:
            raise BadOrder(f"data is no base64: {error}.") from None
        if order.part < order.parts:
            return None
        packed = b"".join(self._parts.pop(order.folder))
        folder = self._folders[order.folder] = unpacked(packed)
        return str(folder)

    def remove(self) -> None:
        """Delete all folders that were sent."""
        for folder in self._folders.values():
            shutil.rmtree(folder, ignore_errors=True)
        self._folders.clear()


def is_here(order: PlaceOrder) -> bool:
    """Return whether the folder of ``order`` is on this machine, with the same probe in it."""
    if order.probe is None:
        return False
    try:
        content = (Path(order.folder) / order.probe).read_bytes()
    except OSError:
        return False
    return hashlib.sha256(content).hexdigest() == order.sha256


def unpacked(packed: bytes) -> Path:
    """Return a new folder with what ``packed`` (a compressed tar file) has; raises ``BadOrder``."""
    folder = Path(tempfile.mkdtemp(prefix="twofold-load-")).resolve()
    try:
        with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
            _extract(archive, folder)
    except (tarfile.TarError, OSError, EOFError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        raise BadOrder(f"data cannot be unpacked: {error}.") from None
    return folder


def _extract(archive: tarfile.TarFile, folder: Path) -> None:
    """Write an archive's files below a folder, and nothing anywhere else; raises ``TarError``."""
    if hasattr(tarfile, "data_filter"):
        archive.extractall(folder, filter="data")
        return
    # Before Python 3.11.4 nothing else looks where a name leads.
    for entry in archive:
        place = (folder / entry.name).resolve()
        if not (entry.isfile() or entry.isdir()) or not place.is_relative_to(folder):
            raise tarfile.ExtractError(f"{entry.name!r} is no plain file or folder in it")
        archive.extract(entry, folder, set_attrs=False)
