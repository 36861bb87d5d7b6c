// SPDX-License-Identifier: GPL-2.0

//! `/proc/PID/mountinfo`, in bytes: mount points need not be UTF-8.

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

/// One mount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// The major and minor number, which identify the superblock.
    pub device: OsString,
    /// The directory within the file system that is mounted.
    pub root: PathBuf,
    /// The mount point.
    pub point: PathBuf,
    /// The type of the file system.
    pub fs_type: String,
    /// The source of the mount: a device, or another string.
    pub source: OsString,
    /// The options of the superblock.
    pub options: OsString,
    /// The cgroup that its pages are charged to, relative to the reader's cgroup namespace.
    pub memcg: Option<OsString>,
}

/// Returns all mounts in the order of the table. Lines that cannot be parsed are left out.
pub fn parse(table: &[u8]) -> Vec<Mount> {
    table
        .split(|&byte| byte == b'\n')
        .filter_map(line)
        .collect()
}

/// Parses `36 35 98:0 /root /point rw,noatime master:1 - ext4 /dev/root rw,errors=continue`, with
/// any number of optional fields before the hyphen.
fn line(line: &[u8]) -> Option<Mount> {
    let mut fields = line.split(|&byte| byte == b' ');
    let device = fields.nth(2)?;
    let root = fields.next()?;
    let point = fields.next()?;
    fields.find(|field| *field == b"-")?;
    let fs_type = fields.next()?;
    let source = fields.next()?;
    let options = fields.next()?;
    // Split before unescaping: commas in values are escaped, too.
    let memcg = options
        .split(|&byte| byte == b',')
        .find_map(|option| option.strip_prefix(b"memcg="));
    Some(Mount {
        device: unescape(device),
        root: unescape(root).into(),
        point: unescape(point).into(),
        fs_type: String::from_utf8_lossy(fs_type).into_owned(),
        source: unescape(source),
        options: unescape(options),
        memcg: memcg.map(unescape),
    })
}

/// Undoes the kernel's escapes, a backslash and three octal digits.
fn unescape(field: &[u8]) -> OsString {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((&byte, tail)) = rest.split_first() {
        rest = tail;
        if let (b'\\', Some(digits)) = (byte, tail.get(..3)) {
            if let Some(value) = octal(digits) {
                bytes.push(value);
                rest = &tail[3..];
                continue;
            }
        }
        bytes.push(byte);
    }
    OsString::from_vec(bytes)
}

fn octal(digits: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(digits).ok()?;
    // from_str_radix would accept a sign.
    let all = text.bytes().all(|digit| matches!(digit, b'0'..=b'7'));
    u8::from_str_radix(text, 8).ok().filter(|_| all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn lines() {
        let mounts = parse(
            b"24 30 0:22 / /proc rw,nosuid - proc proc rw\n\
              30 1 0:26 / /sys/fs/cgroup rw shared:4 master:7 - cgroup2 cgroup2 rw,nsdelegate\n\
              32 1 0:40 / /mnt rw - tmpfs pages rw,size=1k,memcg=/pod\\0541\\040a,x=1\n\
              31 1 8:1 /a /odd\\040name\\012\\134 rw - ext4 /dev/sda1 rw,data=journal\n",
        );
        assert_eq!(mounts.len(), 4);
        assert_eq!(mounts[2].memcg.as_deref(), Some(OsStr::new("/pod,1 a")));
        assert_eq!(mounts[2].source, "pages");
        assert_eq!(mounts[1].fs_type, "cgroup2");
        assert_eq!(mounts[1].options, "rw,nsdelegate");
        assert_eq!(mounts[1].memcg, None);
        assert_eq!(mounts[3].device, "8:1");
        assert_eq!(mounts[3].root, PathBuf::from("/a"));
        assert_eq!(mounts[3].point, PathBuf::from("/odd name\n\\"));
    }

    #[test]
    fn all_that_the_kernel_escapes_in_an_option() {
        let mounts = parse(
            b"32 1 0:40 / /mnt rw - tmpfs t rw,memcg=/../a\\054b\\040c\\011d\\012e\\134f\\134040=g,size=1k\n\
              33 1 0:41 / /mnt rw - ext4 t rw,x=a\\054memcg=/no\n",
        );
        let memcg = mounts[0].memcg.as_deref();
        assert_eq!(memcg, Some(OsStr::new("/../a,b c\td\ne\\f\\040=g")));
        assert_eq!(mounts[1].memcg, None);
    }

    #[test]
    fn nonsense_is_left_out() {
        let table: &[&[u8]] = &[
            b"",
            b"\n\n",
            b"1 2 3 4",
            b"1 2 3 4 5 6 7 8",
            b"1 2 3 4 5 -",
            b"1 2 3 4 5 - ext4",
            b"\xff\xff \xff",
        ];
        for text in table {
            assert_eq!(parse(text), [], "{text:?}");
        }
    }

    #[test]
    fn escapes() {
        let table: &[(&[u8], &[u8])] = &[
            (b"a\\040b", b"a b"),
            (b"\\", b"\\"),
            (b"\\04", b"\\04"),
            (b"\\089", b"\\089"),
            (b"\\777", b"\\777"),
            (b"\\+12", b"\\+12"),
            (b"\xff\\011", b"\xff\t"),
        ];
        for (field, bytes) in table {
            assert_eq!(unescape(field), OsStr::from_bytes(bytes));
        }
    }
}
