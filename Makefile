# SPDX-License-Identifier: GPL-2.0
# Makefile: the entry points. Each target is a line or two into tools/ and tests/; `make help` lists them. (What the
# kernel's build system makes of the module stands in Kbuild.)

FLAVOR := $(if $(DEBUG),debug,release)
TORTURED := $(if $(filter 0,$(DEBUG)),release,debug)

.NOTPARALLEL:
.PHONY: all module own-module userland nri kernel demo test test-unit test-vm torture fuzz neighbours bench vm deps \
	patches-edit patches-save patches-check lint clean help install install-cli install-dkms uninstall deb kernel-deb image

all: deps module userland	## the module and the programs, against KDIR
module:				## the module alone
	@tools/module.sh $(FLAVOR)
userland:			## the static programs in build/bin
	@tools/crates.sh build
nri: deps			## the plugin for container runtimes in build/nri, see Documentation/kubernetes.rst
	@tools/crates.sh build memcg-nri
own-module: kernel
	@KDIR= tools/module.sh $(FLAVOR)
kernel: deps			## the patched kernel in build/release (DEBUG=1: build/debug)
	@tools/kernel.sh $(FLAVOR)
demo:				## from nothing: a limit that holds, a restarted service that owns its memory, a pod that pays
	@tools/demo.sh
test:				## from nothing: all tests, on the release and the debug kernel
	@tools/test.sh
test-unit: deps			## unit and property tests on this machine
	@tools/crates.sh test
test-vm: deps own-module userland	## tests in the VM (DEBUG=1: debug kernel; T=name: only that one)
	@tests/kselftest/run.sh --flavor $(FLAVOR) $(T)
torture: deps userland		## everything at once, from a seed that is printed, on the debug kernel (MINUTES=30, SEED=N; DEBUG=0: release)
	@tools/kernel.sh $(TORTURED)
	@KDIR= tools/module.sh $(TORTURED)
	@tests/kselftest/torture.sh --flavor $(TORTURED)
fuzz: deps own-module userland	## the files and the mount option under a fuzzer in the VM (MINUTES=10, SEED=N, DEBUG=1)
	@tests/kselftest/torture.sh --flavor $(FLAVOR) fuzz
neighbours: deps own-module	## tests of other projects (the kernel's own, fio, stress-ng, LTP, xfstests) end as on the stock kernel
	@tools/deps.sh neighbours
	@tools/kernel.sh stock
	@tests/neighbours/run.sh
bench: deps own-module userland	## the figures of Documentation/benchmarks.md; fails if a bound is not met
	@tools/deps.sh bench
	@tools/kernel.sh stock
	@tests/bench/run.sh
vm: deps own-module userland	## a shell in the VM with the module loaded (DEBUG=1: debug kernel)
	@tests/vm/run.sh --flavor $(FLAVOR) --insmod --interactive
install:			## the programs and the module, on this machine (root; after make)
	@tools/install.sh cli module
install-cli:			## memcgctl alone, for any kernel (root; after make userland)
	@tools/install.sh cli
install-dkms:			## the module's sources, for DKMS (root)
	@tools/install.sh dkms
uninstall:			## all that these three installed under PREFIX (root)
	@tools/install.sh uninstall
deb: deps			## Debian packages of memcgctl and of the module's sources, in build/deb
	@tools/deb.sh
kernel-deb: deps		## Debian packages of a patched kernel in build/kernel-deb (CONFIG=/boot/config-...)
	@tools/kernel-deb.sh
image: own-module userland	## a machine for QEMU to try it on, in build/image: build/image/start boots it
	@tools/deps.sh image
	@tools/deb.sh
	@tools/image.sh
patches-edit: deps		## the series as a git tree in build/patches-tree
	@tools/series.sh edit
patches-save:			## build/patches-tree back to patches/
	@tools/series.sh save
patches-check: deps		## build the kernel after every single patch (slow)
	@tools/series.sh check
lint: kernel			## form and lints of everything
	@tools/deps.sh lint
	@tools/lint.sh
deps:				## install what is missing (Debian 12 and 13; elsewhere it is named)
	@tools/deps.sh
clean:				## remove build/, but for patches-tree, and not the cache of kernels outside the checkout
	@[ ! -d build ] || find build -mindepth 1 -maxdepth 1 ! -name patches-tree -exec rm -rf {} +
help:				## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  \1\t\2/p' Makefile | expand -t 18
	@echo
	@echo 'Variables:'
	@echo '  KDIR=DIR        build tree of a patched kernel to build the module against (default: build/release/linux)'
	@echo '  KSRC=DIR        clean Linux 7.3.y source to patch and build, instead of fetching one'
	@echo '  DEBUG=1         the debug kernel instead of the release kernel'
	@echo '  MINUTES=N       how long torture and fuzz go on; SEED=N: from which seed, to have again what was found'
	@echo '  KCSAN=1         the debug kernel looks for data races instead of wrong addresses'
	@echo '  T=NAME          one test of test-vm'
	@echo '  FRESH=1         test, test-vm: also run what has passed before and has not changed since'
	@echo '  LTP=DIR, XFSTESTS=DIR  source trees that neighbours builds their tests from (default: without these)'
	@echo '  ACCEL=KIND      auto (default), kvm or tcg: how the VM runs'
	@echo '  JOBS=N          compilers at once (default: number of processors)'
	@echo '  PREFIX=DIR      where to install (default: /usr/local); SYSCONFDIR=DIR: memcg-knobs.toml (default: /etc)'
	@echo '  DESTDIR=DIR     a directory that stands for / when installing'
	@echo '  CONFIG=FILE     configuration that kernel-deb starts from; DRY_RUN=1: only make and check the configuration'
	@echo '  MEMCG_KNOBS_CACHE=DIR  where sources, built kernels and verdicts are kept between checkouts'
