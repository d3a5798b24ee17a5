#!/bin/sh
# Before a backup: is the database there, and is there room for two copies of it?
set -eu

database=$OPSAAS_PARAM_DATABASE
destination=${OPSAAS_PARAM_DESTINATION:-.}

stop() { # CODE SENTENCE
    echo "::error::$2"
    echo "**Nothing was copied:** $2" >"${OPSAAS_SUMMARY_FILE:-/dev/null}"
    exit "$1"
}

[ -e "$database" ] || stop 2 "There is no such file as the database that was named."
[ -f "$database" ] || stop 2 "The database that was named is not a file."
[ -r "$database" ] || stop 2 "The database may not be read by $(id -un)."
[ -d "$destination" ] || stop 2 "The destination is not a folder on this machine."
[ -w "$destination" ] || stop 2 "The destination may not be written by $(id -un)."

need=$(du -k -- "$database" | awk '{ print $1 * 1 }')
[ ! -f "$database-wal" ] || need=$((need + $(du -k -- "$database-wal" | awk '{ print $1 }')))
free_of() { df -Pk -- "$1" | awk 'NR == 2 { print $4 }'; }

echo "The database has $need KiB."
echo "The destination has $(free_of "$destination") KiB free, the working folder $(free_of .) KiB."
# One copy at the destination; one in the working folder, restored to compare with; some room for the log besides.
[ "$(free_of "$destination")" -gt $((need + 10240)) ] || stop 1 "The destination has no room for the backup."
[ "$(free_of .)" -gt $((need * 2 + 10240)) ] || stop 1 "The working folder has no room to prove the backup."

echo "database_kib=$need" >"${OPSAAS_OUTPUT_FILE:-/dev/null}"
printf '\033[32mThere is room.\033[0m\n'
