#!/bin/sh
# Step 1 of the drill: bring the release here and check that it is the one that was approved.
set -eu

release=$OPSAAS_PARAM_RELEASE
source=$OPSAAS_PARAM_SAMPLES/release

stop() { # CODE SENTENCE
    echo "::error::$2"
    echo "**Nothing was changed:** $2" >"${OPSAAS_SUMMARY_FILE:-/dev/null}"
    exit "$1"
}

[ -r "$source/SHA256SUMS" ] || stop 2 "The practice release cannot be read: there is no SHA256SUMS in the samples."
echo "::progress::5 fetching release $release"
mkdir -p releases
cp -R "$source" "releases/$release"
cd "releases/$release"
sha256sum -c SHA256SUMS || stop 1 "The release is not the one that was approved: a checksum differs."

files=$(wc -l <SHA256SUMS)
echo "files=$((files))" >"${OPSAAS_OUTPUT_FILE:-/dev/null}"
printf '\033[32mThe release is complete and is the one that was approved.\033[0m\n'
