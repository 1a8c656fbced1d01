//! Cryptography: the Unix parts of Wine's bcrypt, crypt32, secur32 and msv1_0. Key objects live here; what a guest's structure
//! holds of them is a number that means nothing outside these tables. Nothing is made before its first use.

pub mod bcrypt;
pub mod crypt32;
pub mod msv1_0;
pub mod random;
pub mod secur32;

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Objects that a guest knows by a number. A number is never used twice.
pub struct Table<T> {
    entries: Mutex<Entries<T>>,
}

struct Entries<T> {
    last: u64,
    of: BTreeMap<u64, Arc<T>>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Table { entries: Mutex::new(Entries { last: 0, of: BTreeMap::new() }) }
    }
}

impl<T> Table<T> {
    /// Takes an object in; its number is not 0.
    pub fn insert(&self, object: T) -> u64 {
        self.insert_shared(Arc::new(object))
    }

    /// Takes in an object that has a number already: it gets another one too.
    pub fn insert_shared(&self, object: Arc<T>) -> u64 {
        let mut entries = self.entries.lock();
        entries.last += 1;
        let number = entries.last;
        entries.of.insert(number, object);
        number
    }

    /// The object with this number.
    pub fn get(&self, number: u64) -> Option<Arc<T>> {
        self.entries.lock().of.get(&number).cloned()
    }

    /// Takes it out. Who is at work with it still has it.
    pub fn remove(&self, number: u64) -> Option<Arc<T>> {
        self.entries.lock().of.remove(&number)
    }
}

/// State of the component.
#[derive(Default)]
pub struct Crypto {
    /// Keys of ciphers, as bcrypt has them.
    pub ciphers: Table<Mutex<bcrypt::symmetric::Cipher>>,
    /// Public and private keys, as bcrypt has them.
    pub keys: Table<bcrypt::asymmetric::Key>,
    /// Certificates.
    pub crypt32: crypt32::Crypt32,
    /// TLS.
    pub secur32: secur32::Secur32,
    /// NTLM.
    pub msv1_0: msv1_0::Msv10,
}
