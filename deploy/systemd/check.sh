#!/usr/bin/env bash
# Checks the unit files: systemd reads them without a warning, and finds little that an attacker who
# has taken over a program could do (its exposure is at most 1.5 of 10).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# `verify` wants the programs to be there.
cp --recursive deploy "$root"
sed -i "s|^ExecStart=/usr/local/bin/|ExecStart=$root/|" "$root"/deploy/systemd/*.service
for program in server client; do
    install --mode 755 /dev/null "$root/$program"
done
said=$(systemd-analyze verify --man=no "$root"/deploy/systemd/*.{service,timer} 2>&1) || true
if [ -n "$said" ]; then
    printf 'systemd: %s\n' "$said"
    exit 1
fi
for unit in deploy/systemd/*.service; do
    systemd-analyze security --offline=true --threshold=15 "$unit" | tail -n 1
done
systemd-sysusers --dry-run "$PWD/deploy/systemd/postos.conf" >/dev/null 2>&1
printf 'systemd: the units are right\n'
