"""The request of an answer, as a locustfile may look at it."""

from __future__ import annotations

from requests.structures import CaseInsensitiveDict


class RequestView:
    """The request that was sent, as far as locustfiles look at it."""

    __slots__ = ("body", "headers", "method", "path_url", "url")

    def __init__(self, method: str, url: str, wire: bytes) -> None:
        head, _, body = wire.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        self.method = method
        self.url = url
        self.body = body or None
        self.path_url = lines[0].partition(" ")[2].rpartition(" ")[0]
        self.headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            self.headers[name] = value
