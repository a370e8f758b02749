"""The folders of users' files on several machines, which may have them at different paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from loadtests.generator.team.team import ASK_LIMIT_S, Member, Team


class Folders:
    """The folders by the path that the harness knows: the first machine's.

    A machine that was lost gets them again.
    """

    def __init__(self, team: Team) -> None:
        self._team = team
        self._paths: dict[str, dict[str, str]] = {member.name: {} for member in team.members}
        self._known: dict[str, str] = {}
        """The path that the harness knows, by the folder on its own machine."""
        self._orders: dict[str, list[Mapping[str, Any]]] = {}

    def place(self, order: Mapping[str, Any]) -> str | None:
        """Let all machines look for a folder, or take a part of it; None unless all have it."""
        name = str(order.get("folder"))
        if order.get("data") is not None:
            if order.get("part", 1) == 1:
                self._orders[name] = []
            self._orders[name].append(order)
        else:
            self._orders.setdefault(name, [order])
        places = self._team.each(lambda member: _placed(member, order))
        if None in places:
            return None
        known = self._known.setdefault(name, places[0])
        for member, place in zip(self._team.members, places, strict=True):
            self._paths[member.name][known] = place
        return known

    def give(self, member: Member) -> None:
        """Give a new generator all folders that the others have."""
        for name, orders in self._orders.items():
            place = None
            for order in orders:
                place = _placed(member, order)
            known = self._known.get(name)
            if place is not None and known is not None:
                self._paths[member.name][known] = place

    def of(self, member: Member, order: Mapping[str, Any]) -> dict[str, Any]:
        """Return an order with the paths that its folders have on a machine."""
        paths = self._paths[member.name]
        return {name: _with_paths(value, paths) for name, value in order.items()}


def _placed(member: Member, order: Mapping[str, Any]) -> str | None:
    folder = member.ask(order, ASK_LIMIT_S, "placed")["folder"]
    return None if folder is None else str(folder)


def _with_paths(value: Any, paths: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {name: _with_paths(part, paths) for name, part in value.items()}
    if isinstance(value, list):
        return [_with_paths(part, paths) for part in value]
    if isinstance(value, str):
        for known, path in paths.items():
            if value == known or value.startswith(known + "/"):
                return path + value[len(known) :]
    return value
