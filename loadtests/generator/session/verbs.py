"""The methods of HTTP, as both of Locust's sessions have them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from loadtests.generator.session.response import UserResponse


class Verbs(ABC):
    """One method for each kind of request."""

    @abstractmethod
    def request(self, method: str, url: str, **options: Any) -> UserResponse:
        """Send a request; see ``SessionClient.request``."""

    def get(self, url: str, **options: Any) -> UserResponse:
        """Send a GET request; see ``request``."""
        return self.request("GET", url, **options)

    def options(self, url: str, **options: Any) -> UserResponse:
        """Send an OPTIONS request; see ``request``."""
        return self.request("OPTIONS", url, **options)

    def head(self, url: str, **options: Any) -> UserResponse:
        """Send a HEAD request; see ``request``."""
        return self.request("HEAD", url, **options)

    def post(self, url: str, data: Any = None, json: Any = None, **options: Any) -> UserResponse:
        """Send a POST request; see ``request``."""
        return self.request("POST", url, data=data, json=json, **options)

    def put(self, url: str, data: Any = None, **options: Any) -> UserResponse:
        """Send a PUT request; see ``request``."""
        return self.request("PUT", url, data=data, **options)

    def patch(self, url: str, data: Any = None, **options: Any) -> UserResponse:
        """Send a PATCH request; see ``request``."""
        return self.request("PATCH", url, data=data, **options)

    def delete(self, url: str, **options: Any) -> UserResponse:
        """Send a DELETE request; see ``request``."""
        return self.request("DELETE", url, **options)
