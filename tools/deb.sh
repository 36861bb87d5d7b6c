#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# deb.sh: a Debian package of memcgctl: build/memcgctl_VERSION_ARCHITECTURE.deb.
# Usage: tools/deb.sh
# install.sh says which files it is made of, so that they are the same ones as with `make install-cli`; cargo-deb, which is
# installed with cargo if it is missing, makes the package out of them as userspace/memcgctl/Cargo.toml says.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# A fixed version: a new one is tried when somebody means to.
CARGO_DEB_VERSION=3.8.0

# find_cargo_deb: one in Rust's own directory counts even where PATH lacks it.
find_cargo_deb() {
	command -v cargo-deb || { [[ -x ~/.cargo/bin/cargo-deb ]] && echo ~/.cargo/bin/cargo-deb; }
}

cargo=$(find_cargo) || die deb "no cargo >= $RUST_MIN" "$DEPS_HINT"
command -v dpkg-deb >/dev/null || die deb "there is no dpkg-deb here to look at a package with"
if ! cargo_deb=$(find_cargo_deb); then
	step deb "building cargo-deb $CARGO_DEB_VERSION (a few minutes)"
	"$cargo" install cargo-deb --version "$CARGO_DEB_VERSION" --locked --jobs "$JOBS" --root ~/.cargo
	cargo_deb=$(find_cargo_deb)
fi

# What is in the assets' directories is what is in the package, so they have to start empty.
root=$BUILD/deb/root
rm -rf "$BUILD/deb"
PREFIX=/usr SYSCONFDIR=/etc DESTDIR=$root "$TOP/tools/install.sh" cli >/dev/null
# dpkg knows by itself what it has installed.
rm -r "$root/usr/share/memcg-knobs"
install -D -m 644 "$TOP/packaging/debian/lintian-overrides" "$root/usr/share/lintian/overrides/memcgctl"

step deb "packing"
PATH=$(dirname "$cargo"):$PATH "$cargo_deb" --quiet --no-build --no-strip --locked \
	--manifest-path "$TOP/userspace/memcgctl/Cargo.toml" --output "$BUILD/deb/" >/dev/null
deb=$(compgen -G "$BUILD/deb/memcgctl_*.deb")
mv "$deb" "$BUILD/"
step deb "build/${deb##*/} is ready"
