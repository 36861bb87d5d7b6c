#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
# The common functions of the tests; lib/ has a file for each subject. Sourced by the tests.
#
# From the environment:
#   SCRATCH, SCRATCH2  block devices that may be overwritten
#   MODULE             the module (default /lib/memcg_knobs.ko)
#   WORKLOAD           the load generator (default: in PATH, or beside the test)
#   KNOBS_QUICK        if set, use smaller parameter sets; the default on a debug kernel,
#                      which is recognized by kmemleak
#   VM_SLOWNESS        factor for time-outs on slow machines (default 1)
set -u

# shellcheck disable=SC2034 # For the tests.
readonly M=$((1 << 20)) PAGE=4096

# The files of a cgroup, with their modes and defaults.
# shellcheck disable=SC2034 # For the tests.
readonly KNOBS="
dirty_limit_in_bytes            644 max
dirty_background_limit_in_bytes 644 max
dirty_ratio                     644 max
dirty_background_ratio          644 max
dirty_min                       644 0
dirty_pace_usec                 644 default
dirty_writeback                 200 -
dirty_stat                      444 -
"

parts=$(dirname "${BASH_SOURCE[0]}")/lib
# shellcheck source=tests/kselftest/lib/ktap.sh
. "$parts/ktap.sh"
# shellcheck source=tests/kselftest/lib/setup.sh
. "$parts/setup.sh"
# shellcheck source=tests/kselftest/lib/cgroups.sh
. "$parts/cgroups.sh"
# shellcheck source=tests/kselftest/lib/loads.sh
. "$parts/loads.sh"
# shellcheck source=tests/kselftest/lib/recharge.sh
. "$parts/recharge.sh"
