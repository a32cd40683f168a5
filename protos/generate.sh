#!/usr/bin/env bash
# Generates Python code and a descriptor set from the protos into protos/generated (never committed).
set -euo pipefail
cd "$(dirname "$0")"
python=../.venv/bin/python  # the one that has what generates, whatever PYTHON made it with
site=$("$python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
rm -rf generated third_party
mkdir -p generated third_party/google
for folder in rpc type api; do cp -r "$site/google/$folder" third_party/google/; done   # buf reads them; it finds nothing in site-packages
find third_party ! -type d ! -name '*.proto' -delete
PATH="$(dirname "$python"):$PATH" "$python" -m grpc_tools.protoc -I . -I third_party \
  --python_out=generated --grpc_python_out=generated --mypy_out=quiet:generated --mypy_grpc_out=quiet:generated \
  --descriptor_set_out=generated/tartip.binpb --include_source_info --include_imports \
  $(find tartip -name '*.proto' | sort)
touch generated/tartip/py.typed  # so that whoever installs it has its types
