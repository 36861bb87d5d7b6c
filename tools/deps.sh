#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# deps.sh: install what building and testing needs, on Debian 12 and 13; elsewhere, say what is missing.
# Usage: tools/deps.sh [lint|test]      (lint: also the formatters and linters; test: also the programs that memcgctl is
# tried with)
# With everything in place it takes a fraction of a second and touches nothing.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# The bindgen built where the distribution's is too old. A fixed version: a new one is tried when somebody means to.
BINDGEN_VERSION=0.73.2

want_lint=
[[ ${1:-} == lint ]] && want_lint=1

PACKAGES=(git make bash perl python3 gcc libc6-dev pkgconf ca-certificates
	clang-19 lld-19 llvm-19 libclang-19-dev ccache
	flex bison bc cpio kmod rsync xz-utils libelf-dev libssl-dev
	qemu-system-x86 busybox-static e2fsprogs xfsprogs btrfs-progs)
[[ $want_lint ]] && PACKAGES+=(shellcheck)
[[ ${1:-} == test ]] && PACKAGES+=(systemd crun)

# Debian 12 has its current Rust under other names.
rust_packages() {
	case ${VERSION_ID:-} in
	12) rustc=rustc-web src=rust-web-src cargo=cargo-web fmt=rustfmt-web clippy=rust-web-clippy bindgen= ;;
	*) rustc=rustc src=rust-src cargo=cargo fmt=rustfmt clippy=rust-clippy bindgen=bindgen ;;
	esac
	# What a rustup toolchain on PATH offers is not installed a second time.
	find_rustc >/dev/null || PACKAGES+=("$rustc" "$src")
	find_cargo >/dev/null || PACKAGES+=("$cargo")
	[[ -z $bindgen ]] || find_bindgen >/dev/null || PACKAGES+=("$bindgen")
	if [[ $want_lint ]]; then
		cargo fmt --version &>/dev/null || PACKAGES+=("$fmt")
		# Linting the module takes the clippy of the very rustc that built the kernel.
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
	as_root apt-get update -q
	as_root env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends "${missing[@]}"
}

install_bindgen() {
	local cargo
	find_bindgen >/dev/null && return
	cargo=$(find_cargo) || die deps "no cargo >= $RUST_MIN to build bindgen with"
	step deps "building bindgen $BINDGEN_VERSION (a minute or two)"
	"$cargo" install bindgen-cli --version "$BINDGEN_VERSION" --locked --jobs "$JOBS" --root ~/.cargo
}

# static_libc: can a program be linked statically, as those for the guests are?
static_libc() {
	echo 'int main(void) { return 0; }' | gcc -static -x c -o /dev/null - 2>/dev/null
}

# libclang SUFFIX: is the library there that bindgen loads? toolchain() looks for it in the same place.
libclang() {
	local dir
	dir=$("$(command -v "llvm-config$1" || echo false)" --libdir) || return
	compgen -G "$dir/libclang*.so*" >/dev/null
}

# On other systems every program is looked for by itself, since package names differ.
report_missing() {
	local program missing=() llvm='' rustc
	for program in git perl python3 gcc pkg-config flex bison bc cpio depmod rsync xz qemu-system-x86_64 busybox \
		mke2fs mkfs.xfs mkfs.btrfs ${want_lint:+shellcheck}; do
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
	die deps "this is not Debian 12 or 13, so nothing is installed for you; missing here:" "${missing[@]/#/- }" \
		"With these in place, KSRC=/path/to/clean/linux-7.3.y says which kernel source to patch and build," \
		"and KDIR=/path/to/build of an already patched and built 7.3 tree is all that a plain \`make\` needs."
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
