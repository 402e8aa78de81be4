#!/usr/bin/env bash
# Installs the third-party judges of the log (tests/integration/test_third_party_judges.py) and the S3 server of
# tests/integration/test_object_storage.py into .venv/judges.
# Never fails: a judge that cannot be had is named here, and its tests say that they were skipped.
set -uo pipefail
cd "$(dirname "$0")/.."
judges=.venv/judges
source=tests/judges
wanted=$(cat $source/go.mod $source/go.sum $source/main.go $source/requirements.txt tests/object_store/go.* | sha256sum | cut -c1-16)
[ "$(cat "$judges/stamp" 2>/dev/null)" = "$wanted" ] && exit 0
mkdir -p "$judges/bin"

all=yes
absent() { all=no; printf 'No judge %s: its tests will be skipped (%s)\n' "$1" "$2" >&2; }

if ! command -v go >/dev/null; then
  absent "in Go" "go is missing; Debian: apt-get install golang-go"
else
  for tool in . filippo.io/torchwood/cmd/litewitness github.com/transparency-dev/tessera/cmd/fsck; do
    (cd $source && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 timeout 900 go build -trimpath -o "../../$judges/bin/" "$tool") \
      >"$judges/go.log" 2>&1 || absent "$tool" "$(tail -1 "$judges/go.log")"
  done
  (cd tests/object_store && GOTOOLCHAIN=local GOFLAGS=-mod=readonly CGO_ENABLED=0 timeout 900 go build -trimpath -o "../../$judges/bin/" \
    github.com/versity/versitygw/cmd/versitygw) >"$judges/go.log" 2>&1 || absent "versitygw, an S3 server" "$(tail -1 "$judges/go.log")"
fi

if ! { [ -x "$judges/python/bin/python" ] || "${PYTHON:-python3}" -m venv "$judges/python"; } ||
  ! "$judges/python/bin/python" -m pip --disable-pip-version-check --no-input --quiet install --require-hashes -r $source/requirements.txt \
    >"$judges/pip.log" 2>&1; then
  absent "tlog-scales, metamorphic-log" "$(tail -1 "$judges/pip.log" 2>/dev/null)"
fi
[ $all = yes ] && echo "$wanted" >"$judges/stamp"
exit 0
