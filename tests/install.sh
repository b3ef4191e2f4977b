#!/usr/bin/env bash
# What a test needs besides Python: tests/install.sh "COMMAND=PACKAGE PACKAGE…" … installs the packages of those
# commands that are not there, when run as root on a Debian; says what is missing otherwise.
set -euo pipefail

missing=()
for each in "$@"; do
    command -v "${each%%=*}" >/dev/null && continue
    read -ra packages <<<"${each#*=}"
    missing+=("${packages[@]}")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
    echo "missing: ${missing[*]}. Run this as root on Debian, or install them yourself" >&2
    exit 1
fi
export DEBIAN_FRONTEND=noninteractive
echo "installing ${missing[*]} …"
apt-get update -qq
apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
