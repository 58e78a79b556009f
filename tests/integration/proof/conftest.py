"""The reference implementation, built once a session from Debian's packages and a program of ours."""

import shutil
import subprocess
from pathlib import Path

import pytest

SOURCES = Path("/usr/share/gocode/src/golang.org/x/mod/sumdb")
_MAIN = Path(__file__).parent / "oracle" / "main.go"


@pytest.fixture(scope="session")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program ``oracle/main.go`` with golang.org/x/mod/sumdb/note and tlog in it."""
    compiler = shutil.which("gccgo")
    assert compiler, "gccgo is missing: `make test` installs it"
    assert SOURCES.is_dir(), "golang-golang-x-mod-dev is missing: `make test` installs it"
    directory = tmp_path_factory.mktemp("oracle")
    built = []
    for package in ("note", "tlog"):
        path = f"golang.org/x/mod/sumdb/{package}"
        built.append(directory / f"{path}.o")
        built[-1].parent.mkdir(parents=True, exist_ok=True)
        files = [file for file in sorted((SOURCES / package).glob("*.go")) if not file.name.endswith("_test.go")]
        subprocess.run([compiler, "-O1", "-c", f"-fgo-pkgpath={path}", "-o", built[-1], *files], check=True)
    program = directory / "program"
    subprocess.run([compiler, "-O1", "-I", directory, "-o", program, _MAIN, *built], check=True)
    return program
