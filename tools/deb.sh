#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# deb.sh: build the Debian packages from debian/ with dpkg-buildpackage, in build/deb, and check them with lintian.
# Usage: tools/deb.sh
# Errors and warnings of lintian are failures. Without lintian the packages are built without the check, with a message.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# The compilers are not checked, because a rustup toolchain belongs to no package.
missing=()
for package in dpkg-dev debhelper dh-dkms; do
	[[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] || missing+=("$package")
done
((${#missing[@]} == 0)) || die deb "packages are missing: \`apt install ${missing[*]}\`"
cargo=$(find_cargo) || die deb "no cargo >= $RUST_MIN" "$DEPS_HINT"

out=$BUILD/deb
lock deb "$BUILD/deb.lock"
rm -rf "$out"
mkdir -p "$out"
step deb "building the packages"
(cd "$TOP" && PATH=$(dirname "$cargo"):$PATH DEB_OUT=$out dpkg-buildpackage --build=binary --post-clean -d -us -uc \
	--buildinfo-option="-u$out" --changes-option="-u$out" \
	--buildinfo-file="$out/memcg-knobs.buildinfo" --changes-file="$out/memcg-knobs.changes") >"$out/build.log" 2>&1 ||
	die deb "building failed:" "$(tail -n 15 "$out/build.log")"
if command -v lintian >/dev/null; then
	lintian --allow-root --fail-on error,warning "$out"/*.deb || die deb "lintian reported errors or warnings"
else
	step deb "lintian is not installed, so the packages were not checked"
fi
for deb in "$out"/*.deb; do
	step deb "build/deb/${deb##*/} is ready"
done
