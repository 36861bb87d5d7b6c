// SPDX-License-Identifier: GPL-2.0

//! A made-up machine: a directory for the cgroup2 mount, one for /proc and one for /sys.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::Output;
use tempfile::tempdir;
use tempfile::TempDir;

/// The module's files in a new cgroup, and the kernel's.
const FILES: [(&str, &str); 8] = [
    ("memory.dirty_limit_in_bytes", "max\n"),
    ("memory.dirty_background_limit_in_bytes", "max\n"),
    ("memory.dirty_ratio", "max\n"),
    ("memory.dirty_background_ratio", "max\n"),
    ("memory.dirty_min", "0\n"),
    ("memory.dirty_writeback", ""),
    ("memory.max", "max\n"),
    ("memory.stat", "file_dirty 8192\nfile_writeback 4096\n"),
];

/// The limit that the kernel derives for a cgroup where none is set.
const SYSTEM_LIMIT: u64 = 200 << 20;

pub struct Machine {
    dir: TempDir,
}

/// How a run of memcgctl ended.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Machine {
    /// A machine with the module loaded and no cgroup but the root.
    pub fn new() -> Self {
        Self::stock().with_module()
    }

    fn with_module(self) -> Self {
        self.put("sys/module/memcg_knobs/refcnt", "0\n");
        self
    }

    /// A machine whose kernel knows nothing of the project.
    pub fn stock() -> Self {
        Self::at(tempdir().unwrap())
    }

    /// One with the module, in memory where that can be: the made-up files of many cgroups are slow to make on a disk.
    pub fn in_memory() -> Self {
        let dir = TempDir::new_in("/dev/shm").or_else(|_| tempdir());
        Self::at(dir.unwrap()).with_module()
    }

    fn at(dir: TempDir) -> Self {
        let machine = Self { dir };
        machine.put("cgroup/cgroup.controllers", "cpu io memory pids\n");
        machine.put("cgroup/cgroup.subtree_control", "io memory\n");
        machine.put("cgroup/memory.stat", "file_dirty 12288\nfile_writeback 0\n");
        machine.put("proc/kallsyms", "0 T _text\n0 T balance_dirty_pages\n");
        machine.put("proc/filesystems", "nodev\tproc\n\text4\n\tvfat\n");
        machine.put("proc/self/cgroup", "0::/\n");
        machine.put("proc/sys/vm/dirty_bytes", "0\n");
        machine.put("proc/sys/vm/dirty_ratio", "20\n");
        let cgroup2 = format!(
            "1 1 0:5 / {} rw - cgroup2 none rw\n",
            machine.path("cgroup").display()
        );
        machine.put(
            "proc/self/mountinfo",
            cgroup2 + "2 1 8:1 / / rw - ext4 /dev/a rw\n",
        );
        machine
    }

    /// A path in the machine's directory.
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.dir.path().join(path)
    }

    /// Write a file, and the directories above it.
    pub fn put(&self, path: impl AsRef<Path>, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Put a link in the place of a file.
    pub fn link(&self, path: impl AsRef<Path>, target: &str) {
        let path = self.path(path);
        let _ = fs::remove_file(&path);
        symlink(target, path).unwrap();
    }

    pub fn read(&self, path: impl AsRef<Path>) -> String {
        fs::read_to_string(self.path(path)).unwrap()
    }

    /// A cgroup with all of the files.
    pub fn cgroup(&self, name: impl AsRef<Path>) {
        for (file, content) in FILES {
            self.put(Path::new("cgroup").join(&name).join(file), content);
        }
        let stat = Path::new("cgroup").join(&name).join("memory.dirty_stat");
        self.put(stat, dirty_stat(SYSTEM_LIMIT));
    }

    /// A cgroup with a limit, in force as it is set.
    pub fn limited(&self, name: &str, limit: u64) {
        self.cgroup(name);
        self.put(
            format!("cgroup/{name}/memory.dirty_limit_in_bytes"),
            format!("{limit}\n"),
        );
        self.in_force(name, limit);
    }

    /// Have the kernel report this limit.
    pub fn in_force(&self, name: &str, limit: u64) {
        self.put(
            format!("cgroup/{name}/memory.dirty_stat"),
            dirty_stat(limit),
        );
    }

    /// The command, set to this machine.
    pub fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_memcgctl"));
        command.arg("--cgroup-root").arg(self.path("cgroup"));
        self.places(command)
    }

    /// The same, but it has to find the mount by itself.
    pub fn finding_command(&self) -> Command {
        self.places(Command::new(env!("CARGO_BIN_EXE_memcgctl")))
    }

    fn places(&self, mut command: Command) -> Command {
        command.arg("--proc-root").arg(self.path("proc"));
        command.arg("--sys-root").arg(self.path("sys"));
        command
    }

    pub fn run<S: AsRef<OsStr>>(&self, args: impl IntoIterator<Item = S>) -> Run {
        self.end(self.command().args(args).output().unwrap())
    }

    /// What came of it, the machine's directory being replaced by DIR.
    pub fn end(&self, output: Output) -> Run {
        let dir = self.dir.path().to_str().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap().replace(dir, "DIR");
        Run {
            code: output.status.code().unwrap(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

fn dirty_stat(limit: u64) -> String {
    format!(
        "dirty 8192\nwriteback 4096\nlimit {limit}\nbackground_limit {}\n\
         throttled_usec 1234567\nthrottled_count 34\nwriteback_started 5\n",
        limit / 2
    )
}

impl Run {
    /// Check code and stderr, give stdout.
    pub fn expect(self, code: i32, err: &str) -> String {
        assert_eq!((self.code, self.err.as_str()), (code, err), "{}", self.out);
        self.out
    }
}
