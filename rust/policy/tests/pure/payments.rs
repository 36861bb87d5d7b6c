// SPDX-License-Identifier: GPL-2.0

//! What a cgroup pays for, as text.

use proptest::prelude::*;

use memcg_knobs_policy::payments::Payments;
use memcg_knobs_policy::size::ParseError;

use super::config;

#[test]
fn payments_are_words() {
    let table: [(&[u8], bool, bool); 9] = [
        (b"", false, false),
        (b"\n", false, false),
        (b" \t\n", false, false),
        (b"file\n", true, false),
        (b"shmem", false, true),
        (b"file shmem\n", true, true),
        (b"  shmem   file ", true, true),
        (b"shmem\nfile\n", true, true),
        (b"file file\n", true, false),
    ];

    for (input, file, shmem) in table {
        assert_eq!(
            Payments::parse(input),
            Ok(Payments { file, shmem }),
            "{input:?}"
        );
    }
    for junk in [
        &b"max"[..],
        b"0",
        b"files",
        b"File",
        b"file,shmem",
        b"file anon",
        b"+file",
        b"file\0",
    ] {
        assert_eq!(Payments::parse(junk), Err(ParseError::Junk), "{junk:?}");
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn what_is_shown_is_taken(file: bool, shmem: bool) {
        let payments = Payments { file, shmem };
        prop_assert_eq!(Payments::parse(format!("{payments}\n").as_bytes()), Ok(payments));
    }

    #[test]
    fn what_is_taken_is_words(input in proptest::collection::vec(any::<u8>(), 0..12)) {
        if let Ok(payments) = Payments::parse(&input) {
            let words: Vec<_> = input
                .split(u8::is_ascii_whitespace)
                .filter(|word| !word.is_empty())
                .collect();
            prop_assert_eq!(words.contains(&&b"file"[..]), payments.file);
            prop_assert_eq!(words.contains(&&b"shmem"[..]), payments.shmem);
        }
    }
}
