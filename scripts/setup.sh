#!/usr/bin/env bash
# Makes .venv ready: scripts/setup.sh runtime|development
# Installs the locked dependencies (hashes checked), our distributions, and the native engine where Rust can build it.
# Says what is missing, in one line each, and does nothing twice.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=${1:?usage: scripts/setup.sh runtime|development}
python=${PYTHON:-python3}
venv=.venv

missing() { printf 'Missing: %s\n' "$1" >&2; exit 3; }

command -v "$python" >/dev/null || missing "Python 3.11 or newer (Debian: apt-get install python3 python3-venv)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || missing "Python 3.11 or newer; $("$python" --version) was found"
"$python" -c 'import venv, ensurepip' 2>/dev/null || missing "Python's venv module (Debian: apt-get install python3-venv)"

digest() { cat "$@" | sha256sum | cut -c1-16; }
# Editable installs follow the sources; only these files change what has to be installed.
sources=$(digest requirements/development.txt requirements/runtime.txt ./*/pyproject.toml crypto/*/pyproject.toml)
native=$(digest $(find crypto/native -name target -prune -o -type f \( -name '*.rs' -o -name '*.toml' -o -name '*.lock' -o -name '*.pyi' \) -print | LC_ALL=C sort))

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
pip() { "$venv/bin/python" -m pip --disable-pip-version-check --no-input --quiet "$@"; }

stamp="$venv/.retally-$wanted"
if [ "$(cat "$stamp" 2>/dev/null)" != "$sources" ]; then
  echo "Installing the locked $wanted dependencies"
  pip install --require-hashes -r "requirements/$wanted.txt"
  pip install --no-deps --no-build-isolation -e crypto/reference -e crypto -e server -e client
  echo "$sources" >"$stamp"
fi

stamp="$venv/.retally-native"
if [ "${RETALLY_ENGINE:-}" = reference ]; then
  :
elif [ "$(cat "$stamp" 2>/dev/null)" != "$native" ]; then
  if ! command -v cargo >/dev/null; then
    echo "No Rust toolchain (cargo): everything runs on the reference engine, only slower."
  else
    echo "Building the native engine"
    log=$venv/native-build.log
    if "$venv/bin/maturin" build --release --locked --quiet -i "$venv/bin/python" -m crypto/native/Cargo.toml -o "$venv/wheels" >"$log" 2>&1 \
      && pip install --no-deps --force-reinstall "$venv"/wheels/retally_native-*.whl >>"$log" 2>&1; then
      echo "$native" >"$stamp"
    else
      echo "The native engine could not be built (see $log): everything runs on the reference engine, only slower."
    fi
  fi
fi
