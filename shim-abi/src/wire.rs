//! How a call travels: one datagram per request, one per reply, little-endian, no padding. The same bytes go through the page
//! beside a lane while both sides look at it ([`crate::page`]).
//!
//! Request: `u8` version, `u8` zero, `u16` call number, then the fields of the request in order. Reply: `u32` error number
//! (0: none), then, without an error, the fields of the reply in order. Strings and lists carry a `u32` count in front.
//! Bytes left over are an error: nothing is skipped, nothing is guessed.

use crate::error::{Error, Result};
use crate::{MAX_FRAME, VERSION};
use alloc::string::String;
use alloc::vec::Vec;

/// Something with a layout on the wire.
pub trait Wire: Sized {
    /// Appends the value to `out`.
    fn put(&self, out: &mut Vec<u8>);
    /// Takes the value from the front of `from`.
    ///
    /// # Errors
    /// [`Error::Malformed`] if the bytes are too few or not of the form.
    fn take(from: &mut &[u8]) -> Result<Self>;
}

/// Takes `count` bytes from the front of `from`.
fn bytes<'a>(from: &mut &'a [u8], count: usize) -> Result<&'a [u8]> {
    let (head, tail) = from.split_at_checked(count).ok_or(Error::Malformed)?;
    *from = tail;
    Ok(head)
}

macro_rules! integers {
    ($($t:ty),+) => {$(
        impl Wire for $t {
            fn put(&self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
            fn take(from: &mut &[u8]) -> Result<Self> {
                let raw = bytes(from, size_of::<$t>())?;
                raw.try_into().map(<$t>::from_le_bytes).map_err(|_| Error::Malformed)
            }
        }
    )+};
}
integers!(u8, u16, u32, u64, i32, i64);

impl Wire for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
    fn take(from: &mut &[u8]) -> Result<Self> {
        match u8::take(from)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::Malformed),
        }
    }
}

impl Wire for () {
    fn put(&self, _: &mut Vec<u8>) {}
    fn take(_: &mut &[u8]) -> Result<Self> {
        Ok(())
    }
}

/// Takes a string from the front of `from` where it lies.
///
/// # Errors
/// As [`Wire::take`].
pub fn text<'a>(from: &mut &'a [u8]) -> Result<&'a str> {
    let count = u32::take(from)? as usize;
    core::str::from_utf8(bytes(from, count)?).map_err(|_| Error::Malformed)
}

impl Wire for String {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u32).put(out);
        out.extend_from_slice(self.as_bytes());
    }
    fn take(from: &mut &[u8]) -> Result<Self> {
        text(from).map(String::from)
    }
}

impl<T: Wire> Wire for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        (self.len() as u32).put(out);
        for item in self {
            item.put(out);
        }
    }
    fn take(from: &mut &[u8]) -> Result<Self> {
        let count = u32::take(from)? as usize;
        // Every item takes a byte or more, so a count beyond what is left is a lie, found before memory is spent on it.
        if count > from.len() {
            return Err(Error::Malformed);
        }
        (0..count).map(|_| T::take(from)).collect()
    }
}

impl<T: Wire> Wire for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
    fn take(from: &mut &[u8]) -> Result<Self> {
        bool::take(from)?.then(|| T::take(from)).transpose()
    }
}

impl<A: Wire, B: Wire> Wire for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }
    fn take(from: &mut &[u8]) -> Result<Self> {
        Ok((A::take(from)?, B::take(from)?))
    }
}

/// Defines structs whose fields lie on the wire in the order written.
#[macro_export]
macro_rules! wire_structs {
    ($($(#[$meta:meta])* pub struct $name:ident { $($(#[$fmeta:meta])* pub $field:ident: $ty:ty,)* })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct $name { $($(#[$fmeta])* pub $field: $ty,)* }

        impl $crate::wire::Wire for $name {
            fn put(&self, out: &mut alloc::vec::Vec<u8>) {
                let _ = &out;
                $($crate::wire::Wire::put(&self.$field, out);)*
            }
            fn take(from: &mut &[u8]) -> $crate::error::Result<Self> {
                let _ = &from;
                Ok($name { $($field: <$ty as $crate::wire::Wire>::take(from)?,)* })
            }
        }
    )+};
}

/// Defines enums that lie on the wire as one byte.
#[macro_export]
macro_rules! wire_enums {
    ($($(#[$meta:meta])* pub enum $name:ident { $($(#[$vmeta:meta])* $variant:ident = $number:literal,)+ })+) => {$(
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr(u8)]
        pub enum $name { $($(#[$vmeta])* $variant = $number,)+ }

        impl $crate::wire::Wire for $name {
            fn put(&self, out: &mut alloc::vec::Vec<u8>) {
                out.push(*self as u8);
            }
            fn take(from: &mut &[u8]) -> $crate::error::Result<Self> {
                match <u8 as $crate::wire::Wire>::take(from)? {
                    $($number => Ok($name::$variant),)+
                    _ => Err($crate::error::Error::Malformed),
                }
            }
        }
    )+};
}

/// Decodes a value that fills `from` to its last byte.
///
/// # Errors
/// [`Error::Malformed`] if it does not.
pub fn decode<T: Wire>(mut from: &[u8]) -> Result<T> {
    let value = T::take(&mut from)?;
    if from.is_empty() { Ok(value) } else { Err(Error::Malformed) }
}

/// Encodes a value.
pub fn encode<T: Wire>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    value.put(&mut out);
    out
}

/// A call that the monitor serves: the request is the type itself.
pub trait MonitorCall: Wire {
    /// The call's number.
    const NUMBER: u16;
    /// What it answers.
    type Reply: Wire;
}

/// The datagram of a request.
///
/// # Errors
/// [`Error::NameTooLong`] if it would not fit in [`MAX_FRAME`].
pub fn request<C: MonitorCall>(call: &C) -> Result<Vec<u8>> {
    let mut out = Vec::with_capacity(256);
    VERSION.put(&mut out);
    0u8.put(&mut out);
    C::NUMBER.put(&mut out);
    call.put(&mut out);
    if out.len() > MAX_FRAME { Err(Error::NameTooLong) } else { Ok(out) }
}

/// Splits a request's datagram into its call number and its fields.
///
/// # Errors
/// [`Error::Malformed`] if the header is not of this version.
pub fn split_request(frame: &[u8]) -> Result<(u16, &[u8])> {
    let mut from = frame;
    let version = u8::take(&mut from)?;
    let zero = u8::take(&mut from)?;
    let number = u16::take(&mut from)?;
    if frame.len() > MAX_FRAME || version != VERSION || zero != 0 {
        return Err(Error::Malformed);
    }
    Ok((number, from))
}

/// The datagram of a reply.
pub fn reply<T: Wire>(answer: &Result<T>) -> Vec<u8> {
    let mut out = Vec::with_capacity(256);
    match answer {
        Ok(value) => {
            0u32.put(&mut out);
            value.put(&mut out);
        }
        Err(error) => (*error as u32).put(&mut out),
    }
    out
}

/// Reads a reply's datagram.
///
/// # Errors
/// What the monitor answered, or [`Error::Malformed`].
pub fn read_reply<T: Wire>(mut frame: &[u8]) -> Result<T> {
    match u32::take(&mut frame)? {
        0 => decode(frame),
        number => Err(Error::from_number(number)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    wire_structs! {
        /// A sample.
        pub struct Sample {
            /// A number.
            pub a: u16,
            /// A name.
            pub b: String,
            /// A list.
            pub c: Vec<Option<u64>>,
        }
    }

    #[test]
    fn round_trip() {
        let sample = Sample { a: 7, b: "é".into(), c: vec![None, Some(9)] };
        assert_eq!(decode::<Sample>(&encode(&sample)), Ok(sample));
    }

    #[test]
    fn every_shortening_and_lengthening_is_refused() {
        let raw = encode(&Sample { a: 7, b: "abc".into(), c: vec![Some(1), Some(2)] });
        for end in 0..raw.len() {
            assert_eq!(decode::<Sample>(&raw[..end]), Err(Error::Malformed), "cut at {end}");
        }
        let mut longer = raw.clone();
        longer.push(0);
        assert_eq!(decode::<Sample>(&longer), Err(Error::Malformed));
    }

    #[test]
    fn a_lying_count_costs_no_memory() {
        assert_eq!(decode::<Vec<u8>>(&u32::MAX.to_le_bytes()), Err(Error::Malformed));
    }

    #[test]
    fn replies_carry_errors() {
        let raw = reply::<u32>(&Err(Error::NotVisible));
        assert_eq!(read_reply::<u32>(&raw), Err(Error::NotVisible));
        assert_eq!(read_reply::<u32>(&reply(&Ok(5u32))), Ok(5));
    }
}
