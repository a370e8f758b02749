"""Which services are data stores, by their images and ports."""

from __future__ import annotations

from collections.abc import Collection

NAMES = (
    *("postgres", "postgis", "pgvector", "timescale", "mysql", "mariadb", "percona", "mssql"),
    *("redis", "redismod", "valkey", "keydb", "dragonfly", "memcached", "mongo", "cockroach"),
    *("elasticsearch", "opensearch", "rabbitmq", "cassandra", "scylla", "clickhouse", "couchdb"),
    *("influxdb", "minio", "nats", "kafka", "redpanda", "zookeeper", "neo4j", "etcd"),
)
"""Parts of the names of images that people run as stores."""

PORTS = frozenset({1433, 3306, 5432, 5672, 6379, 7687, 8086, 9042, 9092, 9200, 11211, 26257, 27017})
"""The stores' own ports, for images with other names."""


def is_store(image: str, ports: Collection[int] = ()) -> bool:
    """Tell whether a service is a data store, by the last part of its image's name or its ports."""
    name = image.rpartition("/")[2].partition("@")[0].partition(":")[0].lower()
    return any(known in name for known in NAMES) or bool(PORTS & set(ports))
