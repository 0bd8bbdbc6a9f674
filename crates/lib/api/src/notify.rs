//! NOTIFY as bits: 1 success, 2 failure, 4 delay, 8 never; 0 if not given. The database and the SMTP client
//! use this form.

use crate::queue::v1::Notify;

const SUCCESS: u8 = 1;
const FAILURE: u8 = 2;
const DELAY: u8 = 4;
const NEVER: u8 = 8;

impl Notify {
    /// The sender is never notified.
    pub const NEVER: Self = Self {
        success: false,
        failure: false,
        delay: false,
    };

    /// Decodes the bits; `None`: not given.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            0 => None,
            bits if bits & NEVER != 0 => Some(Self::NEVER),
            bits => Some(Self {
                success: bits & SUCCESS != 0,
                failure: bits & FAILURE != 0,
                delay: bits & DELAY != 0,
            }),
        }
    }

    /// Encodes as bits.
    #[must_use]
    pub fn bits(notify: Option<Self>) -> u8 {
        let Some(notify) = notify else { return 0 };
        let bit = |set: bool, bit: u8| if set { bit } else { 0 };
        let bits =
            bit(notify.success, SUCCESS) | bit(notify.failure, FAILURE) | bit(notify.delay, DELAY);
        if bits == 0 { NEVER } else { bits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_say_the_same() {
        for bits in 0..=NEVER {
            assert_eq!(Notify::bits(Notify::from_bits(bits)), bits);
        }
        assert_eq!(Notify::from_bits(NEVER), Some(Notify::NEVER));
        assert_eq!(Notify::from_bits(0), None);
    }
}
