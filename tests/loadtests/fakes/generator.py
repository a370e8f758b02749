"""A load generator in memory: it speaks the real protocol of what a world knows."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from tests.loadtests.fakes.samples import finished_event, metrics_page, sample_bytes, status_page
from tests.loadtests.fakes.world import CORES, PIECES_RPS, STATUS_URL, WORKER_URL, Order, World


def generate(world: World, order: Order) -> Iterator[str]:
    """Answer one order; what it begins, it begins now, however late its answers are fetched."""
    return _lines(world, order, world.now_s)


def _lines(world: World, order: Order, began_s: float) -> Iterator[str]:
    if order["op"] == "hello":
        yield json.dumps({"event": "hello", "protocol": 1, "locust": "2.47.0", "python": "3.13.5"})
    elif order["op"] == "fetch":
        asks = [{"url": url} for url in order.get("urls", ())] + order.get("requests", [])
        answers = _answers(world, asks)
        yield json.dumps({"event": "fetched", "id": order["id"], "answers": answers})
    elif order["op"] == "check":
        yield json.dumps({"event": "checked", **_checked(order)})
    elif order["op"] == "end":
        yield json.dumps({"event": "ended", "id": order["id"]})
    else:
        yield from map(json.dumps, _trial(world, order, began_s))


def _checked(order: Order) -> dict[str, Any]:
    """Answer the check trial of a list whose requests are all answered well."""
    steps = [
        {"name": entry["path"], "kind": "task", "share": 1.0, "attempts": [_attempt(entry)]}
        for entry in order.get("requests", ())
    ]
    return {
        "id": order["id"],
        "problem": None,
        "notes": [],
        "classes": [],
        "steps": steps,
        "refused": [],
        "others": [],
        "kept_back": {},
        "not_checked": [],
    }


def _attempt(entry: dict[str, Any]) -> dict[str, Any]:
    path = entry["path"]
    request = {
        "method": entry["method"],
        "name": path,
        "path": path,
        "final_path": path,
        "status": 200,
        "good": True,
        "location": None,
        "redirects": [],
        "target": path,
        "headers": {},
        "body": "",
        "has_password_field": False,
        "offers_logout": False,
        "names_csrf": False,
    }
    return {"ending": "ok", "detail": "", "place": "", "kind": "", "requests": [request]}


def _answers(world: World, asks: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    answers = []
    for turn, ask in enumerate(asks):
        url = ask["url"]
        parts = urlsplit(url)
        answer: dict[str, Any] = {"url": url, "status": 200, "headers": {}, "body": ""}
        if url == STATUS_URL:
            world.proxy_requests += 1
            answer["body"] = status_page(world.proxy_requests)
        elif url == WORKER_URL:
            world.proxy_requests += 1
            answer["body"] = f"{world.proxy_worker}\n"
        elif parts.hostname == "proxy":
            world.proxy_requests += 1
            member = world.share(world.members_behind(parts.port or 0), turn)
            answer["headers"] = {"x-upstream-addr": world.replicas[member].address}
            if parts.path.startswith("/state/"):
                answer |= _state_answer(world, member, ask)
        elif world.member_at(parts.netloc) in world.down:
            answer |= {"status": None, "error": "refused"}
        elif parts.path == "/metrics":
            answer["body"] = metrics_page(world.finished.get(world.member_at(parts.netloc), 0))
        answers.append(answer)
    return answers


def _state_answer(world: World, member: str, ask: dict[str, Any]) -> dict[str, Any]:
    """Answer as the sample application does, with its state where the world has it."""
    if world.state is None:
        return {"status": 503, "body": '{"error": "started without a store"}'}
    known = world.kept.setdefault(member if world.state == "memory" else "store", [])
    parts = urlsplit(ask["url"])
    name = parts.path.rpartition("/")[2]
    if name == "counter":
        known.extend(["visit"] * (ask["method"] == "POST"))
        return {"body": f'{{"count": {known.count("visit")}}}'}
    if name == "login":
        known.append(parts.query)
        return {"cookies": f"session={parts.query}"}
    if name == "me":
        name = ask["headers"].get("Cookie", "").partition("=")[2]
    if ask["method"] == "PUT":
        known.append(name)
    return {"body": name} if name in known else {"status": 404, "body": "there is none"}


def _static(world: World, order: Order) -> Iterator[dict[str, Any]]:
    """Answer by the proxy alone: no replica has any part in it."""
    opened_at_s = world.now_s
    yield {"event": "opened", "id": order["id"], "at_s": opened_at_s}
    world.now_s += order["window_s"]
    yield {"event": "closed", "id": order["id"], "at_s": world.now_s}
    count = round(world.ceiling_rps * order["window_s"])
    world.proxy_requests += count
    data = sample_bytes(done_us=np.arange(count) / world.ceiling_rps * 1e6, replica=-1)
    yield {"event": "samples", "id": order["id"], "data": base64.b64encode(data).decode()}
    yield finished_event(
        id=order["id"],
        opened_at_s=opened_at_s,
        closed_at_s=world.now_s,
        sent=count,
        answered=count,
        cpu_s=0.9 * order["window_s"],
        lost_workers=world.lost_workers(order),
    )


def _trial(world: World, order: Order, started_at_s: float) -> Iterator[dict[str, Any]]:
    if order["path"] == "/static":
        yield from _static(world, order)
        return
    world.trials.append(order)
    world.before_trial(len(world.trials))
    members = _members(world, order)
    settle_s, window_s = order["settle_s"], order["window_s"]
    opened_at_s = started_at_s + settle_s
    world.work(members, settle_s, until_s=opened_at_s)
    yield {"event": "opened", "id": order["id"], "at_s": opened_at_s}
    world.work(members, window_s, until_s=opened_at_s + window_s)
    world.foreign_s += world.foreign(order) * CORES * window_s
    world.lost_pieces += (1 - world.speed(order)) * PIECES_RPS * window_s
    yield {"event": "closed", "id": order["id"], "at_s": world.now_s}
    moments_us, duration_us = _moments(world, order, members)
    count = moments_us.size
    world.proxy_requests += count
    served = [world.share(members, turn) for turn in range(count)]
    for member in served:
        world.finished[member] = world.finished.get(member, 0) + 1
    data = base64.b64encode(
        sample_bytes(
            done_us=moments_us,
            duration_us=duration_us,
            replica=[members.index(member) for member in served],
        )
    ).decode()
    half = len(data) // 8 * 4
    for part, piece in enumerate((data[:half], data[half:]), start=1):
        yield {"event": "samples", "id": order["id"], "part": part, "parts": 2, "data": piece}
    world.now_s += 0.02
    start_requests, start_failed = world.starts(order, members)
    yield finished_event(
        id=order["id"],
        started_at_s=started_at_s,
        opened_at_s=opened_at_s,
        closed_at_s=opened_at_s + window_s,
        drained_at_s=world.now_s,
        sent=count,
        answered=count,
        replicas=[world.replicas[member].address for member in members],
        lost_workers=world.lost_workers(order),
        start_requests=start_requests,
        start_failed=start_failed,
    )


def _members(world: World, order: Order) -> list[str]:
    """Give who is loaded: one replica by its address, or those behind a port of the proxy."""
    target = urlsplit(order["base_url"])
    if target.hostname == "proxy":
        return world.members_behind(target.port or 0)
    return [world.member_at(target.netloc)]


def _moments(world: World, order: Order, members: Sequence[str]) -> tuple[Any, Any]:
    """Give when each request of a trial was answered, and how long it took, in microseconds."""
    settle_s, window_s = order["settle_s"], order["window_s"]
    is_open = order.get("mode") == "open"
    rate = order["rate_rps"] if is_open else world.rps(order, members)
    # In the closed loop each user has a request under way when the load ends, and gets its answer.
    users = 0 if is_open else order.get("users", 1)
    due_s = np.arange(round(rate * (settle_s + window_s)) + users) / rate
    from_us = (due_s - settle_s) * 1e6 + 1
    if not is_open:
        # Little's law: all of them wait
        return from_us, np.full(due_s.size, round(users / rate * 1e6))
    duration_us = 1e3 * np.asarray(world.wait_ms(order, members, due_s))
    return from_us + duration_us, duration_us
