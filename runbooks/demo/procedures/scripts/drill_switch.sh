#!/usr/bin/env bash
# Step 3 of the drill: put the new release into service in one move, so that there is never half of it.

release=$OPSAAS_PARAM_RELEASE
mkdir -p "releases/previous" "releases/$release"
ln -s "releases/previous" current
echo "In service: $(readlink current)"
echo "::progress::80 switching to release $release"
ln -s "releases/$release" current.new
mv -T current.new current
[[ $(readlink current) == "releases/$release" ]]
echo "In service: $(readlink current)"
echo "::progress::100 done"
printf '\e[32mRelease %s is in service.\e[0m\n' "$release"
echo "in_service=$release" >"${OPSAAS_OUTPUT_FILE:-/dev/null}"
echo "Release **$release** is in service (of this drill: nothing outside the working folder was touched)." >"${OPSAAS_SUMMARY_FILE:-/dev/null}"
