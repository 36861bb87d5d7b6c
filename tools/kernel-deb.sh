#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# kernel-deb.sh: Debian packages of a patched kernel, and of its headers, in build/kernel-deb.
# Usage: CONFIG=/boot/config-... tools/kernel-deb.sh      (DRY_RUN=1: only make and check the configuration)
#
# The kernel's own bindeb-pkg makes them, out of CONFIG and packaging/kernel/*.config. The build is kept in the cache, one at
# a time because of its size, so that what is interrupted or run again goes on where it was:
#
#   kernel-deb/KEY/src/       clean source plus patches plus packaging/kernel/rust-headers.patch
#   kernel-deb/KEY/src/out/   its build; bindeb-pkg leaves the packages beside it
#   kernel-deb/.lock          held by whoever writes there

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=tools/kbuild.sh
source "$TOP/tools/kbuild.sh"

dest=$BUILD/kernel-deb
config=${CONFIG:-}
[[ $config ]] || die kernel-deb "CONFIG= is missing: the configuration to start from, for example CONFIG=/boot/config-$(uname -r)"
[[ -r $config ]] || die kernel-deb "CONFIG=$config can not be read"
grep -q '^CONFIG_64BIT=y' "$config" || die kernel-deb "CONFIG=$config is not the configuration of a 64-bit kernel"

# check_packages: what dpkg-buildpackage insists on and deps.sh, which knows what building needs, does not install.
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

# The last word on an option is the one that counts. What the configuration does not know gets its default.
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
	# What is the same already keeps its time, or everything would be built again.
	if ! cmp -s "$out/.config.new" "$out/.config.from"; then
		cp "$out/.config.new" "$out/.config"
		mv "$out/.config.new" "$out/.config.from"
	fi
	"${make[@]}" -s olddefconfig >"$out/config.log" 2>&1 ||
		die kernel-deb "configuring failed:" "$(tail -n 5 "$out/config.log")"
	check_config "$out"
	python3 "$src/scripts/diffconfig" "$config" "$out/.config" >"$dest/config.diff"
	! grep -q '^CONFIG_DEBUG_INFO_BTF=y' "$config" || grep -q '^CONFIG_DEBUG_INFO_BTF=y' "$out/.config" ||
		step kernel-deb "there will be no BTF, which programs in BPF use: it takes pahole (\`apt install pahole\`)"
	step kernel-deb "what differs from $config is in build/kernel-deb/config.diff ($(wc -l <"$dest/config.diff") lines)"
}

# Packages of the C library's headers are made as well, but those of the distribution are to stay.
publish() {
	local deb
	rm -f "$dest"/*.deb
	for deb in "$src"/linux-{image,headers}-*.deb; do
		mv "$deb" "$dest/"
	done
	# Without them the headers would be of no use for the module.
	dpkg-deb --fsys-tarfile "$dest"/linux-headers-*.deb | tar -t | grep -q '/rust/libkernel\.rmeta$' ||
		die kernel-deb "the headers package has no rust/libkernel.rmeta"
	step kernel-deb "\`apt install ./build/kernel-deb/linux-*.deb\`, boot it, \`make KDIR=/lib/modules/$release/build\`"
}

[[ ${DRY_RUN:-} ]] || check_packages
toolchain
base=$("$TOP/tools/source.sh")
mapfile -t patches < <(series_patches)
patches+=("$TOP/packaging/kernel/rust-headers.patch")
key=$({ basename "$base"; cat "${patches[@]}"; } | hash)
src=$CACHE/kernel-deb/$key/src
out=$src/out
lock kernel-deb "$CACHE/kernel-deb/.lock"
rm -rf "$src.new"

# The compiler for the host is to be the one for the kernel, or bindeb-pkg would build the headers' programs again. It has to
# be one word, for rustc links with it, so ccache has to stay away from both.
make=("${KMAKE[@]/#CC=ccache /CC=}" -C "$src" "O=$out")

prepare_source
configure_from
release=$("${make[@]}" -s kernelrelease)
if [[ ${DRY_RUN:-} ]]; then
	step kernel-deb "nothing is built: linux-image-$release and linux-headers-$release would be"
	exit
fi
step kernel-deb "building $release with $JOBS jobs; a distribution's configuration takes hours and tens of gigabytes"
rm -f "$src"/linux-*.{deb,buildinfo,changes}
export DEB_BUILD_OPTIONS=terse DEB_BUILD_PROFILES=pkg.linux-upstream.nokerneldbg
run_make kernel-deb 0 30000 "$out/build.log" "${make[@]}" "-j$JOBS" bindeb-pkg
publish
