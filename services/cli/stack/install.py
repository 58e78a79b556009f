"""Installs the Debian packages a local stack needs, without starting anything.

`python -m services.cli.stack.install` does so on its own, for `make setup`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from services.cli.errors import CommandError, StackError
from services.cli.stack.broker import SERVER

POLICY = Path("/usr/sbin/policy-rc.d")


def missing_packages(say: Callable[[str], None]) -> None:
    """Install RabbitMQ when it is missing. Raises StackError, saying what to do, when that is impossible."""
    if SERVER.exists() and shutil.which("epmd"):
        return
    apt = shutil.which("apt-get")
    if apt is None:
        raise StackError("RabbitMQ is missing and this is no Debian: install rabbitmq-server by hand")
    if os.geteuid() != 0:
        raise StackError(
            "RabbitMQ is missing, and installing it needs root. Run this once, then again what you ran:\n"
            f"    sudo {sys.executable} -m services.cli.stack.install\n"
            "It installs Debian's rabbitmq-server and does not start it."
        )
    say("installing Debian's rabbitmq-server; this takes a minute or two")
    with _nothing_started():
        _apt(apt, "update")
        _apt(apt, "install", "--yes", "--no-install-recommends", "rabbitmq-server")
    _keep_from_starting_at_boot()


@contextmanager
def _nothing_started() -> Iterator[None]:
    """While this holds, packages that are installed start no services (Debian Policy, invoke-rc.d).

    Debian starts a broker on port 5672 for the whole machine otherwise, which nobody asked for here.
    """
    if POLICY.exists():
        # Somebody else decides here already, as in most containers; the package's broker may then start.
        yield
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink()


def _keep_from_starting_at_boot() -> None:
    if systemctl := shutil.which("systemctl"):
        units = ("rabbitmq-server.service", "epmd.service", "epmd.socket")
        subprocess.run([systemctl, "disable", *units], check=False, capture_output=True)


def _apt(apt: str, *arguments: str) -> None:
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    done = subprocess.run([apt, "-q", *arguments], env=environment, check=False, stdout=sys.stderr)
    if done.returncode != 0:
        raise StackError(
            f"`apt-get {' '.join(arguments)}` failed with status {done.returncode}; its last lines say why"
        )


def _main() -> None:
    try:
        missing_packages(lambda line: print(line, file=sys.stderr))
    except CommandError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _main()
