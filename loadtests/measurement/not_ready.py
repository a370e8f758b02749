"""What a replica that does not come up did instead, in words."""

from __future__ import annotations

import re

from loadtests.analysis.shared.statuses import FIRST_SERVER_ERROR
from loadtests.environments.shared import remedies
from loadtests.model.generator_records import Answer
from loadtests.model.stack import Replica, ReplicaState, without_times
from loadtests.tools.error_lines import first_error, repeated

LOG_LINES = 15
"""Lines of a log that a message shows below the application's own error."""

QUOTED_CHARS = 200

EVERYWHERE = frozenset({"0.0.0.0", "::"})  # noqa: S104  an address to compare with
LOOPBACK = re.compile(r"127\.|::1$")

REFUSED = re.compile("refused", re.IGNORECASE)
"""What the error of a connection says where nothing takes it: such as ECONNREFUSED."""

_OF_THE_SERVER = re.compile(
    r"\[INFO\] (?:Booting worker|Worker )"
    r"|(?:Started|Finished) server process \["
    r"|(?:Waiting for application|Application) (?:startup|shutdown)(?: complete)?\."
)
"""Lines that gunicorn and uvicorn write for each of their workers."""


def what_it_did(
    replica: Replica,
    *,
    state: ReplicaState,
    answer: Answer | None,
    path: str,
    waited_s: float,
    log: str = "",
) -> str:
    """Return what a replica did instead of answering, as the rest of a sentence.

    ``answer`` is that to a last request for ``path``, None if the replica has ended. What can be
    done about a usual cause in its ``log`` comes after it.
    """
    did = _did(replica, state=state, answer=answer, path=path, waited_s=waited_s)
    if state.out_of_memory:
        return did
    if answer is not None and answer.status is not None:
        remedy = remedies.of_a_failure(log)
    elif state.exit_code is not None or answer is None:
        remedy = remedies.of_an_end(log) or remedies.of_a_failure(log)
    else:
        remedy = remedies.of_no_answer(log)
    return f"{did}.{remedy.removesuffix('.')}" if remedy else did


def _did(
    replica: Replica, *, state: ReplicaState, answer: Answer | None, path: str, waited_s: float
) -> str:
    if state.out_of_memory:
        return "was killed, out of memory. Give it more, or let it use less"
    if state.exit_code is not None or answer is None:
        return _ended(state.exit_code)
    if answer.status is not None and answer.status >= FIRST_SERVER_ERROR:
        return f"answers GET {path} with {_quoted(answer)}, and did so for {waited_s:.0f} s"
    if state.listening is not None and not _is_reached(replica.address, state.listening):
        return _listens_elsewhere(replica.address, state.listening, waited_s)
    listening = state.listening or ()
    if REFUSED.search(answer.error or "") and _is_ipv6_only(replica.address, listening):
        own = [entry for entry in listening if entry.endswith(f":{_port(replica.address)}")]
        return f"listens on {', '.join(own)}, on IPv6 only, it seems. Let it bind 0.0.0.0"
    error = f" ({answer.error})" if answer.error else ""
    where = f" at {replica.address}" if listening else ""
    return f"did not answer GET {path}{where} in {waited_s:.0f} s{error}"


def log_digest(log: str) -> str:
    """Return the application's own error, the line that repeats, and the end of a log."""
    lines = without_times(log).splitlines()
    parts = []
    error = first_error(lines)
    if error is not None:
        parts.append(f"Its error: {error[:QUOTED_CHARS]}")
    again = repeated([line for line in lines if not _OF_THE_SERVER.search(line)])
    if again is not None and again[0] != error:
        line, times = again
        parts.append(f"Its log repeats ({times} times): {line[:QUOTED_CHARS]}")
    end = "\n".join(lines[-LOG_LINES:]).strip()
    return "\n".join([*parts, f"The end of its log:\n{end or '(it wrote nothing)'}"])


def _ended(code: int | None) -> str:
    if code is None:
        return "ended before it answered"
    if code < 0:
        return f"was ended by signal {-code} before it answered"
    return f"ended with code {code} before it answered"


def _quoted(answer: Answer) -> str:
    """Return the status and the first line of an answer's body, without its markup."""
    text = re.sub(r"<(?:!|style|head)[^>]*>|<title>.*?</title>|<[^>]*>", "\n", answer.body)
    line = next((line.strip() for line in text.splitlines() if line.strip()), "")
    return f"{answer.status}" + (f" ({line[:QUOTED_CHARS]})" if line else "")


def _is_reached(address: str, listening: tuple[str, ...]) -> bool:
    host, _, port = address.rpartition(":")
    return any(
        own_port == port and own_host.strip("[]") in {host, *EVERYWHERE}
        for own_host, own_port in _parts(listening)
    )


def _parts(listening: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return the host and the port of each socket."""
    split = (entry.rpartition(":") for entry in listening)
    return [(host, port) for host, _, port in split]


def _is_ipv6_only(address: str, listening: tuple[str, ...]) -> bool:
    """Return whether a replica's port is open, and no socket on it has an IPv4 address."""
    hosts = {host for host, own_port in _parts(listening) if own_port == _port(address)}
    return bool(hosts) and all(":" in host for host in hosts)


def _port(address: str) -> str:
    return address.rpartition(":")[2]


def _listens_elsewhere(address: str, listening: tuple[str, ...], waited_s: float) -> str:
    host, _, port = address.rpartition(":")
    if not listening:
        return f"listened on no port in {waited_s:.0f} s"
    where = ", ".join(listening)
    if all(LOOPBACK.match(entry.rpartition(":")[0].strip("[]")) for entry in listening) and (
        not host.startswith("127.")
    ):
        return (
            f"listens on {where}, which nothing outside of its container reaches. Let it bind"
            " 0.0.0.0"
        )
    return f"listens on {where} instead of {host}:{port}"
