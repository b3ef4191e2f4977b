#!/usr/bin/env bash
# What `make test-page` needs besides Python: Chromium and its driver. Installs them when run as root on a Debian; says
# what is missing otherwise.
set -euo pipefail

missing=()
for name in chromium chromedriver; do
    command -v "$name" >/dev/null || missing+=("$name")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]}. Run this as root on Debian, or install them yourself" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
echo "installing ${missing[*]} …"
apt-get update -qq
apt-get install -y -qq --no-install-recommends chromium chromium-driver fonts-dejavu-core >/dev/null
