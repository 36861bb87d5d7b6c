// SPDX-License-Identifier: GPL-2.0

//! Explanations of why a value is invalid for a file or switch.

use crate::knobs::Kind;
use crate::page;
use crate::size::ParseError;
use crate::switch_values::MAX_SECONDS;
use crate::switches::SwitchKind;
use crate::units::Bytes;
use crate::usec::PACES;

/// Explains why a knob of this kind rejects a value.
pub fn of_knob(kind: Kind, error: ParseError) -> String {
    let (form, least, most) = match kind {
        Kind::Bytes | Kind::Trigger => (
            "not a size (64M, 64MiB or 67108864), nor \"max\"",
            format!("{}, two pages", Bytes(page::bytes(2))),
            String::new(),
        ),
        Kind::Ratio => (
            "not a percentage with two decimals at most, nor \"max\"",
            "0.01".to_owned(),
            "100".to_owned(),
        ),
        Kind::Words => (
            "not \"file\", \"shmem\" or \"file shmem\"",
            String::new(),
            String::new(),
        ),
        Kind::Pace => (
            "not a time (25ms, 1s or a number of microseconds), nor \"default\" or \"max\"",
            PACES[0].to_string(),
            PACES[1].to_string(),
        ),
        Kind::Flat => ("nothing that can be set", String::new(), String::new()),
    };
    words(error, form, &least, &most)
}

/// Explains why a switch rejects a value.
pub fn of_switch(kind: SwitchKind, error: ParseError) -> String {
    match kind {
        SwitchKind::OnOff => words(error, "neither 0 nor 1", "", ""),
        SwitchKind::Scope => words(error, "neither \"subtree\" nor \"any\"", "", ""),
        SwitchKind::Seconds => words(
            error,
            "neither a number of seconds nor 0",
            "1",
            &MAX_SECONDS.to_string(),
        ),
        SwitchKind::Pace => words(
            error,
            "neither a time (25ms, 1s or a number of microseconds) nor 0",
            &PACES[0].to_string(),
            &PACES[1].to_string(),
        ),
    }
}

fn words(error: ParseError, form: &str, least: &str, most: &str) -> String {
    match error {
        ParseError::Empty => "the value is empty".to_owned(),
        ParseError::Junk => format!("it is {form}"),
        ParseError::Overflow => "it is more pages than the kernel can count".to_owned(),
        ParseError::TooSmall => format!("it is below the minimum of {least}"),
        ParseError::TooLarge => format!("it is above the maximum of {most}"),
    }
}
