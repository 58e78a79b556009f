#!/bin/sh
# Writes requirements.txt and requirements-dev.txt anew: the whole set of packages, at the newest versions that
# pyproject.toml allows, without the address they came from.
set -eu

python=${1:-python3}
cd "$(dirname "$0")/../.."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

wanted() {
    "$python" -c 'import sys, tomllib
project = tomllib.load(open("pyproject.toml", "rb"))
listed = {"runtime": project["project"]["dependencies"],
          "dev": project["project"]["optional-dependencies"]["dev"] + project["build-system"]["requires"]}
print(*listed[sys.argv[1]], sep="\n")' "$1"
}

"$python" -m venv "$work/venv"
pip="$work/venv/bin/python -m pip --disable-pip-version-check --quiet"

wanted runtime >"$work/runtime.in"
$pip install -r "$work/runtime.in"
$pip freeze | LC_ALL=C sort -f >"$work/runtime"

wanted dev >"$work/dev.in"
$pip install -c "$work/runtime" -r "$work/dev.in"
$pip freeze | LC_ALL=C sort -f >"$work/all"

{
    sed -n '/^#/p' requirements.txt
    cat "$work/runtime"
} >"$work/requirements.txt"
{
    sed -n '/^#/p' requirements-dev.txt
    echo "-r requirements.txt"
    grep -vxFf "$work/runtime" "$work/all"
} >"$work/requirements-dev.txt"
mv "$work/requirements.txt" "$work/requirements-dev.txt" .
