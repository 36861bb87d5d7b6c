#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# apt.sh: tests that tools/apt.sh installs missing packages without removing or downgrading anything, and that apt accepts
# the repository of `make kernel-deb`. TAP on stdout.
# Usage: tests/apt.sh      (needs Debian's apt, but neither root nor a network; the system is not changed)
# shellcheck disable=SC2317 # check calls functions by their names.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/../tools/env.sh"
# shellcheck source=tools/apt.sh
source "$TOP/tools/apt.sh"
set +e
# shellcheck source=tests/tap.sh
source "$TOP/tests/tap.sh"

command -v apt-get dpkg-deb dpkg-scanpackages >/dev/null || {
	skip "apt" "apt or dpkg-dev is not installed here"
	done_testing
}

# made DIRECTORY NAME VERSION [FIELD]: make a package in DIRECTORY.
made() {
	local tree=$work/package-$2-$3
	mkdir -p "$tree/DEBIAN" "$1"
	printf '%s\n' "Package: $2" "Version: $3" 'Architecture: all' 'Maintainer: m' ${4:+"$4"} 'Description: d' \
		>"$tree/DEBIAN/control"
	dpkg-deb -b "$tree" "$1/$2_$3.deb" >/dev/null
}

# suite NAME: describe the packages in the archive's pool/NAME as a release of Debian.
suite() {
	local at
	at=$mirror/dists/$1/main/binary-$(dpkg --print-architecture)
	mkdir -p "$at"
	(cd "$mirror" && dpkg-scanpackages --multiversion "pool/$1" 2>/dev/null) >"$at/Packages"
	{
		printf '%s\n' 'Origin: Debian' 'Label: Debian' "Suite: $1" "Codename: $1" "Date: $(date -u -R)" \
			"Architectures: all $(dpkg --print-architecture)" 'Components: main' 'SHA256:'
		echo " $(sha256sum <"$at/Packages" | cut -d ' ' -f 1) $(stat -c %s "$at/Packages") ${at#"$mirror/dists/$1/"}/Packages"
		# Like Debian's: packages are taken from backports only on request.
		[[ $1 != *-backports ]] || printf '%s\n' 'NotAutomatic: yes' 'ButAutomaticUpgrades: yes'
	} >"$mirror/dists/$1/Release.new"
	# The fields must come before the list.
	{ grep -v '^ \|^SHA256' "$mirror/dists/$1/Release.new"; grep '^SHA256\|^ ' "$mirror/dists/$1/Release.new"; } \
		>"$mirror/dists/$1/Release"
}

# new_system [SUITE...]: set up a new system for apt in $system, with the packages here 1.0, beside 2.0 and library 2.0~bpo
# installed, and these releases as sources.
new_system() {
	local package name
	system=$(mktemp -d "$work/system.XXXXXX")
	mkdir -p "$system"/{etc/apt/{apt.conf,preferences,sources.list}.d,var/log/apt,var/lib/dpkg/{info,updates},var/lib/apt/lists/partial,var/cache/apt/archives/partial}
	for name in "$@"; do
		echo "deb [trusted=yes] file:$mirror $name main"
	done >"$system/etc/apt/sources.list"
	for package in 'here 1.0' 'beside 2.0' 'library 2.0~bpo'; do
		printf 'Package: %s\nStatus: install ok installed\nVersion: %s\nArchitecture: all\nMaintainer: m\nDescription: d\n\n' \
			"${package% *}" "${package#* }"
		: >"$system/var/lib/dpkg/info/${package% *}.list"
	done >"$system/var/lib/dpkg/status"
	cat >"$system/apt.conf" <<-END
		Dir "$system";
		Dir::State::status "$system/var/lib/dpkg/status";
		Dir::Bin::dpkg "/usr/bin/dpkg";
		DPkg::Options { "--root=$system"; "--force-not-root"; "--force-script-chrootless"; };
		APT::Sandbox::User "root";
		APT::Architecture "$(dpkg --print-architecture)";
		Acquire::AllowInsecureRepositories "true";
		APT::Get::AllowUnauthenticated "true";
		Debug::NoLocking "true";
	END
	export APT_CONFIG=$system/apt.conf
	before=$(installed)
}

# install PACKAGE...: install like deps.sh, but into that system.
install() (
	as_root() { "$@"; }
	BUILD=$work/build
	apt_install deps "$@" 2>&1
)

installed() {
	dpkg-query --admindir "$system/var/lib/dpkg" -W -f '${db:Status-Abbrev} ${Package} ${Version}\n' | sed -n 's/^ii *//p'
}

# adds WHAT PACKAGE...: installing these adds WHAT, and changes nothing else.
adds() {
	local said
	said=$(install "${@:2}") || { echo "$said" && return 1; }
	echo "$said"
	same "$before${1:+$'\n'$1}" "$(installed)"
}

# refuses WORDS PACKAGE...: installing these fails, names each of the WORDS (separated by |), and changes nothing.
refuses() {
	local said words
	said=$(install "${@:2}") && return 1
	echo "$said"
	IFS='|' read -ra words <<<"$1"
	for words in "${words[@]}"; do
		[[ $said == *"$words"* ]] || return
	done
	same "$before" "$(installed)"
}

names_only_what_is_blocked() {
	! install fine wanted | grep 'to install fine'
}

# leaves_nothing: APT_OPTIONS and directories for the backports' lists are not left behind.
leaves_nothing() {
	same '' "$(cd "$system/etc/apt" && find . -name '*memcg-knobs*')" && same '' "$(ls "$TMPDIR")"
}

release=$(codename)
mirror=$work/mirror
made "$mirror/pool/$release" wanted 1.0 "Conflicts: here"
made "$mirror/pool/$release" older 1.0 "Depends: beside (= 1.0)"
made "$mirror/pool/$release" beside 1.0
made "$mirror/pool/$release" fine 1.0
made "$mirror/pool/$release" library 1.0
made "$mirror/pool/$release" program 1.0 "Depends: library (= 1.0)"
made "$mirror/pool/$release-backports" library '2.0~bpo'
made "$mirror/pool/$release-backports" program '2.0~bpo' "Depends: library (= 2.0~bpo)"
made "$mirror/pool/$release-backports" fine '2.0~bpo'
suite "$release"
export TMPDIR=$work/tmp
mkdir "$TMPDIR"

new_system "$release"
check "what has nothing in its way is installed" adds 'fine 1.0' fine
new_system "$release"
check "nothing is removed, and what is in the way is named" refuses 'to install wanted: here would be removed' fine wanted
check "nothing is downgraded" refuses 'to install older: |beside (= 1.0)' fine older
check "only what has something in its way is named" names_only_what_is_blocked
check "what would downgrade a package of backports, where there are none" refuses 'library (= 1.0)' program
suite "$release-backports"
check "what cannot be had from backports either is refused" refuses 'here would be removed' fine wanted
check "what would downgrade a package of backports comes from there, and nothing else does" \
	adds $'program 2.0~bpo\nfine 1.0' program fine
check "the system's sources stay as they are" leaves_nothing
new_system "$release" "$release-backports"
check "the same where backports are among the system's sources" adds $'program 2.0~bpo\nfine 1.0' program fine

# repository_for_apt: a folder like the result of kernel-deb.sh, with two versions of a package.
repository_for_apt() {
	local said
	new_system
	made "$work/repository" linux-image-7.3.0-memcg-knobs 7.3.0-1
	made "$work/repository" linux-image-7.3.0-memcg-knobs 7.3.0-2
	make_repository "$work/repository"
	cp "$work/repository/memcg-knobs.list" "$system/etc/apt/sources.list.d/"
	apt-get -q update && said=$(apt-get -q -s install linux-image-7.3.0-memcg-knobs) || return
	echo "$said"
	[[ $said == *"Inst linux-image-7.3.0-memcg-knobs (7.3.0-2 memcg-knobs:memcg-knobs"* ]]
}
check "kernel-deb: apt can use its folder as a repository" repository_for_apt

lacks() {
	! package_has "$@"
}

# large_package: make one with enough files for their list to fill a pipe.
large_package() {
	local tree=$work/package-large-1
	mkdir -p "$tree/a"
	(cd "$tree/a" && seq -f 'a_file_with_a_long_name_%.0f' 3000 | xargs touch)
	made "$work" large 1
}
large_package
check "kernel-deb: a file at the beginning of a large package is found" package_has "$work/large_1.deb" 'name_1$'
check "kernel-deb: so is one at its end" package_has "$work/large_1.deb" 'name_999$'
check "kernel-deb: a file that is not in it is missed" lacks "$work/large_1.deb" 'name_0$'
done_testing
