# SPDX-License-Identifier: GPL-2.0
# A Nomad task with a dirty limit. Nomad (1.7 or newer, with cgroup v2) creates a cgroup for each raw_exec task, but has no
# option for arbitrary cgroup files, so the task sets its own limit before it executes the program.
# raw_exec must be enabled on the client, which must run as root.
job "backup" {
  type = "batch"
  group "backup" {
    task "dump" {
      driver = "raw_exec"
      config {
        command = "/bin/sh"
        args    = ["-c", "memcgctl set --self dirty_limit_in_bytes=64M && exec dd if=/dev/zero of=/var/backups/image bs=1M count=1024"]
      }
    }
  }
}
