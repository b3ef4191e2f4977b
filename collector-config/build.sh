#!/usr/bin/env bash
# Build the Collector of the tests from published Go modules; prints the path of the binary, and nothing else, to stdout.
# The cache's key is the component list, so a second run builds nothing. Needs a Go toolchain (1.25 or newer).
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cache="${COSTSPAN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/costspan}/collector"
version="$(sed -n 's/^  version: //p' "$here/builder.yaml")"
target="$cache/$(sha256sum "$here/builder.yaml" | cut -c1-16)"
binary="$target/otelcol-costspan"

if [ ! -x "$binary" ]; then
    command -v go >/dev/null || { echo "no Go toolchain: install Go 1.25 or newer to build the Collector" >&2; exit 1; }
    mkdir -p "$target"
    echo "building the Collector $version into $target (once) …" >&2
    GOBIN="$target" go install "go.opentelemetry.io/collector/cmd/builder@v$version" >&2
    sed "s#^dist:#dist:\n  output_path: $target/source#" "$here/builder.yaml" >"$target/builder.yaml"
    CGO_ENABLED=0 "$target/builder" --config "$target/builder.yaml" >&2
    mv "$target/source/otelcol-costspan" "$binary"
fi
echo "$binary"
