// SPDX-License-Identifier: GPL-2.0

//! Sizes in the syntax of Kubernetes, which differs from the kernel's: here `M` is a million, and
//! `Mi` is 2^20.

/// The suffixes and the powers of 1000 and of 1024 that they stand for. `m`, thousandths, makes no
/// sense for bytes.
const UNITS: [(&str, u128); 12] = [
    ("k", 1000),
    ("M", 1000_u128.pow(2)),
    ("G", 1000_u128.pow(3)),
    ("T", 1000_u128.pow(4)),
    ("P", 1000_u128.pow(5)),
    ("E", 1000_u128.pow(6)),
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
    ("Pi", 1 << 50),
    ("Ei", 1 << 60),
];

/// Returns the bytes of a quantity such as `64Mi`, `1.5Gi` or `67108864`, rounded down. Returns
/// `None` if it is invalid or exceeds the range of cgroup files.
pub fn bytes(text: &str) -> Option<u64> {
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" => 1,
        suffix => UNITS.iter().find(|(name, _)| *name == suffix)?.1,
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) || digits.ends_with('.') {
        return None;
    }
    let whole: u64 = whole.parse().ok()?;
    let mut bytes = u128::from(whole) * unit;
    if !fraction.is_empty() {
        // Further digits make no difference of a byte.
        let fraction = &fraction[..fraction.len().min(18)];
        let scale = 10_u128.pow(u32::try_from(fraction.len()).ok()?);
        bytes += u128::from(fraction.parse::<u64>().ok()?) * unit / scale;
    }
    u64::try_from(bytes)
        .ok()
        .filter(|&bytes| bytes <= i64::MAX as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities() {
        let table = [
            ("0", Some(0)),
            ("67108864", Some(67_108_864)),
            ("64Mi", Some(64 << 20)),
            ("64M", Some(64_000_000)),
            ("1k", Some(1000)),
            ("1Ki", Some(1024)),
            ("1.5Gi", Some(3 << 29)),
            ("0.1Ki", Some(102)),
            ("0.000000000000000000000000001Ei", Some(0)),
            ("2Gi", Some(2 << 30)),
            ("7Ei", Some(7 << 60)),
            ("8Ei", None),
            ("9223372036854775807", Some(i64::MAX as u64)),
            ("9223372036854775808", None),
            ("99999999999999999999", None),
            ("18446744073709551615E", None),
            ("", None),
            ("Mi", None),
            (".5Mi", None),
            ("1.", None),
            ("1.Mi", None),
            ("1..5", None),
            ("-1Mi", None),
            ("+1", None),
            ("1e6", None),
            ("1E6", None),
            ("64 Mi", None),
            (" 64Mi", None),
            ("64Mi\n", None),
            ("64MiB", None),
            ("64mi", None),
            ("64K", None),
            ("100m", None),
            ("6٤", None),
            ("64Mi\u{301}", None),
        ];
        for (text, wanted) in table {
            assert_eq!(bytes(text), wanted, "{text:?}");
        }
    }
}
