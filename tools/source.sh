#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# source.sh: print the directory of a clean Linux 7.3 source tree, fetching one first if the cache has none.
# KSRC=DIR names a tree to use instead, which is copied to the cache. The name of the directory in the cache identifies the
# source. It is never written to: kernel.sh and series.sh work on copies.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=tools/apt.sh
source "$TOP/tools/apt.sh"

PACKAGE=linux-source-7.3
SUITE=trixie-backports
BY_HAND="Give KSRC=/path/to/clean/linux-7.3.y instead: any unpacked 7.3 or 7.3.y release will do."

# check_tree DIR: check that the tree is 7.3, and that nothing was built in it.
check_tree() {
	[[ $(grep -cxE '(VERSION = 7|PATCHLEVEL = 3)' "$1/Makefile") == 2 ]] ||
		die source "$1 is not a Linux 7.3 source tree" "Patches apply to 7.3 and 7.3.y only."
	[[ ! -e $1/.config && ! -d $1/include/config ]] ||
		die source "$1 has been built in" "A clean tree is needed: \`make mrproper\` in it, or unpack another."
}

# workspace: make an empty directory next to the tree's place, so that the last step is a rename and a tree in the cache is
# always complete. Its user holds the lock, so existing ones are from interrupted runs.
workspace() {
	lock source "$CACHE/source/.lock" >&2
	rm -rf "$CACHE"/source/.new.*
	work=$(mktemp -d "$CACHE/source/.new.XXXXXX")
	trap 'rm -rf "$work"' EXIT
}

fetch() {
	local tree deb
	command -v apt-get >/dev/null || die source "no apt here to fetch $PACKAGE with" "$BY_HAND"
	step source "fetching $PACKAGE from $SUITE (about 170 MB)" >&2
	deb=$(fetch_package source "$work" "$SUITE" "$PACKAGE") ||
		die source "$PACKAGE is not to be had from $SUITE" "$BY_HAND"
	step source "unpacking" >&2
	dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$work" --wildcards "./usr/src/$PACKAGE.tar.*"
	mkdir "$work/tree"
	tar -x -f "$work/usr/src/$PACKAGE".tar.* -C "$work/tree" --strip-components=1 --no-same-owner
	check_tree "$work/tree"
	tree=$CACHE/source/$(dpkg-deb --field "$deb" Version)
	mv -T "$work/tree" "$tree"
	step source "$tree is ready" >&2
}

newest() {
	find "$CACHE/source" -mindepth 1 -maxdepth 1 -type d -name '7.3*' | sort -V | tail -n 1
}

# import DIR: copy the tree, under a name that is a hash of the names, sizes and times of its files.
import() {
	local tree
	[[ -f $1/Makefile ]] || die source "KSRC=$1 is not a directory with a kernel source"
	check_tree "$1"
	tree=$CACHE/source/ksrc-$(find "$1/" -name .git -prune -o -type f -printf '%P %s %T@\n' | sort | hash)
	[[ -d $tree ]] || workspace
	if [[ ! -d $tree ]]; then
		step source "copying $1" >&2
		mkdir "$work/tree"
		tar -C "$1" -c --exclude=./.git . | tar -C "$work/tree" -x --no-same-owner
		mv -T "$work/tree" "$tree"
	fi
	echo "$tree"
}

mkdir -p "$CACHE/source"
if [[ ${KSRC:-} ]]; then
	import "$KSRC"
	exit
fi
if [[ -z $(newest) ]]; then
	workspace
	[[ $(newest) ]] || fetch
fi
newest
