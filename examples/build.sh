#!/usr/bin/env bash
# Builds the samples of the pipeline into build/plugins/KIND/, each put there complete, by rename, as a plugin must be.
# Safe under a running controller: an unchanged plugin keeps its bytes, so nothing is replaced.
set -euo pipefail
cd "$(dirname "$0")/.."
export PATH="$PWD/.venv/bin:$PATH" # where make puts Go if the machine has none

# put FILE KIND/NAME [MODE]: names that begin with a dot aren't plugins, so nobody runs half a copy.
put() {
    local target=build/plugins/$2
    cmp -s "$1" "$target" && return
    mkdir -p "${target%/*}"
    install -m "${3:-755}" "$1" "${target%/*}/.${target##*/}.tmp"
    mv "${target%/*}/.${target##*/}.tmp" "$target"
    echo "put $target"
}

# The controller runs a copy of the file, from wherever it keeps it: so it's one file, and names its interpreter in full.
put_python() {
    { echo "#!$(command -v python3)"; tail -n +2 "examples/python/$1"; } > "build/samples/$1"
    put "build/samples/$1" "$2"
}

mkdir -p build/samples
(cd examples/go && CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off go build -trimpath -buildvcs=false -ldflags="-s -w" -o ../../build/samples/ ./...)

put build/samples/failed-login rule/failed-login
put examples/python/brute-force-login.yaml rule/brute-force-login.yaml 644 # before its rule
put_python brute_force_login.py rule/brute-force-login
put_python prod_accounts.py matcher/prod-accounts
put build/samples/geoip enrichment/geoip
put_python country_risk.py enrichment/country-risk
put build/samples/noisy-hosts tuning_rule/noisy-hosts
put_python json_summary.py formatter/json-summary
