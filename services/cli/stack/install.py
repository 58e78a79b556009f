"""Installs the Debian packages a local stack needs, without starting anything.

`python -m services.cli.stack.install [PACKAGE…]` does so on its own, for `make setup` and for what only tests need.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from services.cli.errors import CommandError, StackError
from services.cli.stack.broker import SERVER

BROKER = "rabbitmq-server"
POLICY = Path("/usr/sbin/policy-rc.d")


def missing_packages(say: Callable[[str], None], names: Sequence[str] = (BROKER,)) -> None:
    """Install those Debian packages of ``names`` that are missing.

    Raises StackError, saying what to do, when that is impossible.
    """
    missing = [name for name in names if not _is_there(name)]
    if not missing:
        return
    apt = shutil.which("apt-get")
    if apt is None:
        raise StackError(f"this is no Debian, and these are missing: install {' and '.join(missing)} by hand")
    if os.geteuid() != 0:
        raise StackError(
            f"{' and '.join(missing)} must be installed, which needs root. Run this once, then again what you ran:\n"
            f"    sudo {sys.executable} -m services.cli.stack.install {' '.join(missing)}\n"
            "It installs Debian's packages and starts none of them."
        )
    say(f"installing Debian's {', '.join(missing)}; this takes a minute or two")
    with _nothing_started():
        _apt(apt, "update")
        _apt(apt, "install", "--yes", "--no-install-recommends", *missing)
    if BROKER in missing:
        _keep_from_starting_at_boot()


def _is_there(name: str) -> bool:
    if name == BROKER:
        return SERVER.exists() and shutil.which("epmd") is not None
    dpkg = shutil.which("dpkg-query")
    if dpkg is None:
        return False
    query = subprocess.run([dpkg, "-W", "-f", "${Status}", name], check=False, capture_output=True, text=True)
    return query.stdout.endswith(" installed")


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
        missing_packages(lambda line: print(line, file=sys.stderr), sys.argv[1:] or [BROKER])
    except CommandError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _main()
