#!/usr/bin/env bash
# One GET of an address: status, content and where the time goes. Follows no redirect, keeps nothing.

url=$OPSAAS_PARAM_URL
summary=${OPSAAS_SUMMARY_FILE:-/dev/null}
outputs=${OPSAAS_OUTPUT_FILE:-/dev/null}
red=$'\e[31m' green=$'\e[32m' dim=$'\e[2m' reset=$'\e[0m'

finish() { # CODE SENTENCE
    local mark=('' '**Act:** ' '**Could not tell:** ')
    if (($1 == 0)); then echo "${green}$2${reset}"; else echo "::error::$2"; fi
    { echo "${mark[$1]}$2"; [[ ! -s times.md ]] || { echo; cat times.md; }; } >"$summary"
    exit "$1"
}

command -v curl >/dev/null || finish 2 "curl is not installed on this machine: install it, or ask from another one."

# What curl says in 'man curl' under EXIT CODES, for those who do not know the numbers at 4 am.
reason() {
    case $1 in
    3) echo "the address is malformed" ;;
    6) echo "the name does not resolve" ;;
    7) echo "nothing accepts the connection" ;;
    28) echo "no complete answer within $OPSAAS_PARAM_TIMEOUT_SECONDS seconds" ;;
    35) echo "the TLS conversation failed" ;;
    52) echo "the server closed the connection without an answer" ;;
    56) echo "the connection broke while reading" ;;
    60) echo "the certificate is not trusted by this machine" ;;
    63) echo "the answer is larger than 5 MB" ;;
    *) echo "curl ended with code $1" ;;
    esac
}

echo "GET $url"
format='%{http_code} %{time_namelookup} %{time_connect} %{time_appconnect} %{time_starttransfer} %{time_total} %{size_download}'
code=0
measured=$(curl --silent --show-error --globoff --noproxy '*' --proto '=http,https' --max-filesize 5000000 \
    --max-time "$OPSAAS_PARAM_TIMEOUT_SECONDS" --user-agent opsaas-http-endpoint-check \
    --output body --dump-header headers --write-out "$format" -- "$url" 2>errors) || code=$?
# A name that does not resolve or an untrusted certificate is about the endpoint; a malformed address is about us.
((code != 3)) || finish 2 "The address cannot be asked: $(reason 3)."
if ((code != 0)); then
    echo "$dim$(LC_ALL=C tr -c '\n\040-\176' '?' <errors)$reset"
    printf '%s\n' "status=0" "answered=no" >"$outputs"
    finish 1 "No answer: $(reason "$code")."
fi

read -r status lookup connect tls first total size <<<"$measured"
echo "::group::Headers of the answer"
LC_ALL=C tr -d '\r' <headers | LC_ALL=C tr -c '\n\040-\176' '?' | sed 's/^/  /' # no header may pass for a marker
echo "::endgroup::"

# curl counts every moment from the start; people want to know how long each part took.
awk -v lookup="$lookup" -v connect="$connect" -v tls="$tls" -v first="$first" -v total="$total" -v text=times.txt -v table=times.md '
    function part(name, seconds) {
        printf "%-26s %8.1f ms\n", name, seconds * 1000 > text
        printf "| %s | %.1f |\n", name, seconds * 1000 > table
    }
    BEGIN {
        print "| part | ms |\n|---|---:|" > table
        part("looking the name up", lookup)
        part("connecting", connect - lookup)
        if (tls > 0) part("TLS", tls - connect)
        part("waiting for the first byte", first - (tls > 0 ? tls : connect))
        part("reading the rest", total - first)
        part("together", total)
    }'
cat times.txt
echo
printf '%s\n' "status=$status" "answered=yes" "seconds=$total" "bytes=$size" >"$outputs"
echo "Status $status, $size bytes"

[[ $status == "$OPSAAS_PARAM_EXPECTED_STATUS" ]] ||
    finish 1 "The status is $status, not $OPSAAS_PARAM_EXPECTED_STATUS."
if [[ -n ${OPSAAS_PARAM_MUST_CONTAIN:-} ]] && ! grep -qaF -e "$OPSAAS_PARAM_MUST_CONTAIN" body; then
    finish 1 "The status is $status, but the expected text is not in the answer."
fi
if awk -v took="$total" -v most="$OPSAAS_PARAM_MAX_SECONDS" 'BEGIN { exit !(took > most) }'; then
    finish 1 "The answer is right, but took $total s; $OPSAAS_PARAM_MAX_SECONDS s are accepted."
fi
finish 0 "The answer is right and came within $total s."
