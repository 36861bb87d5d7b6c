// SPDX-License-Identifier: GPL-2.0

//! Conversions from the policy's errors, values and units to those of the kernel: to an errno, to
//! the kernel's `Display`, and to its own types.

use kernel::{
    fmt,
    memcg,
    prelude::*,
    time::Delta, //
};

use crate::policy::{
    pace::Pace,
    payments::Payments,
    ratio::Ratio,
    size::ParseError,
    switches::Scope,
    units::{
        Micros,
        Pages, //
    }, //
};

impl From<ParseError> for Error {
    fn from(err: ParseError) -> Self {
        match err {
            ParseError::Overflow => ERANGE,
            _ => EINVAL,
        }
    }
}

impl From<memcg::Pages> for Pages {
    fn from(pages: memcg::Pages) -> Self {
        Self(pages.0 as u64)
    }
}

/// Converts a count that exceeds the maximum to [`memcg::Pages::MAX`], which stands for all pages.
impl From<Pages> for memcg::Pages {
    fn from(pages: Pages) -> Self {
        usize::try_from(pages.0).map_or(Self::MAX, |pages| Self(pages).min(Self::MAX))
    }
}

impl From<Micros> for Delta {
    fn from(time: Micros) -> Self {
        Self::from_micros(time.0.into())
    }
}

/// Implements the kernel's own `Display` trait, which the policy does not know, with that of
/// `core`.
macro_rules! display {
    ($($type:ty),*) => {$(
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                core::fmt::Display::fmt(self, f)
            }
        }
    )*};
}

display!(Pace, Payments, Ratio, Scope);
