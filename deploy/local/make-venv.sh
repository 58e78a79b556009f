#!/bin/sh
# Makes the virtual environment named by the first argument, installing Python by apt on a machine that lacks it.
set -eu

venv=$1
python=${PYTHON:-python3}

if [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    exit 0
fi

# ensurepip is what Debian leaves out of python3 and ships in python3-venv.
if ! "$python" -c 'import ensurepip, venv' >/dev/null 2>&1; then
    if ! command -v apt-get >/dev/null; then
        echo "Python 3.11 or later with its venv module is missing, and this is no Debian: install it by hand." >&2
        exit 1
    fi
    if [ "$(id -u)" != 0 ]; then
        echo "Python's venv module is missing, and installing it needs root. Run this once, then again what you ran:" >&2
        echo "    sudo apt-get install python3-venv" >&2
        exit 1
    fi
    echo "installing Debian's python3-venv"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -qq update
    apt-get -qq install --yes --no-install-recommends python3-venv >/dev/null
fi

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "Python 3.11 or later is needed; $python is $("$python" --version). Name another one: make PYTHON=..." >&2
    exit 1
fi

echo "making $venv"
"$python" -m venv --clear "$venv"
