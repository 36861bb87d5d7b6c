#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0
# image.sh: build a QEMU virtual machine for trying memcg-knobs in build/image: Debian with the patched kernel, the module,
# memcgctl, two services that compete for a slow disk, and a tour. build/image/start boots it.
# Usage: tools/image.sh      (after `make own-module` and `make deb`)
# mmdebstrap fetches Debian from the configured mirror; the result stays in the cache. Files in it belong to root and other
# users, so root or sudo is needed.

# shellcheck source=tools/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
# shellcheck source=tools/apt.sh
source "$TOP/tools/apt.sh"
PATH=$PATH:/usr/sbin:/sbin

PACKAGES=systemd-sysv,udev,dbus,kmod,procps,less,nano,bash-completion,man-db
ROOT_SIZE=1G SLOW_SIZE=512M

out=$BUILD/image
kernel=$BUILD/release/bzImage module=$BUILD/release/memcg_knobs.ko workload=$BUILD/bin/workload
for file in "$kernel" "$module" "$workload"; do
	[[ -r $file ]] || die image "${file#"$TOP/"} is missing: \`make image\` builds everything that is needed"
done
deb=$(compgen -G "$BUILD/deb/memcgctl_*.deb") || die image "the package memcgctl is missing: \`make deb\` builds it"
command -v mmdebstrap >/dev/null || die image "mmdebstrap is missing: \`apt install mmdebstrap\`"

# shellcheck source=/dev/null
suite=$(source /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
base=$CACHE/image/$suite-$(hash <<<"$PACKAGES").tar
if [[ ! -s $base ]]; then
	step image "fetching Debian $suite (about a minute)"
	mkdir -p "$CACHE/image"
	logged image as_root mmdebstrap --mode=root --format=tar --variant=minbase --include="$PACKAGES" \
		"$suite" "$base.new" "$(mirror)" || die image "Debian $suite could not be fetched"
	mv "$base.new" "$base"
fi

# assemble: build the images as root, in a temporary directory.
assemble() {
	local work release
	work=$(mktemp -d)
	# shellcheck disable=SC2064 # The directory is this one.
	trap "rm -rf '$work'" EXIT
	mkdir "$work/root"
	tar -x -f "$base" -C "$work/root"
	cp "$deb" "$work/root/memcgctl.deb"
	chroot "$work/root" dpkg -i /memcgctl.deb
	rm "$work/root/memcgctl.deb"
	release=$(modinfo -F vermagic "$module")
	install -D -m 644 "$module" "$work/root/lib/modules/${release%% *}/updates/memcg_knobs.ko"
	: >"$work/root/lib/modules/${release%% *}/modules.builtin"
	: >"$work/root/lib/modules/${release%% *}/modules.order"
	depmod -b "$work/root" "${release%% *}"
	install -m 755 "$workload" "$work/root/usr/local/bin/workload"
	cp -r --no-preserve=ownership "$TOP/packaging/image/root/." "$work/root/"
	echo memcg-knobs >"$work/root/etc/hostname"
	echo '/dev/vda / ext4 defaults 0 0
/dev/vdb /srv xfs defaults 0 0' >"$work/root/etc/fstab"
	# The file that "web" reads.
	head -c 64M /dev/zero >"$work/root/var/lib/web"
	chroot "$work/root" passwd -d root
	# These units only take time, or wait for devices that the machine lacks.
	chroot "$work/root" systemctl mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
		fstrim.timer systemd-networkd-wait-online.service man-db.timer
	truncate -s "$ROOT_SIZE" "$out/root.img"
	mke2fs -q -F -t ext4 -d "$work/root" "$out/root.img"
	truncate -s "$SLOW_SIZE" "$out/slow.img"
	mkfs.xfs -q -K "$out/slow.img"
}

step image "building the virtual machine"
rm -rf "$out"
mkdir -p "$out"
logged image as_root env PATH="$PATH" TOP="$TOP" out="$out" base="$base" deb="$deb" module="$module" workload="$workload" \
	ROOT_SIZE="$ROOT_SIZE" SLOW_SIZE="$SLOW_SIZE" bash -euc "$(declare -f assemble); assemble" ||
	die image "building the virtual machine failed"
as_root chown "$(id -u):$(id -g)" "$out"/*.img
cp "$kernel" "$out/bzImage"
install -m 755 "$TOP/packaging/image/start" "$out/start"
step image "build/image/start boots it; build/image can be copied to another machine"
