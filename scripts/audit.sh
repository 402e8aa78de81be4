#!/usr/bin/env bash
# Asks the public databases of known vulnerabilities about everything that is locked. Exit code 1 if one is known or
# a database could not be asked: silence is no audit.
set -uo pipefail
cd "$(dirname "$0")/.."
tools=.venv/audit status=0
failed() { status=1; printf '%s: NOT CLEAN, or not asked (%s)\n' "$1" "$2" >&2; }

[ -x "$tools/bin/pip-audit" ] || { .venv/bin/python -m venv "$tools" && "$tools/bin/pip" install --quiet 'pip-audit==2.10.0'; } ||
  failed "Python packages" "pip-audit could not be installed"
for lock in requirements/runtime.txt requirements/development.txt tests/judges/requirements.txt; do
  "$tools/bin/pip-audit" --strict --require-hashes --disable-pip -r "$lock" || failed "$lock" "see above"
done
(cd client/web && npm audit) || failed "client/web/package-lock.json" "see above"
if command -v cargo-audit >/dev/null; then
  cargo audit --file crypto/native/Cargo.lock || failed "crypto/native/Cargo.lock" "see above"
else
  failed "crypto/native/Cargo.lock" "cargo-audit is missing: cargo install --locked cargo-audit"
fi
exit $status
