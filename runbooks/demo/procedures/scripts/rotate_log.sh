#!/usr/bin/env bash
# Rotates a log under a program that keeps writing to it, then counts: was a line lost? All in the working folder.

name=$OPSAAS_PARAM_NAME
rotations=$OPSAAS_PARAM_ROTATIONS
signal=$OPSAAS_PARAM_SIGNAL_THE_WRITER
source=$OPSAAS_PARAM_SAMPLES/$name
summary=${OPSAAS_SUMMARY_FILE:-/dev/null}
outputs=${OPSAAS_OUTPUT_FILE:-/dev/null}
green=$'\e[32m' dim=$'\e[2m' reset=$'\e[0m'
patience=$OPSAAS_PARAM_PATIENCE_SECONDS
writer=

finish() { # CODE SENTENCE
    local mark=('' '**Act:** ' '**Could not tell:** ')
    stop_writer
    if (($1 == 0)); then echo "${green}$2${reset}"; else echo "::error::$2"; fi
    {
        echo "${mark[$1]}$2"
        printf '\n| file | bytes | lines |\n|---|---:|---:|\n'
        for file in "$name" "$name".*; do
            [[ -f $file ]] && echo "| $file | $(wc -c <"$file") | $(lines_of "$file") |"
        done
    } >"$summary"
    printf '%s\n' "lines_written=${written:-0}" "lines_found=${found:-0}" "rotations=${done_rotations:-0}" >"$outputs"
    exit "$1"
}

stop_writer() {
    [[ -n $writer ]] || return 0
    kill "$writer" 2>/dev/null || true
    wait "$writer" 2>/dev/null || true
    writer=
}
trap stop_writer EXIT

# Stands for the program: appends numbered lines and opens its log again on HUP, as most daemons do.
write_lines() {
    local number=0 running=yes
    exec 3>>"$name"
    trap 'exec 3>>"$name"' HUP
    trap 'running=' TERM # ends between two lines, so that the count is exact
    while [[ $running ]]; do
        number=$((number + 1))
        printf '%(%FT%TZ)T rehearsal line %d\n' -1 "$number" >&3
        echo "$number" >progress
        ((number % 10 != 0)) || sleep 0.01
    done
}

# Between two writes the file may be empty for a moment.
progress() {
    local number=
    until [[ $number ]]; do read -r number <progress || true; done
    echo "$number"
}
lines_of() { case $1 in *.gz) gzip -dc -- "$1" | wc -l ;; *) wc -l <"$1" ;; esac; }

wait_for_lines() { # MORE
    local goal
    goal=$(($(progress) + $1))
    while (($(progress) < goal)); do
        kill -0 "$writer" 2>/dev/null || finish 2 "The writing program stopped by itself."
        sleep 0.01
    done
}

wait_for_new_log() {
    local end=$((SECONDS + patience))
    until [[ -s $name ]]; do
        ((SECONDS < end)) || return 1
        sleep 0.02
    done
}

command -v gzip >/dev/null || finish 2 "gzip is not installed on this machine."
[[ -r $source ]] || finish 2 "The log $name is not among the samples, or may not be read by $(id -un)."
cp -- "$source" "$name"
chmod u+w -- "$name"
echo "Working on a copy of $name: $(wc -l <"$name") lines, $(wc -c <"$name") bytes"
before=$(wc -l <"$name")

echo 0 >progress
write_lines &
writer=$!
for ((round = 1; round <= rotations; round++)); do
    echo "::progress::$((100 * (round - 1) / rotations)) rotation $round of $rotations"
    wait_for_lines 40
    for ((age = rotations; age > 1; age--)); do
        [[ ! -e $name.$((age - 1)).gz ]] || mv -- "$name.$((age - 1)).gz" "$name.$age.gz"
    done
    mv -- "$name" "$name.1"
    at=$(progress)
    [[ $signal != true ]] || kill -HUP "$writer"
    if ! wait_for_new_log; then
        now=$(progress)
        finish 1 "The program did not open a new log: it wrote $((now - at)) lines more into $name.1. Signal it before you compress or delete that file, or those lines are lost."
    fi
    # The program may have been in the middle of a line: a moment more before the old file is closed for good.
    wait_for_lines 5
    gzip -- "$name.1"
    done_rotations=$round
    echo "${dim}$name.1.gz has $(lines_of "$name.1.gz") lines${reset}"
done
wait_for_lines 20
stop_writer

echo "::group::Counting every line in every generation"
written=$(progress)
{ for ((age = rotations; age >= 1; age--)); do gzip -dc -- "$name.$age.gz"; done; cat -- "$name"; } >all
found=$(grep -c ' rehearsal line ' all || true)
in_order=$(awk '/ rehearsal line / { if ($NF != ++n) bad++ } END { print bad + 0 }' all)
old=$(($(wc -l <all) - found))
echo "$written lines written, $found found, $in_order out of order; $old of $before older lines still there"
echo "::endgroup::"

((found == written && in_order == 0 && old == before)) ||
    finish 1 "Lines were lost: $written written, $found found, $in_order out of order, $old of $before older ones left."
finish 0 "$rotations rotations under a writing program: all $((before + written)) lines are there, in order."
