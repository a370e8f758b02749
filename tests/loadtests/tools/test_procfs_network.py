from pathlib import Path

from loadtests.tools.procfs.network import Tcp, parse_tcp, tcp_of

SNMP = """Ip: Forwarding DefaultTTL
Ip: 1 64
IcmpMsg: InType3 OutType3
IcmpMsg: 5 5
Tcp: RtoAlgorithm RtoMin RtoMax MaxConn InSegs OutSegs RetransSegs InErrs
Tcp: 1 200 120000 -1 900 1000 20 0
"""
NETSTAT = """TcpExt: SyncookiesSent TCPTimeouts TCPSpuriousRTOs
TcpExt: 0 7 1
IpExt: InNoRoutes InTruncatedPkts
IpExt: 0 0
"""


def test_segments_that_were_sent_again_count_among_those_sent() -> None:
    assert parse_tcp(SNMP + NETSTAT) == Tcp(segments=1020, retransmitted=20, timeouts=7)


def test_files_without_the_counters_tell_nothing() -> None:
    assert parse_tcp("") is None
    assert parse_tcp(SNMP) is None
    assert parse_tcp(NETSTAT) is None


def test_the_files_of_a_process_are_read_and_one_that_is_gone_is_none(tmp_path: Path) -> None:
    folder = tmp_path / "7/net"
    folder.mkdir(parents=True)
    (folder / "snmp").write_text(SNMP)
    (folder / "netstat").write_text(NETSTAT)

    assert tcp_of(7, root=tmp_path) == Tcp(segments=1020, retransmitted=20, timeouts=7)
    assert tcp_of(8, root=tmp_path) is None
