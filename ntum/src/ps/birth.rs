//! What a process leaves for one that it makes: parameters and handles, in the sandbox's memory.

use super::parameters::Parameters;
use crate::call::Cx;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::ob::handle::{Entry, Handle};
use crate::ob::parcel::Parcel;
use crate::types::OBJ_INHERIT;
use std::sync::atomic::Ordering;

shim_abi::wire_structs! {
    /// What a process is told at its start by who made it.
    pub struct Birth {
        /// Its program, `\??\C:\app\x.exe`.
        pub image: Vec<u16>,
        /// Record of its first thread.
        pub thread: u32,
        /// Its parameters.
        pub parameters: Parameters,
        /// Its primary token, if that is not as it is at first: see `se::parcel`.
        pub token: Option<Vec<u8>>,
        /// Handles that it has.
        pub handles: Vec<Inherited>,
        /// PROCESS_PRIOCLASS_*.
        pub priority: u32,
        /// SEM_*, as ProcessDefaultHardErrorMode has it.
        pub error_mode: u32,
    }

    /// A handle that a new process has.
    pub struct Inherited {
        /// Its value.
        pub handle: u32,
        /// Its rights.
        pub access: u32,
        /// Its attributes.
        pub attributes: u32,
        /// To what.
        pub parcel: Parcel,
    }
}

impl Cx<'_> {
    /// The handles that a new process inherits: those that may be, all of them or those of a list, and what of each travels.
    /// What cannot is left out, and traced.
    pub(super) fn inheritable(&self, list: Option<&[Handle]>) -> Vec<(Handle, Entry)> {
        let all = self.k.ob.handles.list().into_iter();
        let wanted = |handle: &Handle| list.is_none_or(|list| list.iter().any(|held| held.0 & !3 == handle.0));
        all.filter(|(handle, entry)| entry.attributes & OBJ_INHERIT != 0 && wanted(handle)).collect()
    }

    /// Packs handles for another process.
    pub(super) fn pack(&self, handles: Vec<(Handle, Entry)>) -> Vec<Inherited> {
        let pack = |(handle, entry): (Handle, Entry)| match self.k.pack(&entry.object) {
            Ok(parcel) => {
                Some(Inherited { handle: handle.0 as u32, access: entry.access, attributes: entry.attributes, parcel })
            }
            Err(status) => {
                if self.k.boot.trace {
                    let kind = entry.object.kind().name();
                    self.k.host.trace(&format!("handle {:#x} ({kind}) is not inherited: {status}", handle.0));
                }
                None
            }
        };
        handles.into_iter().filter_map(pack).collect()
    }
}

impl Kernel {
    /// Takes the handles that the process was given. What turns out to be gone is left out.
    pub(super) fn take_handles(&'static self, cx: &Cx<'_>, handles: &[Inherited]) {
        let mut known: Vec<(&Parcel, Ref)> = Vec::new();
        for inherited in handles {
            let same = known.iter().find(|(parcel, _)| **parcel == inherited.parcel).map(|(_, object)| object.clone());
            let Some(object) = same.or_else(|| self.unpack(cx, &inherited.parcel).ok()) else { continue };
            known.push((&inherited.parcel, object.clone()));
            let entry = Entry { object, access: inherited.access, attributes: inherited.attributes };
            let _ = self.ob.handles.insert_at(Handle(u64::from(inherited.handle)), entry);
        }
        if let Ok((shm, me)) = self.sandbox() {
            let mut tx = shm.begin();
            tx.refuse_given(me);
            let _ = tx.commit();
        }
    }

    /// Priority class and error mode are the maker's.
    pub(super) fn inherit_modes(&self, birth: &Birth) {
        let info = &self.process().info;
        info.class.store(birth.priority, Ordering::Relaxed);
        info.error_mode.store(birth.error_mode, Ordering::Relaxed);
    }
}
