#!/usr/bin/env bash
# Makes .venv ready: scripts/setup.sh runtime|development|docs [web]
# Installs the locked dependencies (hashes checked), our distributions, and the native engine where Rust can build it.
# With `web` also the web client's locked packages, and its build in client/web/dist, where Node.js is there.
# Says what is missing, in one line each, and does nothing twice.
set -euo pipefail
cd "$(dirname "$0")/.."
wanted=${1:?usage: scripts/setup.sh runtime|development|docs [web]}
web=${2:-}
python=${PYTHON:-python3}
venv=.venv

missing() { printf 'Missing: %s\n' "$1" >&2; exit 3; }

command -v "$python" >/dev/null || missing "Python 3.11 or newer (Debian: apt-get install python3 python3-venv)"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || missing "Python 3.11 or newer; $("$python" --version) was found"
"$python" -c 'import venv, ensurepip' 2>/dev/null || missing "Python's venv module (Debian: apt-get install python3-venv)"

digest() { cat "$@" | sha256sum | cut -c1-16; }
# Editable installs follow the sources; only these files change what has to be installed.
sources=$(digest requirements/development.txt requirements/runtime.txt requirements/docs.txt ./*/pyproject.toml crypto/*/pyproject.toml client/*/pyproject.toml)
native=$(digest $(find crypto/native -name target -prune -o -type f \( -name '*.rs' -o -name '*.toml' -o -name '*.lock' -o -name '*.pyi' \) -print | LC_ALL=C sort))

[ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
pip() { "$venv/bin/python" -m pip --disable-pip-version-check --no-input --quiet "$@"; }

stamp="$venv/.retally-$wanted"
if [ "$(cat "$stamp" 2>/dev/null)" != "$sources" ]; then
  echo "Installing the locked $wanted dependencies"
  pip install --require-hashes -r "requirements/$wanted.txt"
  pip install --no-deps --no-build-isolation -e crypto/reference -e crypto -e server -e client/verifier -e client -e client/lab
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

if [ "$web" = web ]; then
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    echo "Node.js and npm are missing (Debian: apt-get install nodejs npm; version 20 or newer): there is no web client."
  elif ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)'; then
    echo "Node.js 20 or newer is needed for the web client, $(node --version) was found: there is no web client."
  else
    scripts/accelerator.sh
    cd client/web
    stamp=node_modules/.retally
    packages=$(digest package.json package-lock.json)
    if [ "$(cat "$stamp" 2>/dev/null)" != "$packages" ]; then
      echo "Installing the web client's locked packages"
      npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
      echo "$packages" >"$stamp"
    fi
    pages=$(digest $(find . \( -name node_modules -o -name 'dist*' -o -name tests -o -name benchmarks \) -prune -o -type f -print | LC_ALL=C sort))
    if [ ! -f dist/bundle.sha256 ] || [ "$(cat node_modules/.retally-build 2>/dev/null)" != "$pages" ]; then
      echo "Building the web client"
      npm run --silent build >node_modules/.retally-build.log 2>&1 || { cat node_modules/.retally-build.log >&2; missing "a build of the web client; the reason stands above"; }
      echo "$pages" >node_modules/.retally-build
    fi
  fi
fi
