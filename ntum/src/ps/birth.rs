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
        /// The program's file, `C:/app/y.exe`, where that name is one of a link.
        pub file: Option<String>,
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
        /// Processors that it may run on; 0 for all.
        pub affinity: u64,
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

/// Which of a process's handles one that it makes, or that is made in its name, has.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Those that are inheritable: all, or of a list.
    pub inherited: bool,
    /// That list.
    pub list: Option<Vec<Handle>>,
    /// Those of its parameters, which need not be inheritable.
    pub named: Vec<Handle>,
}

impl Choice {
    /// As numbers: whether handles are inherited (2: those of a list), how many are listed, they, and the named ones.
    pub(super) fn arguments(&self) -> Vec<u64> {
        let list = self.list.as_deref().unwrap_or_default();
        let inherited = if self.inherited { 1 + u64::from(self.list.is_some()) } else { 0 };
        let handles = list.iter().chain(&self.named).map(|handle| handle.0);
        [inherited, list.len() as u64].into_iter().chain(handles).collect()
    }

    /// What the numbers say.
    pub(super) fn of_arguments(arguments: &[u64]) -> Choice {
        let handles = |values: &[u64]| values.iter().map(|value| Handle(*value)).collect::<Vec<_>>();
        let [inherited, count, values @ ..] = arguments else { return Choice::default() };
        let (list, named) = values.split_at((*count as usize).min(values.len()));
        Choice { inherited: *inherited != 0, list: (*inherited == 2).then(|| handles(list)), named: handles(named) }
    }
}

impl Kernel {
    /// The handles of this process that were chosen.
    pub(super) fn chosen(&self, choice: &Choice) -> Vec<(Handle, Entry)> {
        let among = |handle: Handle, list: &[Handle]| list.iter().any(|held| held.0 & !3 == handle.0);
        let wanted = |handle: Handle| choice.list.as_deref().is_none_or(|list| among(handle, list));
        let mut all = self.ob.handles.list();
        all.retain(|(handle, entry)| {
            choice.inherited && entry.attributes & OBJ_INHERIT != 0 && wanted(*handle) || among(*handle, &choice.named)
        });
        all
    }

    /// Packs handles for another process. What cannot travel is left out, and traced.
    pub(super) fn pack_all(&'static self, handles: Vec<(Handle, Entry)>) -> Vec<Inherited> {
        let pack = |(handle, entry): (Handle, Entry)| match self.pack(&entry.object) {
            Ok(parcel) => {
                Some(Inherited { handle: handle.0 as u32, access: entry.access, attributes: entry.attributes, parcel })
            }
            Err(status) => {
                if self.boot.trace {
                    let kind = entry.object.kind().name();
                    self.host.trace(&format!("handle {:#x} ({kind}) is not inherited: {status}", handle.0));
                }
                None
            }
        };
        handles.into_iter().filter_map(pack).collect()
    }

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

    /// Priority class, processors and error mode are as the maker says.
    pub(super) fn inherit_modes(&self, birth: &Birth) {
        let info = &self.process().info;
        info.class.store(birth.priority, Ordering::Relaxed);
        if birth.affinity != 0 {
            info.affinity.store(birth.affinity, Ordering::Relaxed);
            self.ask_for_schedules();
        }
        info.error_mode.store(birth.error_mode, Ordering::Relaxed);
    }
}
