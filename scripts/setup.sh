#!/usr/bin/env bash
# Builds the virtual environment .venv out of requirements.lock. Called by `make`; safe to call again.
#
#   scripts/setup.sh                    python3.11, or python3 if that is 3.11
#   PYTHON=/opt/python3.11/bin/python3 scripts/setup.sh
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() { # message, remedy
    printf 'error: %s\nremedy: %s\n' "$1" "$2" >&2
    exit 1
}

is_311() { "$1" -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' >/dev/null 2>&1; }

find_python() {
    local candidate
    for candidate in ${PYTHON:+"$PYTHON"} python3.11 python3; do
        if is_311 "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
        [ -z "${PYTHON:-}" ] || break # a Python that was asked for by name is never swapped for another
    done
    return 1
}

python=$(find_python) || fail "${PYTHON:-python3.11 or python3} is not Python 3.11" \
    "apt-get install python3 python3-venv (Debian 12), or name one: PYTHON=/path/to/python3.11 make setup"
"$python" -c 'import ensurepip, venv' >/dev/null 2>&1 || fail "$python has no venv module" \
    "sudo apt-get install -y python3-venv"

# A run that was killed leaves this marker: half-copied packages look complete to an installer, so the
# environment is made afresh. The installer's cache keeps that short.
marker=.venv/.installing
if [ -e "$marker" ] || ! is_311 .venv/bin/python || ! .venv/bin/python -m pip --version >/dev/null 2>&1; then
    rm -rf .venv
fi
mkdir -p .venv
rm -f .venv/.installed
touch "$marker"
[ -x .venv/bin/pip ] || "$python" -m venv .venv

# uv does not read pip's configuration: a mirror that is set for pip alone is passed on.
if [ -z "${UV_DEFAULT_INDEX:-}${UV_INDEX_URL:-}" ]; then
    mirror=${PIP_INDEX_URL:-$(.venv/bin/python -m pip config get global.index-url 2>/dev/null || true)}
    [ -z "$mirror" ] || export UV_DEFAULT_INDEX="$mirror"
fi

.venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-uv.lock
export VIRTUAL_ENV="$PWD/.venv"
.venv/bin/uv pip sync --require-hashes --compile-bytecode requirements.lock
.venv/bin/uv pip install --quiet --no-deps --no-build-isolation -e .

# opencv-python is linked against two libraries that slim systems lack.
if ! reason=$(.venv/bin/python -c 'import cv2' 2>&1); then
    case $reason in
    *libGL* | *libgthread* | *libglib*) ;;
    *) fail "OpenCV cannot be imported: ${reason##*$'\n'}" "rm -rf .venv, then make setup" ;;
    esac
    install="apt-get install -y --no-install-recommends libgl1 libglib2.0-0"
    [ "$(id -u)" = 0 ] || fail "OpenCV needs libraries of the system: ${reason##*$'\n'}" "sudo $install, then make setup"
    apt-get update -q && $install || fail "apt-get could not install libgl1 and libglib2.0-0" "$install, then make setup"
    .venv/bin/python -c 'import cv2' || fail "OpenCV still cannot be imported" "rm -rf .venv, then make setup"
fi

rm -f "$marker"
touch .venv/.installed
