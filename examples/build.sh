#!/usr/bin/env bash
# Builds the sample plugins into build/plugins/greeter/, each put there complete, by rename, as a plugin must be.
# Safe under a running controller: an unchanged plugin keeps its bytes, so nothing is replaced.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" # where make puts Go if the machine has none

plugins=build/plugins/greeter
mkdir -p "$plugins"

# put FILE NAME: names that begin with a dot aren't plugins, so nobody runs half a copy.
put() {
    cmp -s "$1" "$plugins/$2" && return
    install -m 755 "$1" "$plugins/.$2.tmp"
    mv "$plugins/.$2.tmp" "$plugins/$2"
    echo "put $plugins/$2"
}

(cd examples/go && CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off go build -trimpath -buildvcs=false -ldflags="-s -w" -o ../../build/greeter-go .)
put build/greeter-go greeter-go
put examples/python/greeter.py greeter-python
