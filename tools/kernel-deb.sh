#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# kernel-deb.sh: build Debian packages of a patched kernel and its headers in build/kernel-deb, which is a repository for
# apt. The packages of `make deb` are added if they exist.
# Usage: CONFIG=/boot/config-... tools/kernel-deb.sh      (DRY_RUN=1: only make and check the configuration)
#
# The kernel's bindeb-pkg target builds them from CONFIG and packaging/kernel/*.config. The build stays in the cache, so that
# an interrupted or repeated run continues; only one is kept because of its size:
#
#   kernel-deb/KEY/src/       clean source plus patches plus packaging/kernel/rust-headers.patch
#   kernel-deb/KEY/src/out/   its build; bindeb-pkg leaves the packages beside it
#   kernel-deb/.lock          held by the process that writes there

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=tools/kbuild.sh
source "$TOP/tools/kbuild.sh"
# shellcheck source=tools/apt.sh
source "$TOP/tools/apt.sh"

dest=$BUILD/kernel-deb
config=${CONFIG:-}
[[ $config ]] || die kernel-deb "CONFIG= is missing: name the configuration to start from, for example CONFIG=/boot/config-$(uname -r)"
[[ -r $config ]] || die kernel-deb "CONFIG=$config cannot be read"
grep -q '^CONFIG_64BIT=y' "$config" || die kernel-deb "CONFIG=$config is not the configuration of a 64-bit kernel"

# check_packages: the packages that dpkg-buildpackage needs in addition to those of deps.sh.
check_packages() {
	local package missing=()
	for package in dpkg-dev debhelper libdw-dev; do
		[[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] || missing+=("$package")
	done
	((${#missing[@]} == 0)) || die kernel-deb "packages are missing: \`apt install ${missing[*]}\`"
}

prepare_source() {
	local old patch
	for old in "$CACHE"/kernel-deb/*/; do
		[[ ! -d $old || $old == "${src%src}" ]] || rm -rf "$old"
	done
	[[ ! -d $src ]] || return 0
	step kernel-deb "copying the source and applying $((${#patches[@]} - 1)) patches"
	mkdir -p "$(dirname "$src")"
	copy_source "$base" "$src.new"
	for patch in "${patches[@]}"; do
		apply_patch "$src.new" "$patch"
	done
	mv -T "$src.new" "$src"
}

# The last line for an option wins. Options that the configuration does not have get their default.
configure_from() {
	step kernel-deb "configuring from $config"
	mkdir -p "$out" "$dest"
	grep '^CONFIG_' "$TOP/packaging/kernel/required.config" >"$out/wanted.config"
	{
		cat "$config"
		while IFS= read -r line; do
			! grep -q "^${line%%=*}=" "$config" || echo "$line"
		done < <(grep '^CONFIG_' "$TOP/packaging/kernel/distribution.config")
		cat "$out/wanted.config"
	} >"$out/.config.new"
	# An unchanged file keeps its timestamp, or everything would be rebuilt.
	if ! cmp -s "$out/.config.new" "$out/.config.from"; then
		cp "$out/.config.new" "$out/.config"
		mv "$out/.config.new" "$out/.config.from"
	fi
	"${make[@]}" -s olddefconfig >"$out/config.log" 2>&1 ||
		die kernel-deb "configuring failed:" "$(tail -n 5 "$out/config.log")"
	check_config "$out"
	python3 "$src/scripts/diffconfig" "$config" "$out/.config" >"$dest/config.diff"
	! grep -q '^CONFIG_DEBUG_INFO_BTF=y' "$config" || grep -q '^CONFIG_DEBUG_INFO_BTF=y' "$out/.config" ||
		step kernel-deb "the kernel will lack BTF, which BPF programs use, because pahole is missing (\`apt install pahole\`)"
	step kernel-deb "the differences from $config are in build/kernel-deb/config.diff ($(wc -l <"$dest/config.diff") lines)"
}

# bindeb-pkg also builds the C library's kernel headers, but the distribution's should stay installed.
publish() {
	local deb
	rm -f "$dest"/*.deb
	for deb in "$src"/linux-{image,headers}-*.deb; do
		mv "$deb" "$dest/"
	done
	# Without this file, the module cannot be built against the headers.
	package_has "$dest"/linux-headers-*.deb '/rust/libkernel\.rmeta$' ||
		die kernel-deb "the headers package has no rust/libkernel.rmeta"
	for deb in "$BUILD"/deb/*.deb; do
		[[ ! -e $deb ]] || cp "$deb" "$dest/"
	done
	make_repository "$dest"
	step kernel-deb "\`cp build/kernel-deb/memcg-knobs.list /etc/apt/sources.list.d/ && apt update\`, then \`apt install linux-image-$release linux-headers-$release\`"
}

[[ ${DRY_RUN:-} ]] || check_packages
toolchain
base=$("$TOP/tools/source.sh")
# shellcheck disable=SC2119 # All of them.
mapfile -t patches < <(series_patches)
patches+=("$TOP/packaging/kernel/rust-headers.patch")
key=$({ basename "$base"; cat "${patches[@]}"; } | hash)
src=$CACHE/kernel-deb/$key/src
out=$src/out
lock kernel-deb "$CACHE/kernel-deb/.lock"
rm -rf "$src.new"

# The host compiler must be the kernel's, or bindeb-pkg would rebuild the programs of the headers. It must be a single word,
# because rustc links with it, which rules out ccache for both.
make=("${KMAKE[@]/#CC=ccache /CC=}" -C "$src" "O=$out")

prepare_source
configure_from
release=$("${make[@]}" -s kernelrelease)
if [[ ${DRY_RUN:-} ]]; then
	step kernel-deb "dry run: would build linux-image-$release and linux-headers-$release"
	exit
fi
step kernel-deb "building $release with $JOBS jobs; a distribution's configuration takes hours and tens of gigabytes"
rm -f "$src"/linux-*.{deb,buildinfo,changes}
export DEB_BUILD_OPTIONS=terse DEB_BUILD_PROFILES=pkg.linux-upstream.nokerneldbg
run_make kernel-deb 0 30000 "$out/build.log" "${make[@]}" "-j$JOBS" bindeb-pkg
publish
