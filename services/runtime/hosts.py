"""URLs that name several hosts: the nodes of a broker cluster, or a database and its standbys.

``amqp://account:password@mq1:5672,mq2:5672,mq3:5672/huizhi``, after the manner of PostgreSQL's own URLs.
"""

from urllib.parse import urlsplit, urlunsplit


def each_host(url: str) -> list[str]:
    """``url`` as one URL for each host that it names, in their order; everything else stays in each."""
    parts = urlsplit(url)
    entry, at, hosts = parts.netloc.rpartition("@")
    return [urlunsplit(parts._replace(netloc=f"{entry}{at}{host}")) for host in hosts.split(",")]
