"""What a private RabbitMQ node is told, as pure functions of its directory and ports. Holds for 3.10 and 4.x."""

from collections.abc import Mapping
from pathlib import Path

from services.cli.stack.ports import HOST

ADMINISTRATOR = "huizhi"
VHOST = "huizhi"


def configuration(ports: Mapping[str, int], password: str) -> str:
    """`rabbitmq.conf`. The user and the vhost are made on the node's first start only."""
    return f"""\
listeners.tcp.1 = {HOST}:{ports["broker"]}
management.tcp.ip = {HOST}
management.tcp.port = {ports["broker-api"]}
prometheus.tcp.ip = {HOST}
prometheus.tcp.port = {ports["broker-metrics"]}

default_vhost = {VHOST}
default_user = {ADMINISTRATOR}
default_pass = {password}
default_user_tags.administrator = true
default_permissions.configure = .*
default_permissions.read = .*
default_permissions.write = .*

heartbeat = 10
channel_max = 128
max_message_size = 134217728
consumer_timeout = 1800000

# The log of the quorum queues is kept in memory until it is rolled over: the default of 512 MB is for larger machines.
raft.wal_max_size_bytes = 67108864
vm_memory_high_watermark.relative = 0.4
disk_free_limit.absolute = 1GB

# Statistics of thousands of queues cost more than the messages; the Prometheus plugin counts without them.
management_agent.disable_metrics_collector = true
collect_statistics_interval = 30000

log.connection.level = warning
"""


def enabled_plugins() -> str:
    """The plugins, as the Erlang term RabbitMQ reads."""
    return "[rabbitmq_management,rabbitmq_prometheus].\n"


def environment(directory: Path, ports: Mapping[str, int], node: str) -> dict[str, str]:
    """What keeps a node apart from every other one on the machine: its name, its ports, and all its files."""
    loopback = "{" + HOST.replace(".", ",") + "}"
    return {
        # Erlang reads its cookie from the home directory.
        "HOME": str(directory),
        "LANG": "C.UTF-8",
        "ERL_EPMD_PORT": str(ports["broker-names"]),
        "ERL_EPMD_ADDRESS": HOST,
        # A node that misses epmd would start one as a daemon, which nobody would stop.
        "ERL_AFLAGS": "-start_epmd false",
        "RABBITMQ_NODENAME": node,
        "RABBITMQ_NODE_IP_ADDRESS": HOST,
        "RABBITMQ_NODE_PORT": str(ports["broker"]),
        "RABBITMQ_DIST_PORT": str(ports["broker-distribution"]),
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": f"-kernel inet_dist_use_interface {loopback}",
        "RABBITMQ_MNESIA_BASE": str(directory / "data"),
        "RABBITMQ_LOG_BASE": str(directory / "log"),
        "RABBITMQ_LOGS": "-",
        "RABBITMQ_CONFIG_FILE": str(directory / "rabbitmq.conf"),
        "RABBITMQ_ADVANCED_CONFIG_FILE": str(directory / "advanced.config"),
        "RABBITMQ_CONF_ENV_FILE": str(directory / "rabbitmq-env.conf"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(directory / "enabled_plugins"),
        "RABBITMQ_PID_FILE": str(directory / "pid"),
        # With this the start script becomes the server, so that the process which is watched and signalled is the
        # server itself and not a shell around it. The server ends in order on SIGTERM.
        "RUNNING_UNDER_SYSTEMD": "true",
    }
