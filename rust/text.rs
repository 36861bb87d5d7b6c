// SPDX-License-Identifier: GPL-2.0

//! What the policy's errors, values and units are to the kernel: an errno, a trait to print, types
//! of its own.

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

/// More than there can be is all there is.
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

/// The kernel has a trait `Display` of its own, which the policy does not know of.
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
