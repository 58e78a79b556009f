"""Running PostgreSQL for root: it refuses to start with root's user id.

In a user namespace root's processes have another id inside and stay root's outside, so they can still enter a
directory of mode 700. Where namespaces are forbidden a system user takes their place, which must then be able to reach
the programs and the data.
"""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from services.cli.errors import StackError

_NAMESPACE = ("unshare", "--user", "--map-user=65534", "--map-group=65534")
_SYSTEM_USERS = ("postgres", "nobody")


@dataclass(frozen=True, slots=True)
class Disguise:
    """`prefix` goes before a program's arguments; `user` owns what the program writes (None: whoever runs this)."""

    prefix: tuple[str, ...] = ()
    user: pwd.struct_passwd | None = None

    def hand_over(self, directory: Path) -> None:
        """Give a directory and what is in it to the user in whose name programs run."""
        if self.user is None:
            return
        for path in (directory, *directory.rglob("*")):
            os.chown(path, self.user.pw_uid, self.user.pw_gid, follow_symlinks=False)


def disguise(program: Path, directory: Path) -> Disguise:
    """How to run `program` on the data in `directory` as somebody who is not root.

    Raises StackError, saying what to do, when there is no way.
    """
    if os.geteuid() != 0:
        return Disguise()
    if shutil.which("unshare") and _succeeds(*_NAMESPACE, "true"):
        return Disguise(_NAMESPACE)
    for user in _system_users():
        prefix = ("setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
        if _succeeds(*prefix, "test", "-x", str(program), "-a", "-x", str(directory.parent)):
            return Disguise(prefix, user)
    raise StackError(
        "PostgreSQL refuses to run as root, this machine forbids user namespaces, and none of the system users "
        f"{', '.join(_SYSTEM_USERS)} can enter both {program.parent} and {directory.parent}. "
        "Run the command as an ordinary user, or choose a --data directory and a place for the project that all users "
        "may enter (such as /srv), or name an existing server with HUIZHI_DATABASE_URL."
    )


def _system_users() -> list[pwd.struct_passwd]:
    return [user for user in pwd.getpwall() if user.pw_name in _SYSTEM_USERS]


def _succeeds(*arguments: str) -> bool:
    return subprocess.run(arguments, check=False, capture_output=True).returncode == 0
