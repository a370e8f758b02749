"""Which services are data stores, by their images and ports."""

from __future__ import annotations

from collections.abc import Collection

from loadtests.targets.compose_file.needs import Services, direct

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


def unneeded(services: Services) -> tuple[str, ...]:
    """Return the stores of a Compose file that nothing says anybody needs, in the file's order.

    The page of an administrator has an image with a store's name, too, and needs its store itself.
    """
    needs = {name: direct(services, name) for name in services}
    known = {
        name for name in services if is_store(str((services[name] or {}).get("image") or name))
    }
    needed = {other for name in services if name not in known for other in needs[name]}
    return tuple(
        name for name in services if name in known and name not in needed and not needs[name]
    )
