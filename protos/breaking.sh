#!/usr/bin/env bash
# Compares the protos with those of the last release (tag protos-*), else of the parent commit: no promise may be broken unseen.
# Changes that are not committed yet are compared with the last commit. `--planted` removes a field first: it must end with an error.
set -euo pipefail
cd "$(dirname "$0")"
buf=${BUF:-../.venv/bin/buf}
if ! git rev-parse --verify --quiet HEAD >/dev/null; then
  echo "protos: there is no history here to compare with"
  exit 0
fi
base=$(git describe --tags --abbrev=0 --match 'protos-*' 2>/dev/null || true)
if [ -z "$base" ]; then
  if [ -n "$(git status --porcelain -- tartip)" ]; then
    base=HEAD
  elif git rev-parse --verify --quiet HEAD~1 >/dev/null; then
    base=HEAD~1
  elif [ "$(git rev-parse --is-shallow-repository)" = true ] && ! git fetch --quiet --deepen=1 2>/dev/null; then
    echo "protos: this clone is cut off and its parent commit cannot be fetched; clone with a depth of 2 at least" >&2
    exit 1
  else
    base=$(git rev-parse --verify --quiet HEAD~1 || true)
  fi
fi
if [ -z "$base" ] || [ -z "$(git ls-tree -r --name-only "$base" -- tartip)" ]; then
  echo "protos: nothing before to compare with"
  exit 0
fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/before" "$scratch/now"
git archive "$base" . | tar -x -C "$scratch/before"
cp -r buf.yaml tartip "$scratch/now/"
if [ "${1:-}" = --planted ]; then
  sed -i.kept '/^  string region = /d' "$scratch/now/tartip/registry/v1/events.proto"
  cmp -s "$scratch/now/tartip/registry/v1/events.proto"{,.kept} && { echo "protos: there is nothing to break" >&2; exit 2; }
fi
for side in before now; do cp -r third_party "$scratch/$side/"; done
"$buf" breaking "$scratch/now" --against "$scratch/before"
echo "protos: no break since $(git rev-parse --short "$base")"
