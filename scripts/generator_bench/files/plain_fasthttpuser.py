"""The same with FastHttpUser: a login with a cookie, pages, JSON there and back."""

from __future__ import annotations

from locust import FastHttpUser, task


class Shop(FastHttpUser):
    """A user of a shop."""

    def on_start(self) -> None:
        """Log in; the cookie goes with every further request."""
        self.client.post("/login", json={"user": "ada"})

    @task(3)
    def index(self) -> None:
        """Read the first page."""
        self.client.get("/")

    @task(2)
    def item(self) -> None:
        """Read one item."""
        response = self.client.get("/item", params={"id": 7}, name="/item")
        assert response.json()["id"] == 7

    @task
    def add(self) -> None:
        """Put the item into the cart."""
        self.client.post("/cart", json={"item": 7, "count": 1})
