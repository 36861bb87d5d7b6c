#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# kernel.sh: leave a kernel in build/FLAVOR: bzImage and linux, a link to its build tree.
# Usage: tools/kernel.sh release|debug|stock
# KCSAN=1 in the environment: the debug kernel detects data races, see tools/config/kcsan.config.
#
# Kernels are in a cache outside of the checkout, named by their content, so that a second clone or a return to an
# earlier patch builds nothing:
#
#   kernel/SRCKEY/src/                    clean source plus patches
#   kernel/SRCKEY/src/out-FLAVOR-OUTKEY/  one build of it; complete if .done is there, otherwise make resumes it
#   kernel/SRCKEY.lock                    held by the process that writes there
#
# With the build directory inside its source, the kernel uses relative paths, so that ccache's entries for one key serve
# all others.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=tools/kbuild.sh
source "$TOP/tools/kbuild.sh"

KEEP=3 # Builds of each flavor that stay in the cache.

flavor=${1:-}
# shellcheck disable=SC2119 # All of them.
case $flavor in
release | debug) mapfile -t patches < <(series_patches) ;;
stock) patches=() ;;
*) die kernel "usage: tools/kernel.sh release|debug|stock" ;;
esac

prepare_source() {
	[[ ! -d $src ]] || return 0
	rm -rf "$src.new"
	mkdir -p "$(dirname "$src")"
	step kernel "copying the source and applying ${#patches[@]} patches"
	copy_source "$base" "$src.new"
	local patch
	for patch in "${patches[@]}"; do
		apply_patch "$src.new" "$patch"
	done
	mv -T "$src.new" "$src"
}

build() {
	local count=$CACHE/kernel/objects-$flavor there
	[[ ! -e $out/.done ]] || return 0
	step kernel "$flavor: configuring"
	configure "$src" "$out" "$flavor"
	check_config "$out"
	step kernel "$flavor: building with $JOBS jobs"
	there=$(find "$out" -name '*.o' ! -name 'built-in*' | wc -l)
	# The expected number of objects is that of the last build.
	run_make "$flavor" "$there" "$(cat "$count" 2>/dev/null || echo 1400)" "$out/build.log" \
		"${KMAKE[@]}" -C "$src" "O=$out" "-j$JOBS" bzImage modules
	echo "$BUILT" >"$count"
	touch "$out/.done"
}

# prune: remove builds that are neither among the newest of any flavor nor in use.
prune() {
	local old kind
	for kind in release debug stock; do
		find "$CACHE/kernel" -mindepth 4 -maxdepth 4 -path "*/src/out-$kind-*/.done" -printf '%T@ %h\n' |
			sort -rn | tail -n "+$((KEEP + 1))" | cut -d ' ' -f 2-
	done | while read -r old; do
		remove_unlocked "${old%/src/*}" "$old"
	done
	for old in "$CACHE"/kernel/*/; do
		old=${old%/}
		compgen -G "$old/src/out-*/.done" >/dev/null || remove_unlocked "$old" "$old"
	done
}

# remove_unlocked KEYDIR DIR: remove DIR unless another build holds KEYDIR's lock. This process holds the lock of its own.
remove_unlocked() {
	if [[ $1 == "$CACHE/kernel/$src_key" ]]; then
		[[ $2 == "$1" ]] || rm -rf "$2"
		return
	fi
	(
		fd=
		exec {fd}>>"$1.lock"
		flock -n "$fd" || exit 0
		step kernel "removing $2 from the cache"
		rm -rf "$2"
	)
}

publish() {
	local dest=$BUILD/$flavor
	mkdir -p "$dest"
	cp "$out/arch/x86/boot/bzImage" "$dest/bzImage.new"
	mv "$dest/bzImage.new" "$dest/bzImage"
	ln -sfn "$out" "$dest/linux"
}

toolchain
base=$("$TOP/tools/source.sh")
src_key=$({ basename "$base"; patch_content "${patches[@]}"; } | hash)
out_key=$(how_built "$flavor" | hash)
src=$CACHE/kernel/$src_key/src
out=$src/out-$flavor-$out_key

lock kernel "$CACHE/kernel/$src_key.lock"
prepare_source
build
touch "$out/.done" # The newest use counts when pruning.
publish
step kernel "$flavor: $(realpath --relative-to="$TOP" "$BUILD/$flavor")/bzImage is ready ($("${KMAKE[@]}" -s -C "$src" "O=$out" kernelrelease))"
prune
