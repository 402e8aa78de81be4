#!/usr/bin/env bash
# Coverage-guided fuzzing by hand: scripts/fuzz.sh TARGET|all SECONDS [--keep]
# Atheris goes into an environment of its own, .fuzz/venv, which borrows the project's packages. Inputs and findings stay
# in .fuzz/TARGET; with --keep, what reaches new lines of our code goes into tests/fuzz/corpus.
set -euo pipefail
cd "$(dirname "$0")/.."
[ $# -ge 2 ] || { echo "usage: scripts/fuzz.sh TARGET|all SECONDS [--keep]" >&2; exit 3; }
target=$1 seconds=$2 keep=${3:-}
python=.fuzz/venv/bin/python
if ! $python -c 'import atheris' 2>/dev/null; then
  .venv/bin/python -m venv .fuzz/venv
  .fuzz/venv/bin/pip install --quiet 'atheris==3.0.0'
fi
packages=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
echo "import site; site.addsitedir('$packages')" > "$(.fuzz/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/project.pth"
if [ "$target" = all ]; then
  mapfile -t targets < <($python -c 'from tests.fuzz.seeds import TARGETS; print(*TARGETS, sep="\n")')
else
  targets=("$target")
fi
status=0
for one in "${targets[@]}"; do
  mkdir -p ".fuzz/$one"
  if ! nice -n 19 $python -m tests.fuzz.long_run "$one" "$seconds" ".fuzz/$one" >".fuzz/$one/log" 2>&1; then status=1; fi
  first=$(grep -a -m1 -o 'INITED.*cov: [0-9]*' ".fuzz/$one/log" | grep -o '[0-9]*$' || true)
  last=$(grep -a -o 'cov: [0-9]*' ".fuzz/$one/log" | tail -1 | grep -o '[0-9]*$' || true)
  runs=$(grep -a -o 'stat::number_of_executed_units: *[0-9]*' ".fuzz/$one/log" | grep -o '[0-9]*$' || true)
  findings=$(find ".fuzz/$one" -maxdepth 1 -name 'finding-*' | wc -l)
  echo "$one: ${runs:-?} executions, coverage ${first:-?} to ${last:-?}, $findings findings"
  if [ "$keep" = --keep ]; then
    .venv/bin/python -m tests.fuzz.minimise "$one" ".fuzz/$one/inputs"
  fi
done
exit $status
