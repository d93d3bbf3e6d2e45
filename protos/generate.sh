#!/bin/sh
# Generates the Python modules of protos/ into controller/goplugin/pb/. `make protos` and CI call it; CI compares.
# Usage: protos/generate.sh [PYTHON] [OUTPUT DIRECTORY]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
python=${1:-python3}
output=${2:-$root/controller/goplugin/pb}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# mypy-protobuf's plugin lies beside the interpreter of its environment.
bin=$("$python" -c 'import sysconfig; print(sysconfig.get_path("scripts"))')
"$python" -m grpc_tools.protoc --plugin="protoc-gen-mypy=$bin/protoc-gen-mypy" --proto_path="$root/protos" \
  --python_out="$work" --mypy_out="quiet:$work" pluginmgr/wire/v1/goplugin.proto

# The file imports nothing, so it may lie flat; its name in the descriptor pool stays the full one.
mkdir -p "$output"
cp "$work/pluginmgr/wire/v1/goplugin_pb2.py" "$work/pluginmgr/wire/v1/goplugin_pb2.pyi" "$output/"
