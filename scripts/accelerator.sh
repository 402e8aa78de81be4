#!/usr/bin/env bash
# Builds crypto/wasm into client/web/accelerator/engine.wasm, which the next `npm run build` puts into the verifier's page.
# Never fails for want of a toolchain: it says what is missing, removes an engine of other sources, and the page is built
# without the accelerator. `--check FILE` builds into FILE instead and fails unless it can.
#
# The bytes follow from the sources and from the toolchain, which is therefore one exact version of Debian's packages
# (bookworm: apt-get install rustc-web cargo-web rust-web-src lld-19). It needs no prebuilt standard library: cargo builds
# that from Debian's sources, for which it has to be told that nightly features are meant (RUSTC_BOOTSTRAP).
set -euo pipefail
cd "$(dirname "$0")/.."
compiler="rustc 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)"
linker="Debian LLD 19.1.7"
out=client/web/accelerator/engine.wasm
stamp=client/web/accelerator/sources
check=
[ "${1:-}" = --check ] && { check=yes; out=${2:?usage: scripts/accelerator.sh [--check FILE]}; stamp=; }

sources=$({ echo "$compiler $linker"; find crypto/Cargo.* crypto/wasm crypto/native scripts/accelerator.sh -name target -prune -o -type f \
  \( -name '*.rs' -o -name 'Cargo.*' -o -name '*.sh' \) -print0 | LC_ALL=C sort -z | xargs -0 sha256sum; } | sha256sum | cut -c1-64)
[ -z "$check" ] && [ -f "$out" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$sources" ] && exit 0

without() {
  [ -n "$check" ] && { echo "$1" >&2; exit 3; }
  rm -rf client/web/accelerator
  echo "The verifier's page is built without its accelerator: $1"
  exit 0
}
bin=${RETALLY_DEBIAN_RUST:-/usr/bin}
[ -x "$bin/rustc" ] && [ -x "$bin/cargo" ] || without "rustc-web and cargo-web are missing"
[ "$("$bin/rustc" --version)" = "$compiler" ] || without "it takes $compiler, not $("$bin/rustc" --version)"
command -v wasm-ld-19 >/dev/null || without "lld-19 is missing"
[ "$(wasm-ld-19 --version)" = "$linker" ] || without "it takes $linker, not $(wasm-ld-19 --version)"
library=$("$bin/rustc" --print sysroot)/lib/rustlib/src/rust/library
[ -f "$library/Cargo.lock" ] || without "rust-web-src is missing"

echo "Building the accelerator"
target=${RETALLY_WASM_TARGET:-$PWD/crypto/target/accelerator}
mkdir -p "$target" "$(dirname "$out")"
run() { (cd crypto && env -u RUSTFLAGS RUSTC="$bin/rustc" RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR="$target" "$@") >>"$target/build.log" 2>&1; }
: >"$target/build.log"
run "$bin/cargo" fetch --locked || without "cargo could not fetch the locked packages (see $target/build.log)"
# No place on this machine goes into the file: sources have the same names everywhere.
flags=(--cfg 'getrandom_backend="custom"' "--remap-path-prefix=$PWD=/retally" "--remap-path-prefix=$(realpath "$library")=/rust/library"
  "--remap-path-prefix=$library=/rust/library")
for crates in "${CARGO_HOME:-$HOME/.cargo}"/registry/src/*/; do flags+=("--remap-path-prefix=${crates%/}=/crates"); done
encoded=$(IFS=$'\x1f'; echo "${flags[*]}")
run env CARGO_ENCODED_RUSTFLAGS="$encoded" CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER=wasm-ld-19 \
  "$bin/cargo" build --release --locked -Zbuild-std=std,panic_abort --target wasm32-unknown-unknown -p retally-wasm ||
  without "the build failed (see $target/build.log)"
cp "$target/wasm32-unknown-unknown/release/retally_wasm.wasm" "$out"
chmod 644 "$out"
[ -n "$check" ] || echo "$sources" >"$stamp"
