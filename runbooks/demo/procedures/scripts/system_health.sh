#!/bin/sh
# One look at load, memory, swap, stalls and disks of this machine. Reads /proc and df only.
set -u

summary=${OPSAAS_SUMMARY_FILE:-/dev/null}
outputs=${OPSAAS_OUTPUT_FILE:-/dev/null}
red=$(printf '\033[31m') green=$(printf '\033[32m') dim=$(printf '\033[2m') reset=$(printf '\033[0m')
findings=0
rows=

could_not_tell() {
    echo "::error::$1"
    echo "**Could not tell:** $1" >"$summary"
    exit 2
}

# row NAME VALUE UNIT from|below LIMIT: a finding when the value is there
row() {
    [ -n "$2" ] || could_not_tell "There is no figure for: $1."
    word=fine colour=$green
    if awk -v value="$2" -v side="$4" -v limit="$5" 'BEGIN { exit !(side == "from" ? value + 0 >= limit + 0 : value + 0 < limit + 0) }'; then
        word=look colour=$red
        findings=$((findings + 1))
        worst="${worst:+$worst, }$1 $2$3"
    fi
    printf '%s%-5s%s %-34s %10s%-3s %s(look %s %s%s)%s\n' "$colour" "$word" "$reset" "$1" "$2" "$3" "$dim" "$4" "$5" "$3" "$reset"
    rows="$rows| $word | $(printf '%s' "$1" | tr '|`<' '???') | $2$3 | $4 $5$3 |
"
}

[ -r /proc/loadavg ] && [ -r /proc/meminfo ] || could_not_tell "/proc is not readable here: nothing can be measured."
worst=

read -r load1 load5 load15 _ </proc/loadavg
cpus=$(grep -c '^processor' /proc/cpuinfo 2>/dev/null)
[ "${cpus:-0}" -gt 0 ] || cpus=1
days=$(awk '{ printf "%d days %d hours", $1 / 86400, $1 % 86400 / 3600 }' /proc/uptime)
echo "$(cat /proc/sys/kernel/hostname), Linux $(cat /proc/sys/kernel/osrelease), $cpus processors, up $days"
echo "Load $load1 $load5 $load15 over 1, 5 and 15 minutes"
echo

echo "::group::Processor and memory"
row "load of 5 minutes per processor" "$(awk -v sum="$load5" -v cpus="$cpus" 'BEGIN { printf "%.2f", sum / cpus }')" "" from "$OPSAAS_PARAM_LOAD_PER_CPU"
available=$(awk '/^MemTotal:/ { total = $2 } /^MemAvailable:/ { free = $2 } END { printf "%.1f", total ? 100 * free / total : 0 }' /proc/meminfo)
row "memory available" "$available" " %" below "$OPSAAS_PARAM_MEMORY_PERCENT"
swap=$(awk '/^SwapTotal:/ { total = $2 } /^SwapFree:/ { free = $2 } END { printf "%.1f", total ? 100 * (total - free) / total : 0 }' /proc/meminfo)
row "swap used" "$swap" " %" from "$OPSAAS_PARAM_SWAP_PERCENT"
echo "::endgroup::"

# Pressure: the share of the last minute in which something waited for the resource (Linux 4.20 and newer).
echo "::group::Pressure (share of the last minute spent waiting)"
seen=
for resource in cpu memory io; do
    stall=$(sed -n 's/^some .*avg60=\([0-9.]*\).*/\1/p' "/proc/pressure/$resource" 2>/dev/null)
    [ -n "$stall" ] || continue
    seen=yes
    row "waiting for $resource" "$stall" " %" from "$OPSAAS_PARAM_PRESSURE_PERCENT"
done
[ -n "$seen" ] || echo "This kernel does not tell its pressure (/proc/pressure)."
echo "::endgroup::"

echo "::group::Disks"
# Local ones only: df waits for ever for a network filesystem that is gone. Images (loop, squashfs) are always full.
disks=$({ df -Pkl 2>/dev/null || df -Pk 2>/dev/null; } | awk '
    NR > 1 && ($1 ~ /^\/dev\// && $1 !~ /^\/dev\/loop/ || $1 == "overlay" && $NF == "/") && !seen[$1]++ {
        used = $5; sub(/%/, "", used); where = $6; for (n = 7; n <= NF; n++) where = where " " $n
        gsub(/[^ -~]/, "?", where); print used, where }')
[ -n "$disks" ] || echo "No local disk is visible here."
while read -r used where; do
    [ -z "$used" ] || row "space used at $where" "$used" " %" from "$OPSAAS_PARAM_DISK_PERCENT"
done <<EOF
$disks
EOF
echo "::endgroup::"

killed=$(awk '/^oom_kill / { print $2 }' /proc/vmstat 2>/dev/null)
[ "${killed:-0}" -eq 0 ] || echo "::notice::The kernel killed $killed processes for want of memory since it started."

{
    if [ "$findings" -gt 0 ]; then echo "**Look at:** $worst."; else echo "Nothing is above its limit."; fi
    printf '\n| | measured | value | look |\n|---|---|---:|---|\n%s\n' "$rows"
    echo "Load $load1, $load5, $load15 on $cpus processors; up $days; ${killed:-unknown} processes killed for memory since."
} >"$summary"
printf '%s\n' "findings=$findings" "load5=$load5" "memory_available_percent=$available" "swap_used_percent=$swap" >"$outputs"

if [ "$findings" -gt 0 ]; then
    echo "::error::$findings to look at: $worst"
    exit 1
fi
echo "${green}Nothing is above its limit.${reset}"
