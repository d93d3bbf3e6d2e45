#!/usr/bin/env bash
# Generates code from protos/. `make protos` and CI call it; CI compares what it gives with what is checked in.
# Usage: protos/generate.sh python [ROOT]   into ROOT/controller/{goplugin,kinds,registry}/pb
#        protos/generate.sh go [ROOT]       into ROOT/clients/go/{kindsv1,internal/registryv1}
# ROOT is this repository unless given. For Go, protoc-gen-go and protoc-gen-go-grpc are looked for on PATH.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
language=$1
root=$(realpath -m "${2:-$here/..}") # before cd: it may be relative
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$here"
kinds=(pluginmgr/kinds/v1/*.proto)
registry=(pluginmgr/v1/registry.proto)
bin=$(python -c 'import sysconfig; print(sysconfig.get_path("scripts"))')
protoc=(python -m grpc_tools.protoc --proto_path=.)

# place SOURCE TARGET: flat in one package, whatever the proto's own folder is.
place() {
    mkdir -p "$root/$2"
    for file in "$work/$1"/*_pb2*; do
        sed -E "s/^from pluginmgr\.(kinds\.v1|v1|wire\.v1) import/from ${2//\//.} import/" "$file" > "$root/$2/$(basename "$file")"
    done
}

case $language in
python)
    "${protoc[@]}" --plugin="protoc-gen-mypy=$bin/protoc-gen-mypy" --plugin="protoc-gen-mypy_grpc=$bin/protoc-gen-mypy_grpc" \
        --python_out="$work" --mypy_out="quiet:$work" pluginmgr/wire/v1/goplugin.proto "${kinds[@]}" "${registry[@]}"
    "${protoc[@]}" --plugin="protoc-gen-mypy_grpc=$bin/protoc-gen-mypy_grpc" \
        --grpc_python_out="$work" --mypy_grpc_out="quiet:$work" "${kinds[@]}" "${registry[@]}"
    find "$work" -name 'common_pb2_grpc.py*' -delete # no service in it
    place pluginmgr/wire/v1 controller/goplugin/pb
    place pluginmgr/kinds/v1 controller/kinds/pb
    place pluginmgr/v1 controller/registry/pb
    ;;
go)
    "${protoc[@]}" --go_out="$work" --go_opt=module=pluginmgr.dev/clients/go \
        --go-grpc_out="$work" --go-grpc_opt=module=pluginmgr.dev/clients/go "${kinds[@]}" "${registry[@]}"
    mkdir -p "$root/clients/go"
    cp -R "$work"/* "$root/clients/go/"
    ;;
*)
    echo "usage: $0 python|go [ROOT]" >&2
    exit 2
    ;;
esac
