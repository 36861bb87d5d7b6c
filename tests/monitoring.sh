#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# monitoring.sh: tests that Prometheus accepts the alert rules and that they fire only when they should, that the dashboard
# matches Grafana's schema, and that its queries are valid. TAP on stdout.
# Usage: tests/monitoring.sh
# If promtool is not installed, it is extracted from Debian's package prometheus, without installing its service. The schema
# comes from npm, because Grafana itself is in neither npm nor Debian. Both stay in the cache.
# shellcheck disable=SC2317 # check calls functions by their names.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tools/env.sh"
set +e
EXAMPLES=$TOP/packaging/examples
DASHBOARD=$EXAMPLES/grafana/memcg-knobs.json
SCHEMA_VERSION=11.6.16 TYPESCRIPT_VERSION=5.9.3
# shellcheck source=tests/tap.sh
source "$TOP/tests/tap.sh"

find_promtool() {
	local kept=$CACHE/prometheus/usr/bin/promtool
	type -P promtool && return
	if [[ ! -x $kept ]]; then
		mkdir -p "$CACHE"
		(cd "$work" && apt-get download -qq prometheus && dpkg -x prometheus_*.deb prometheus) >"$work/download" 2>&1 || return
		rm -rf "$work/prometheus/usr/share" "$work/prometheus/usr/bin/prometheus" "$CACHE/prometheus"
		mv -T "$work/prometheus" "$CACHE/prometheus"
	fi
	[[ -x $kept ]] && echo "$kept"
}

find_schema() {
	local kept=$CACHE/grafana-schema-$SCHEMA_VERSION-$TYPESCRIPT_VERSION
	if [[ ! -e $kept/package.json ]]; then
		mkdir -p "$work/schema"
		(cd "$work/schema" && npm install --no-save --no-audit --no-fund --ignore-scripts \
			"@grafana/schema@$SCHEMA_VERSION" "typescript@$TYPESCRIPT_VERSION") >"$work/download" 2>&1 || return
		echo '{}' >"$work/schema/package.json"
		rm -rf "$kept"
		mv -T "$work/schema" "$kept"
	fi
	echo "$kept"
}

# rules_fire: promtool looks for the rules in the directory of their test.
rules_fire() {
	(cd "$EXAMPLES/prometheus" && "$promtool" test rules memcg-knobs.test.yml)
}

queries() {
	python3 "$TOP/tests/monitoring/dashboard.py" rules "$DASHBOARD" >"$work/queries.yml" &&
		"$promtool" check rules "$work/queries.yml"
}

matches_schema() {
	python3 "$TOP/tests/monitoring/dashboard.py" typescript "$DASHBOARD" \
		"$schema/node_modules/@grafana/schema/dist/esm/raw/dashboard/x/dashboard_types.gen.d.ts" "$work" &&
		node "$schema/node_modules/typescript/bin/tsc" --noEmit --strict --skipLibCheck --target es2022 "$work/dashboard.ts"
}

# names: memcgctl reports each metric that the rules and the dashboard use; they add a suffix to the names of counters.
names() {
	local name status=0
	while read -r name; do
		grep -rqF "\"${name%_total}\"" "$TOP/userspace/memcgctl/src" || { echo "memcgctl does not report $name" && status=1; }
	done < <(python3 "$TOP/tests/monitoring/dashboard.py" names "$DASHBOARD" "$EXAMPLES/prometheus/memcg-knobs.rules.yml")
	return "$status"
}

check "memcgctl reports the metrics of rules and dashboard" names
if promtool=$(find_promtool); then
	check "alert rules: Prometheus accepts them" "$promtool" check rules "$EXAMPLES/prometheus/memcg-knobs.rules.yml"
	check "alert rules: they fire when they should" rules_fire
	check "dashboard: its queries can be read" queries
else
	for name in "alert rules: accepted" "alert rules: they fire" "dashboard: its queries"; do
		skip "$name" "promtool is neither installed nor available"
	done
fi
if command -v npm node >/dev/null && schema=$(find_schema); then
	check "dashboard: it matches Grafana's schema" matches_schema
else
	skip "dashboard: it matches Grafana's schema" "npm, which fetches the schema, is not installed"
fi
done_testing
