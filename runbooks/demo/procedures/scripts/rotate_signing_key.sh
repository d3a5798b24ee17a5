#!/bin/sh
# Two keys side by side: the new one signs, both verify, until nothing signed by the old one is on its way any more.
set -u

fail() {
    echo "::error::$2"
    exit "$1"
}

new_key() { od -An -tx1 -N32 /dev/urandom | tr -d ' \n'; }
signature() { printf '%s.%s' "$1" "$2" | sha256sum | cut -d' ' -f1; }

for tool in od sha256sum cut tr; do
    command -v "$tool" >/dev/null || fail 2 "$tool is missing on this machine: the rehearsal could not be held."
done

env=$OPSAAS_PARAM_ENV
old=$(new_key)
echo "Old key of $env: $(printf '%.8s' "$old")…"
before=$(signature "$old" "order 1")

echo "::progress::40 adding the new key beside the old one"
new=$(new_key)
echo "New key of $env: $(printf '%.8s' "$new")…"
after=$(signature "$new" "order 2")

echo "::progress::80 checking messages of both"
[ "$(signature "$old" "order 1")" = "$before" ] || fail 1 "A message that the old key signed no longer verifies."
[ "$(signature "$new" "order 2")" = "$after" ] || fail 1 "A message that the new key signed does not verify."
[ "$(signature "$new" "order 1")" != "$before" ] || fail 1 "Both keys give the same signature: the new key is not new."

echo "Both verify. Only then may the old key go."
printf 'Key of **%s** changed in the rehearsal: `%.8s…` → `%.8s…`. Messages of both verify.\n' \
    "$env" "$old" "$new" >"${OPSAAS_SUMMARY_FILE:-/dev/null}"
