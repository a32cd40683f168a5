#!/usr/bin/env bash
# Prints where promtool is. One on the PATH is taken; else Debian's package is fetched and unpacked into build/tools, nothing is installed.
# Where neither can be had, says why and ends with 3.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/../.."

# What the rules were checked with last; another version works as well, and is named.
CHECKED_WITH=2.42.0
HERE="$PWD/build/tools/prometheus"

say() { echo "promtool: $*" >&2; }

version() { "$1" --version 2>&1 | sed -nE '1s/^promtool, version ([0-9.]+).*/\1/p'; }

found() {
  local is
  is=$(version "$1")
  [ -n "$is" ] || { say "$1 does not say its version"; exit 3; }
  [ "$is" = "$CHECKED_WITH" ] || say "this is $is, the rules were checked with $CHECKED_WITH"
  echo "$1"
  exit 0
}

if on_path=$(command -v promtool); then found "$on_path"; fi
if [ -x "$HERE/usr/bin/promtool" ]; then found "$HERE/usr/bin/promtool"; fi
for tool in apt-get dpkg; do
  command -v "$tool" > /dev/null || { say "not on the PATH, and without $tool Debian's package cannot be fetched"; exit 3; }
done

# Unpacked beside its place and moved there whole, so that nobody finds a half; several may do so at once.
mkdir -p "$(dirname "$HERE")"
fetched=$(mktemp -d "$HERE.XXXXXX")
trap 'rm -rf "$fetched"' EXIT
download() { (cd "$fetched" && apt-get download -qq prometheus) > "$fetched/said" 2>&1; }
if ! download; then
  if [ "$(id -u)" = 0 ]; then apt-get update -qq > /dev/null 2>&1 || true; fi
  download || { say "Debian's package prometheus cannot be fetched: $(tail -n 1 "$fetched/said")"; exit 3; }
fi
dpkg -x "$fetched"/prometheus_*.deb "$fetched/unpacked"
mv -T "$fetched/unpacked" "$HERE" 2> /dev/null || [ -x "$HERE/usr/bin/promtool" ]
found "$HERE/usr/bin/promtool"
