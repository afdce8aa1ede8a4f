#!/bin/sh
# Makes .venv with Python 3.13 and the pinned packages; `make` calls it when a requirements file is newer.
# Python 3.13 is found as python3.13, python3 or python (pyenv and friends obey .python-version), else through uv.
set -eu
cd "$(dirname "$0")/.."

is_python_313() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 13))' 2>/dev/null; }

find_python() {
    for candidate in python3.13 python3 python; do
        if is_python_313 "$candidate"; then command -v "$candidate"; return; fi
    done
    if command -v uv >/dev/null; then uv python find 3.13 2>/dev/null || { uv python install -q 3.13 && uv python find 3.13; }; return; fi
    echo "Reelay needs Python 3.13: install it so that 'python3.13' is on the PATH, or install uv." >&2
    return 1
}

if ! is_python_313 .venv/bin/python; then
    python=$(find_python)
    echo "set-up: a virtual environment of $python"
    rm -rf .venv
    "$python" -m venv .venv
fi
echo "set-up: the pinned packages"
.venv/bin/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
touch .venv/installed
