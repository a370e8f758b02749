"""Adds the rows of the zoo up, and lays them out as a table. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Row = dict[str, Any]
Rows = list[Row]

CLEAN = "clean"
COLUMNS = ("member", "truth", "estimate", "interval", "verdict, codes", "bottleneck", "right")


def summarised(rows: Rows) -> Row:
    """Give the whole of ``truth.json``: the counts on top, one row a run below.

    ``amdahl`` counts, of the systems with a serial share, the intervals that hold Amdahl's value
    and the fitted σ that hold theirs.
    """
    systems = [row for row in rows if "right" in row]
    serial = [row for row in systems if (row.get("sigma") or {}).get("truth") is not None]
    factors = [each["holds"] for row in serial for each in row["doublings"]]
    clean = [row for row in systems if row["member"].startswith(CLEAN)]
    return {
        "runs": len(systems),
        "right": _count(row["right"] for row in systems),
        "wrong_scales": _count(row["wrong_scales"] for row in systems),
        "members": {
            name: {
                "runs": _count(row["member"] == name for row in systems),
                "right": _count(row["right"] for row in systems if row["member"] == name),
            }
            for name in dict.fromkeys(row["member"] for row in systems)
        },
        "amdahl": {
            "intervals": len(factors),
            "holding": _count(factors),
            "sigmas": len(serial),
            "sigmas_holding": _count(row["sigma"]["holds"] for row in serial),
        },
        "clean": {
            "runs": len(clean),
            "rules_fired": _count(bool(row.get("codes")) for row in clean),
        },
        **{key: value for row in rows for key, value in row.get("figures", {}).items()},
        "rows": rows,
    }


def table(rows: Rows) -> str:
    """Give the table of all runs as text: a line a doubling, or a line a run without factors."""
    lines = [COLUMNS]
    for row in rows:
        if "right" not in row:
            continue
        answer = " ".join((str(row.get("verdict", "error")), *row.get("codes", ())))
        tail = (answer, str(row.get("bottleneck", "")), "yes" if row["right"] else "NO")
        for index, each in enumerate(row.get("doublings") or [{}]):
            name = f"{row['member']} {row['run']}" if index == 0 else ""
            truth = each.get("truth")
            known = f"{truth:.3f}" if truth is not None else row.get("truth", "")
            lines.append((name, known, *_figures(each), *(tail if index == 0 else ("", "", ""))))
    widths = [max(len(line[column]) for line in lines) for column in range(len(COLUMNS))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def _figures(doubling: Row) -> tuple[str, str]:
    estimate, low, high = (doubling.get(key) for key in ("estimate", "low", "high"))
    told = f"{estimate:.3f}" if estimate is not None else "–"
    interval = f"[{low:.3f}, {high:.3f}]" if low is not None and high is not None else "–"
    return told, f"{doubling.get('from', '')}→{doubling.get('to', '')} {interval}"


def _count(values: Iterable[Any]) -> int:
    return sum(bool(value) for value in values)
