"""What a check trial reports, with valid defaults."""

from __future__ import annotations

from typing import Any

from loadtests.measurement.user_load.findings import problems_of


def request(path: str = "/", **fields: Any) -> dict[str, Any]:
    defaults = {
        "method": "GET",
        "name": path,
        "path": path,
        "final_path": path,
        "status": 200,
        "good": True,
        "outcome": "ok",
        "error": None,
        "location": None,
        "redirects": [],
        "bytes": 2,
        "has_password_field": False,
        "offers_logout": False,
        "names_csrf": False,
    }
    return defaults | fields


def bad(path: str = "/", status: int = 500, **fields: Any) -> dict[str, Any]:
    return request(path, status=status, good=False, outcome="status", **fields)


def attempt(*requests: dict[str, Any], **fields: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {"ending": "ok", "detail": "", "place": "", "kind": ""}
    return {**defaults, **fields, "requests": list(requests)}


def step(name: str, *attempts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {"kind": "task", "share": 0.5, "unready": False}
    return {"name": name, **defaults, **fields, "attempts": list(attempts)}


def raised(kind: str, detail: str = "", place: str = "locustfile.py:7") -> dict[str, Any]:
    return attempt(ending="raised", kind=kind, detail=detail, place=place)


def facts(*steps: dict[str, Any], **fields: Any) -> dict[str, Any]:
    defaults: dict[str, Any] = {
        "problem": None,
        "notes": [],
        "classes": [],
        "refused": [],
        "others": [],
        "kept_back": {},
        "not_checked": [],
        "listener_errors": [],
    }
    return {**defaults, **fields, "steps": list(steps)}


GOOD = step("Shop.index", attempt(request()))


def said(*steps: dict[str, Any], **fields: Any) -> list[str]:
    return [str(problem) for problem in problems_of(facts(*steps, **fields))]
