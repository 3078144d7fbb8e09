#!/usr/bin/env bash
# Install Slurm for its tests where it is missing; where that cannot be done, say what is to be installed.
set -euo pipefail
packages=(slurmctld slurmd slurm-client munge)
missing=()
for package in "${packages[@]}"; do
    dpkg-query --show --showformat='${db:Status-Status}' "$package" 2> /dev/null | grep -qx installed || missing+=("$package")
done
if [ ${#missing[@]} -eq 0 ]; then
    exit
fi
install=(apt-get install --yes --no-install-recommends "${missing[@]}")
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    echo "The tests of Slurm need it installed, and root. On Debian or Ubuntu: sudo ${install[*]}" >&2
    exit 1
fi
apt-get update
DEBIAN_FRONTEND=noninteractive "${install[@]}"
