#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# deps.sh: install the dependencies of building and testing, on Debian 12 and 13; elsewhere, print what is missing.
# Usage: tools/deps.sh [lint|test|image|neighbours|bench]      (lint: also formatters and linters; test: also the programs
# that memcgctl is tested with; image, neighbours, bench: also the dependencies of the target of that name)
# If nothing is missing, it takes a fraction of a second and changes nothing. It never removes or downgrades installed
# packages, see apt.sh. The output of apt and cargo is in build/log/deps.log.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=tools/apt.sh
source "$TOP/tools/apt.sh"

# The version of bindgen to build if the distribution's is too old. It is fixed so that updating is a decision.
BINDGEN_VERSION=0.73.2

want_lint=
[[ ${1:-} == lint ]] && want_lint=1

PACKAGES=(git make bash perl python3 gcc libc6-dev pkgconf ca-certificates
	clang-19 lld-19 llvm-19 libclang-19-dev ccache
	flex bison bc cpio kmod rsync xz-utils libelf-dev libssl-dev
	qemu-system-x86 busybox-static e2fsprogs xfsprogs btrfs-progs f2fs-tools)
[[ $want_lint ]] && PACKAGES+=(shellcheck)
[[ ${1:-} == image ]] && PACKAGES+=(mmdebstrap debhelper dh-dkms)
[[ ${1:-} == neighbours ]] && PACKAGES+=(fio stress-ng libcap-dev libnuma-dev
	# to build and run LTP and xfstests
	autoconf automake libtool uuid-dev xfslibs-dev libacl1-dev libattr1-dev libaio-dev
	gawk bc attr acl procps mount util-linux-extra bsdextrautils)
[[ ${1:-} == bench ]] && PACKAGES+=(gnuplot-nox)
[[ ${1:-} == test ]] && PACKAGES+=(systemd crun curl python3-yaml debhelper dh-dkms dkms lintian)

# Debian 12 has the current Rust under other names.
rust_packages() {
	case ${VERSION_ID:-} in
	12) rustc=rustc-web src=rust-web-src cargo=cargo-web fmt=rustfmt-web clippy=rust-web-clippy bindgen= ;;
	*) rustc=rustc src=rust-src cargo=cargo fmt=rustfmt clippy=rust-clippy bindgen=bindgen ;;
	esac
	# Components of a rustup toolchain on PATH are not installed again.
	find_rustc >/dev/null || PACKAGES+=("$rustc" "$src")
	find_cargo >/dev/null || PACKAGES+=("$cargo")
	[[ -z $bindgen ]] || find_bindgen >/dev/null || PACKAGES+=("$bindgen")
	if [[ $want_lint ]]; then
		cargo fmt --version &>/dev/null || PACKAGES+=("$fmt")
		# Linting the module needs the clippy of the same rustc that built the kernel.
		lint_rustc=$(find_rustc || echo "/usr/bin/rustc")
		[[ -x $(dirname "$lint_rustc")/clippy-driver ]] || PACKAGES+=("$clippy")
	fi
}

missing_packages() {
	local package
	for package in "${PACKAGES[@]}"; do
		# "pkgconf" is the real name in both releases; a virtual one would not be found here.
		[[ $(dpkg-query -W -f '${db:Status-Abbrev}' "$package" 2>/dev/null) == ii* ]] || echo "$package"
	done
}

install_packages() {
	mapfile -t missing < <(missing_packages)
	((${#missing[@]})) || return 0
	step deps "installing ${#missing[@]} packages: ${missing[*]}"
	apt_install deps "${missing[@]}"
}

install_bindgen() {
	local cargo
	find_bindgen >/dev/null && return
	cargo=$(find_cargo) || die deps "no cargo >= $RUST_MIN to build bindgen with"
	step deps "building bindgen $BINDGEN_VERSION (a minute or two)"
	logged deps "$cargo" install bindgen-cli --version "$BINDGEN_VERSION" --locked --jobs "$JOBS" --root ~/.cargo
}

# static_libc: a program can be linked statically, which the programs for guests need.
static_libc() {
	echo 'int main(void) { return 0; }' | gcc -static -x c -o /dev/null - 2>/dev/null
}

# libclang SUFFIX: the library that bindgen loads exists where toolchain() looks for it.
libclang() {
	local dir
	dir=$("$(command -v "llvm-config$1" || echo false)" --libdir) || return
	compgen -G "$dir/libclang*.so*" >/dev/null
}

# On other systems, look for each program, because package names differ.
report_missing() {
	local program missing=() llvm='' rustc
	for program in git perl python3 gcc pkg-config flex bison bc cpio depmod rsync xz qemu-system-x86_64 busybox \
		mke2fs mkfs.xfs mkfs.btrfs mkfs.f2fs ${want_lint:+shellcheck}; do
		PATH=$PATH:/usr/sbin:/sbin command -v "$program" >/dev/null || missing+=("$program")
	done
	[[ -e /usr/include/libelf.h ]] || missing+=("libelf's headers")
	[[ -e /usr/include/openssl/opensslv.h ]] || missing+=("OpenSSL's headers")
	static_libc || missing+=("a static C library (glibc-static)")
	llvm=$(find_llvm) || missing+=("clang, lld and llvm >= $LLVM_MIN")
	[[ ! $llvm ]] || libclang "${llvm#none}" || missing+=("libclang of that LLVM, for bindgen")
	find_rustc >/dev/null || missing+=("rustc >= $RUST_MIN with rust-src")
	find_cargo >/dev/null || missing+=("cargo >= $RUST_MIN")
	find_bindgen >/dev/null || missing+=("bindgen >= $BINDGEN_MIN (cargo install bindgen-cli --locked)")
	if [[ $want_lint ]]; then
		cargo fmt --version &>/dev/null || missing+=("rustfmt")
		rustc=$(find_rustc) && [[ ! -x $(dirname "$rustc")/clippy-driver ]] && missing+=("clippy of $rustc")
	fi
	((${#missing[@]})) || return 0
	die deps "packages are only installed on Debian 12 and 13; missing on this system:" "${missing[@]/#/- }" \
		"With these installed, set KSRC=/path/to/clean/linux-7.3.y to the kernel source to patch and build;" \
		"a plain \`make\` only needs KDIR=/path/to/build of a 7.3 tree that is already patched and built."
}

ID='' VERSION_ID=''
# shellcheck source=/dev/null
[[ -r /etc/os-release ]] && source /etc/os-release
if [[ $ID == debian && ($VERSION_ID == 12 || $VERSION_ID == 13) ]]; then
	rust_packages
	install_packages
	install_bindgen
else
	report_missing
fi
