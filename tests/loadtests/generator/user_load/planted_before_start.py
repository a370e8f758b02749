"""Mistakes that make a file unusable: most are found by reading it, some by importing it."""

from __future__ import annotations

from collections.abc import Mapping

from tests.loadtests.generator.user_load.planted import Planted

FILES: Mapping[str, Planted] = {
    "a missing module, another host, a misspelt name": Planted(
        text="""
        import fakerz
        from locust import HttpUser, task
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("https://shop.example.com/")
            @task
            def cart(self): self.client.get(f"/cart/{crat}")
        """,
        code=2,
        mistakes=(
            "locustfile.py:1: It imports fakerz",
            "locustfile.py:5: It asks shop.example.com",
            "locustfile.py:7: NameError: the name crat is not defined",
        ),
    ),
    "a sibling that is not there, and a host in a constant": Planted(
        text="""
        from locust import HttpUser, task
        from pages_of_nobody import PAGES
        BASE = "http://api.example.com"
        class Shop(HttpUser):
            @task
            def index(self): self.client.get(PAGES[0])
            @task
            def api(self): self.client.get(BASE + "/items")
        """,
        code=2,
        mistakes=("imports pages_of_nobody", "locustfile.py:8: It asks api.example.com"),
    ),
    "a name that a sibling does not have, and one that nobody has": Planted(
        text="""
        from locust import HttpUser, task
        from own_pages import PAGE
        class Shop(HttpUser):
            @task
            def index(self): self.client.get(PAGE)
            @task
            def cart(self): self.client.get(CART)
        """,
        siblings={"own_pages.py": "PAGES = ['/']\n"},
        code=2,
        mistakes=(
            "locustfile.py:2: locustfile.py fails when it is imported: ImportError: cannot import"
            " name 'PAGE'",
            "locustfile.py:7: NameError: the name CART is not defined",
        ),
    ),
    "a data file that is not there": Planted(
        text="""
        from locust import HttpUser, task
        NAMES = open("nmaes.txt").read().split()
        class Shop(HttpUser):
            @task
            def index(self): self.client.get(f"/?q={NAMES[0]}")
        """,
        code=2,
        mistakes=("No such file or directory: 'nmaes.txt'",),
    ),
    "a variable that is not set": Planted(
        text="""
        import os
        from locust import HttpUser, task
        KEY = os.environ["SHOP_KEY_OF_NOBODY"]
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/", headers={"X-Key": KEY})
        """,
        code=2,
        mistakes=("locustfile.py:3: locustfile.py reads the environment variable",),
    ),
    "a colon that is missing": Planted(
        text="""
        from locust import HttpUser, task
        class Shop(HttpUser):
            @task
            def index(self) self.client.get("/")
        """,
        code=2,
        mistakes=("locustfile.py:4: It is not valid Python",),
    ),
    "a class and an event of Locust before 1.0": Planted(
        text="""
        from locust import HttpLocust, TaskSet, events, task
        def note(**_): pass
        events.request_success += note
        class Tasks(TaskSet):
            @task
            def index(self): self.client.get("/")
        class Shop(HttpLocust):
            task_set = Tasks
        """,
        code=2,
        mistakes=(
            "locustfile.py:1: HttpLocust is of Locust before 1.0",
            "locustfile.py:3: events.request_success is of Locust before 1.0",
        ),
    ),
    "hosts by format, f-string and another library": Planted(
        text="""
        import requests
        from locust import FastHttpUser, task
        HOST = "https://shop.example.com"
        class Shop(FastHttpUser):
            def on_start(self): requests.post("http://auth.example.com/token")
            @task
            def index(self): self.client.get(f"{HOST}/")
            @task
            def cart(self): self.client.post("http://{}/cart".format("cart.example.com"))
        """,
        code=2,
        mistakes=(
            "locustfile.py:5: It asks auth.example.com",
            "locustfile.py:7: It asks shop.example.com",
            "locustfile.py:9: It asks cart.example.com",
        ),
    ),
    "a tag that is misspelt, and a name": Planted(
        text="""
        from locust import HttpUser, tag, task
        class Shop(HttpUser):
            @tag("checkout")
            @task
            def index(self): self.client.get("/")
            @tag("read")
            @task
            def item(self): self.client.get(ITEM)
        """,
        options={"tags": ("chekout",)},
        code=2,
        mistakes=("--tags chekout leaves no task", "the name ITEM is not defined"),
    ),
    "tags that are all left out": Planted(
        text="""
        from locust import HttpUser, tag, task
        class Shop(HttpUser):
            @tag("read")
            @task
            def index(self): self.client.get("/")
        """,
        options={"exclude_tags": ("read",)},
        code=2,
        mistakes=("--exclude-tags read leaves no task",),
    ),
    "a class that is misspelt": Planted(
        text="""
        from locust import HttpUser, task
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/")
        """,
        options={"classes": ("Shpo",)},
        code=2,
        mistakes=("There is no class Shpo; there are Shop",),
    ),
    "an option without a default": Planted(
        text="""
        from locust import HttpUser, events, task
        @events.init_command_line_parser.add_listener
        def add(parser): parser.add_argument("--key", required=True)
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/")
        """,
        code=2,
        mistakes=("--key",),
    ),
    "no class": Planted(
        text="""
        from locust import TaskSet, task
        class Tasks(TaskSet):
            @task
            def index(self): self.client.get("/")
        """,
        code=2,
        mistakes=("no User class",),
    ),
    "no task": Planted(
        text="""
        from locust import HttpUser
        class Shop(HttpUser):
            def index(self): self.client.get("/")
        """,
        code=2,
        mistakes=("Shop has no task",),
    ),
    "another host while it is imported": Planted(
        text="""
        import http.client
        from locust import HttpUser, task
        http.client.HTTPConnection("data.example.com").request("GET", "/users")
        class Shop(HttpUser):
            @task
            def index(self): self.client.get("/")
        """,
        code=2,
        mistakes=("locustfile.py:3: It asks data.example.com",),
    ),
}
