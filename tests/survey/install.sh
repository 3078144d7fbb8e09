#!/usr/bin/env bash
# Install Chromium and npm for the tests of the questionnaire's page where they are missing; where that cannot be done,
# say what is to be installed.
set -euo pipefail

missing=()
command -v chromium > /dev/null || missing+=(chromium)
command -v npm > /dev/null || missing+=(npm)
install=(apt-get install --yes --no-install-recommends "${missing[@]}")
if [ ${#missing[@]} = 0 ]; then
    exit
elif [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    echo "Not installed: ${missing[*]}. On Debian: sudo ${install[*]}" >&2
    exit 1
fi
apt-get update
DEBIAN_FRONTEND=noninteractive "${install[@]}"
