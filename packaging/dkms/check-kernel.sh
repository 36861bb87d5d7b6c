#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# check-kernel.sh: check whether the module can be built for a kernel. If not, print the reason and exit with 1.
# Usage: check-kernel.sh BUILD_TREE RELEASE
# A missing build tree is not refused here: dkms itself reports missing headers.

tree=$1 release=$2
for config in "$tree/include/config/auto.conf" "$tree/.config"; do
	[ -e "$config" ] && break
done
[ -e "$config" ] || exit 0
for option in CONFIG_MEMCG_POLICY CONFIG_RUST; do
	grep -qx "$option=y" "$config" && continue
	echo "memcg-knobs: no module is built for kernel $release, which is without its patches ($option=y is missing)"
	exit 1
done
[ -e "$tree/rust/libkernel.rmeta" ] && exit 0
echo "memcg-knobs: no module is built for kernel $release, whose headers are not good for Rust (rust/libkernel.rmeta is missing)"
exit 1
