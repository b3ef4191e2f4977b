#!/usr/bin/env bash
# What `make test-operations` needs besides Python: Debian's Prometheus and Alertmanager, VictoriaMetrics, the built
# Collector. Installs what is missing when run as root on a Debian; says what is missing otherwise.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"
cache="${COSTSPAN_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/costspan}"
victoria="$cache/tools/victoria-metrics"

missing=()
for name in prometheus promtool prometheus-alertmanager amtool; do
    command -v "$name" >/dev/null || missing+=("$name")
done
[ -x "$victoria/usr/bin/victoria-metrics" ] || missing+=(victoria-metrics)
command -v go >/dev/null || [ -n "${COSTSPAN_OTELCOL:-}" ] || missing+=(go)

if [ ${#missing[@]} -gt 0 ]; then
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        echo "missing: ${missing[*]}. Run this as root on Debian or Ubuntu, or install them yourself" >&2
        echo "(VictoriaMetrics 1.140 or newer at $victoria/usr/bin; a Collector of your own: COSTSPAN_OTELCOL=path)" >&2
        exit 1
    fi
    export DEBIAN_FRONTEND=noninteractive
    echo "installing ${missing[*]} …"
    apt-get update -qq
    packages=(prometheus prometheus-alertmanager libzstd1)
    [[ " ${missing[*]} " == *" go "* ]] && packages+=(golang-go)
    apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
fi

if [ ! -x "$victoria/usr/bin/victoria-metrics" ]; then
    # Debian stable's VictoriaMetrics is too old to take OTLP; sid's is a static program, unpacked beside the system
    apt="$cache/tools/apt"
    mkdir -p "$apt"/lists/partial "$apt"/archives/partial "$victoria"
    source="$(apt-cache policy | grep -oE '[a-z]+://[^ ]+/debian/?( |$)' | head -1 | tr -d ' ')"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $source sid main" >"$apt/sources.list"
    printf 'Dir::Etc::sourcelist "%s/sources.list";\nDir::Etc::sourceparts "-";\nDir::State::lists "%s/lists";\nDir::Cache "%s";\nAPT::Sandbox::User "root";\n' \
        "$apt" "$apt" "$apt" >"$apt/apt.conf"
    (
        export APT_CONFIG="$apt/apt.conf"
        apt-get update -qq
        cd "$victoria"
        apt-get download -qq victoria-metrics/sid
        dpkg-deb -x ./*.deb .
        rm -f ./*.deb
    )
    rm -rf "$apt"
fi

"$here/../../collector-config/build.sh" >/dev/null
