#!/usr/bin/env bash
# Compares the protos with those of the last release tag (protos-*), else with the parent commit: no promise may be broken unseen.
set -euo pipefail
cd "$(dirname "$0")"
buf=${BUF:-../.venv/bin/buf}
base=$(git describe --tags --abbrev=0 --match 'protos-*' 2>/dev/null || git rev-parse --verify --quiet HEAD~1 || true)
if [ -z "$base" ] || [ -z "$(git ls-tree "$base" -- ./tartip)" ]; then
  echo "protos: nothing before to compare with"
  exit 0
fi
before=$(mktemp -d)
trap 'rm -rf "$before"' EXIT
git archive "$base" . | tar -x -C "$before"
cp -r third_party "$before/"
"$buf" breaking . --against "$before"
echo "protos: no break since $(git rev-parse --short "$base")"
