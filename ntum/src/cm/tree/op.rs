//! Changes of the registry, as data: what a process writes for the others.

use super::{KeyId, Owned};
use shim_abi::error::{Error, Result};
use shim_abi::wire::Wire;

shim_abi::wire_structs! {
    /// A key that is made; its number is the next one.
    pub struct Create {
        /// The key that it is made in.
        pub parent: u32,
        /// Its name.
        pub name: Vec<u16>,
        /// Bits of [`crate::cm::hive::flags`].
        pub flags: u16,
        /// Whether it is lost with the session.
        pub volatile: bool,
        /// Its class.
        pub class: Vec<u16>,
        /// Its security descriptor, if it has one.
        pub security: Option<Vec<u8>>,
        /// Its last write, and its parent's.
        pub now: u64,
    }

    /// A value that is set.
    pub struct SetValue {
        /// The key.
        pub key: u32,
        /// The value's name.
        pub name: Vec<u16>,
        /// Its type.
        pub kind: u32,
        /// Its data.
        pub data: Vec<u8>,
        /// When.
        pub now: u64,
    }

    /// A changed key as it is.
    pub struct State {
        /// Its number.
        pub key: u32,
        /// The key that it lies in.
        pub parent: u32,
        /// Its name, UTF-16.
        pub name: Vec<u8>,
        /// Its class, if it is not the hive's.
        pub class: Option<Vec<u8>>,
        /// Its security descriptor.
        pub security: Option<Vec<u8>>,
        /// Its last write.
        pub written: u64,
        /// Bits of [`crate::cm::hive::flags`].
        pub flags: u16,
        /// As [`Op::Keep`].
        pub kept: (u32, u32),
        /// As [`Op::Mount`].
        pub file: Option<Vec<u8>>,
        /// Whether it is lost with the session.
        pub volatile: bool,
        /// Its subkeys, if the list is not the hive's.
        pub children: Option<Vec<u32>>,
        /// Its values, if they are not the hive's.
        pub values: Option<Vec<Owned>>,
    }
}

/// A change. It was checked against the registry that it is made to, which is the same everywhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// Makes a key.
    Create(Create),
    /// Deletes a key without subkeys.
    Delete(KeyId, u64),
    /// Sets a value.
    SetValue(SetValue),
    /// Deletes a value.
    DeleteValue(KeyId, Vec<u16>, u64),
    /// Gives a key another name.
    Rename(KeyId, Vec<u16>, u64),
    /// Sets a key's security descriptor.
    Secure(KeyId, Vec<u8>),
    /// Sets a key's last write.
    Touch(KeyId, u64),
    /// Sets a key's class and flags, and its last write: what restoring does to a key that stays.
    Dress(KeyId, Vec<u16>, u16, u64),
    /// Keeps flags of the 32-bit view (0) or control flags (1).
    Keep(KeyId, u8, u32),
    /// Says which file a key's hive is from; no file: none any more.
    Mount(KeyId, Vec<u16>),
    /// A changed key as it is: part of a snapshot.
    State(Box<State>),
    /// The number of the next key that is made: part of a snapshot.
    Next(u32),
}

impl Op {
    /// The keys that the change is about.
    pub fn keys(&self) -> Vec<KeyId> {
        match self {
            Op::Create(made) => vec![KeyId(made.parent)],
            Op::SetValue(set) => vec![KeyId(set.key)],
            Op::Delete(key, _)
            | Op::DeleteValue(key, ..)
            | Op::Rename(key, ..)
            | Op::Secure(key, _)
            | Op::Touch(key, _)
            | Op::Dress(key, ..)
            | Op::Keep(key, ..)
            | Op::Mount(key, _) => vec![*key],
            Op::State(state) => vec![KeyId(state.key)],
            Op::Next(_) => Vec::new(),
        }
    }

    /// Changes the numbers in it.
    pub fn renumber(&mut self, to: impl Fn(KeyId) -> KeyId) {
        match self {
            Op::Create(made) => made.parent = to(KeyId(made.parent)).0,
            Op::SetValue(set) => set.key = to(KeyId(set.key)).0,
            Op::Delete(key, _)
            | Op::DeleteValue(key, ..)
            | Op::Rename(key, ..)
            | Op::Secure(key, _)
            | Op::Touch(key, _)
            | Op::Dress(key, ..)
            | Op::Keep(key, ..)
            | Op::Mount(key, _) => *key = to(*key),
            Op::State(_) | Op::Next(_) => {}
        }
    }
}

impl Wire for KeyId {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
    }

    fn take(from: &mut &[u8]) -> Result<Self> {
        u32::take(from).map(KeyId)
    }
}

impl Wire for Op {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Op::Create(made) => {
                out.push(0);
                made.put(out);
            }
            Op::Delete(key, now) => {
                out.push(1);
                (*key, *now).put(out);
            }
            Op::SetValue(set) => {
                out.push(2);
                set.put(out);
            }
            Op::DeleteValue(key, name, now) => {
                out.push(3);
                (*key, *now).put(out);
                name.put(out);
            }
            Op::Rename(key, name, now) => {
                out.push(4);
                (*key, *now).put(out);
                name.put(out);
            }
            Op::Secure(key, descriptor) => {
                out.push(5);
                key.put(out);
                descriptor.put(out);
            }
            Op::Touch(key, now) => {
                out.push(6);
                (*key, *now).put(out);
            }
            Op::Dress(key, class, flags, now) => {
                out.push(7);
                (*key, *now).put(out);
                class.put(out);
                flags.put(out);
            }
            Op::Keep(key, which, word) => {
                out.push(8);
                (*key, (*which, *word)).put(out);
            }
            Op::Mount(key, file) => {
                out.push(9);
                key.put(out);
                file.put(out);
            }
            Op::State(state) => {
                out.push(10);
                state.put(out);
            }
            Op::Next(next) => {
                out.push(11);
                next.put(out);
            }
        }
    }

    fn take(from: &mut &[u8]) -> Result<Self> {
        let tag = u8::take(from)?;
        Ok(match tag {
            0 => Op::Create(Create::take(from)?),
            1 => {
                let (key, now) = Wire::take(from)?;
                Op::Delete(key, now)
            }
            2 => Op::SetValue(SetValue::take(from)?),
            3 => {
                let (key, now) = Wire::take(from)?;
                Op::DeleteValue(key, Vec::take(from)?, now)
            }
            4 => {
                let (key, now) = Wire::take(from)?;
                Op::Rename(key, Vec::take(from)?, now)
            }
            5 => Op::Secure(KeyId::take(from)?, Vec::take(from)?),
            6 => {
                let (key, now) = Wire::take(from)?;
                Op::Touch(key, now)
            }
            7 => {
                let (key, now) = Wire::take(from)?;
                Op::Dress(key, Vec::take(from)?, u16::take(from)?, now)
            }
            8 => {
                let (key, (which, word)) = Wire::take(from)?;
                Op::Keep(key, which, word)
            }
            9 => Op::Mount(KeyId::take(from)?, Vec::take(from)?),
            10 => Op::State(Box::new(State::take(from)?)),
            11 => Op::Next(u32::take(from)?),
            _ => return Err(Error::Malformed),
        })
    }
}
