#!/usr/bin/env bash
# What fills the filesystem that holds a folder. Reads only; stays on that one filesystem.

path=$OPSAAS_PARAM_PATH
count=$OPSAAS_PARAM_COUNT
limit=$OPSAAS_PARAM_LIMIT_PERCENT
summary=${OPSAAS_SUMMARY_FILE:-/dev/null}
outputs=${OPSAAS_OUTPUT_FILE:-/dev/null}

red=$'\e[31m' green=$'\e[32m' bold=$'\e[1m' reset=$'\e[0m'

could_not_tell() {
    echo "::error::$1"
    echo "**Could not tell:** $1" >"$summary"
    exit 2
}

# File names may hold anything, escape sequences too.
printable() { LC_ALL=C tr -c '\n\t\040-\176\200-\377' '?'; }

# "KIB<tab>NAME" lines with the size made readable.
human() {
    awk -F '\t' '{ split("KiB MiB GiB TiB PiB", unit, " "); size = $1; for (n = 1; size >= 1024 && n < 5; n++) size /= 1024
        sub(/^[0-9]+\t?/, ""); printf "%9.1f %s  %s\n", size, unit[n], $0 }'
}
size_of() { human <<<"$1" | tr -d ' ' | sed 's/\([0-9]\)\([KMGTP]\)/\1 \2/'; }

# Headings and lists go to the screen and into the summary alike.
section() {
    echo "::group::$1"
    tee "$work/section"
    echo "::endgroup::"
    { printf '\n%s\n\n' "#### $1"; sed 's/^/    /' "$work/section"; } >>"$work/sections"
}

[[ -d $path ]] || could_not_tell "$(printf '%s' "$path" | printable) is not a folder on this machine."
[[ -r $path && -x $path ]] || could_not_tell "$(printf '%s' "$path" | printable) may not be read by $(id -un)."

work=$(mktemp -d "${TMPDIR:-/tmp}/disk-pressure.XXXXXX")
trap 'rm -rf "$work"' EXIT

usage=$(df -Pk -- "$path" | awk 'NR == 2 { sub(/%/, "", $5); print $5, $2, $4 }')
read -r used_percent total_kib free_kib <<<"$usage"
[[ $used_percent =~ ^[0-9]+$ ]] || could_not_tell "df could not measure the filesystem of this folder."
# Some filesystems (btrfs) make inodes as they go and count none.
inode_percent=$(df -Pi -- "$path" | awk 'NR == 2 { sub(/%/, "", $5); print ($5 ~ /^[0-9]+$/ ? $5 : 0) }')

df -Pk -- "$path" | awk 'NR == 2 { $1 = $2 = $3 = $4 = $5 = ""; sub(/^ +/, ""); print "Filesystem mounted at " $0 }' | printable
for pair in "space:$used_percent" "inodes:$inode_percent"; do
    colour=$green
    ((${pair#*:} >= limit)) && colour=$red
    printf '%-8s %s%3d %% used%s (limit %d %%)\n' "${pair%%:*}" "$bold$colour" "${pair#*:}" "$reset" "$limit"
done
printf '%s free of %s\n\n' "$(size_of "$free_kib")" "$(size_of "$total_kib")"

echo "::progress::10 measuring folders"
du -xk -d 3 -- "$path" 2>"$work/errors" | sort -rn | head -n "$count" | printable | human | section "Largest folders" || true

echo "::progress::50 measuring files"
{ find "$path" -xdev -type f -exec du -k -- {} + 2>/dev/null || true; } | sort -rn | head -n "$count" | printable | human |
    section "Largest files" || true

echo "::progress::80 looking for deleted files that are still open"
# A deleted file keeps its space until the last process closes it: df counts it, du does not.
device=$(stat -c %d -- "$path")
open_and_deleted() { # "PID/fd/NUMBER name" of each
    # shellcheck disable=SC2012 (find would start a process for each of thousands of links)
    { ls -l /proc/[0-9]*/fd 2>/dev/null || true; } | awk '
        /^\/proc\// { folder = $1; sub(/:$/, "", folder) }
        / \(deleted\)$/ { at = index($0, " -> "); head = substr($0, 1, at - 1); sub(/.* /, "", head)
            print folder "/" head "\t" substr($0, at + 4) }'
}
while IFS=$'\t' read -r link name; do
    read -r where blocks <<<"$(stat -Lc '%d %b' -- "$link" 2>/dev/null)" || true
    [[ ${where:-} == "$device" && ${blocks:-0} -gt 0 ]] || continue
    pid=${link#/proc/}
    pid=${pid%%/*}
    printf '%d\tprocess %s (%s): %s\n' $((blocks / 2)) "$pid" "$(cat "/proc/$pid/comm" 2>/dev/null)" "$name"
done < <(open_and_deleted) | sort -rn >"$work/deleted"
if [[ -s $work/deleted ]]; then
    head -n "$count" "$work/deleted" | printable | human | section "Deleted but still open (restart the process to get the space back)"
fi

unread=$(grep -c 'ermission denied' "$work/errors" || true)
((unread == 0)) || echo "::warning::$unread folders could not be read by $(id -un): their content is not counted above."

full=no
((used_percent >= limit || inode_percent >= limit)) && full=yes
{
    [[ $full == yes ]] && printf '**Act:** '
    echo "Space $used_percent % used, inodes $inode_percent % used (limit $limit %), $(size_of "$free_kib") free."
    ((unread == 0)) || printf '\n%s folders could not be read.\n' "$unread"
    cat "$work/sections"
} >"$summary"
printf '%s\n' "used_percent=$used_percent" "inode_percent=$inode_percent" "free_kib=$free_kib" "unread_folders=$unread" >"$outputs"

echo "::progress::100 done"
if [[ $full == yes ]]; then
    echo "::error::The filesystem is at or above the limit: space $used_percent %, inodes $inode_percent %, limit $limit %."
    exit 1
fi
echo "${green}Below the limit of $limit %.${reset}"
