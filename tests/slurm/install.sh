#!/usr/bin/env bash
# Install Slurm for its tests where it is missing; where that cannot be done, say what is to be installed.
set -euo pipefail

is_there() {
    local command
    for command in munged slurmctld slurmd squeue; do
        PATH=$PATH:/usr/sbin command -v "$command" > /dev/null || return 1
    done
}

install=(apt-get install --yes --no-install-recommends slurmctld slurmd slurm-client munge)
if is_there; then
    exit
elif [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then
    echo "Slurm is not installed. On Debian or Ubuntu: sudo ${install[*]}" >&2
    exit 1
fi
apt-get update
DEBIAN_FRONTEND=noninteractive "${install[@]}"
