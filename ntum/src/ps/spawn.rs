//! NtCreateUserProcess: a process makes another.

use super::birth::Choice;
use super::info::class;
use super::launch::{Handles, Order, Relation, examine, launch};
use super::parameters::Parameters;
use crate::call::Cx;
use crate::io::chdir;
use crate::io::condrv::FILE_DEVICE_CONSOLE;
use crate::kernel::Kernel;
use crate::mm::pe::MACHINE_AMD64;
use crate::ob::handle::Handle;
use crate::ob::types::Type;
use crate::se::token::access as token_access;
use crate::status::*;
use crate::types::{ClientId, ObjectAttributesRaw};
use crate::um::UserPtr;
use std::sync::atomic::Ordering;
use zerocopy::IntoBytes;

/// PROCESS_CREATE_FLAGS_BREAKAWAY.
const BREAKAWAY: u32 = 0x1;
/// PROCESS_CREATE_FLAGS_NO_DEBUG_INHERIT.
const NO_DEBUG_INHERIT: u32 = 0x2;
/// PROCESS_CREATE_FLAGS_INHERIT_HANDLES.
const INHERIT_HANDLES: u32 = 0x4;
/// THREAD_CREATE_FLAGS_CREATE_SUSPENDED.
const CREATE_SUSPENDED: u32 = 0x1;
/// THREAD_CREATE_FLAGS_HIDE_FROM_DEBUGGER.
const HIDE_FROM_DEBUGGER: u32 = 0x4;
/// Most entries of a PS_ATTRIBUTE_LIST.
const MAX_ATTRIBUTES: u64 = 64;
/// PROCESS_CREATE_PROCESS.
const PROCESS_CREATE_PROCESS: u32 = 0x80;
/// IMAGE_SUBSYSTEM_WINDOWS_GUI, IMAGE_SUBSYSTEM_WINDOWS_CUI.
const SUBSYSTEM_WINDOWS: u32 = 2;
const SUBSYSTEM_CONSOLE: u32 = 3;
/// dwFlags, among the numbers of [`Parameters::window`].
const FLAGS: usize = 7;
/// STARTF_USESTDHANDLES.
const USE_STANDARD_HANDLES: u32 = 0x100;

/// PS_ATTRIBUTE_* (the documented numbers of PsAttributeNum with their flags).
mod attribute {
    pub const PARENT_PROCESS: u64 = 0x6_0000;
    pub const DEBUG_PORT: u64 = 0x6_0001;
    pub const TOKEN: u64 = 0x6_0002;
    pub const CLIENT_ID: u64 = 0x1_0003;
    pub const TEB_ADDRESS: u64 = 0x1_0004;
    pub const IMAGE_NAME: u64 = 0x2_0005;
    pub const IMAGE_INFO: u64 = 0x6;
    pub const HANDLE_LIST: u64 = 0x2_000b;
    pub const JOB_LIST: u64 = 0x2_0013;
    pub const MACHINE_TYPE: u64 = 0x6_001c;
}

/// An entry of a PS_ATTRIBUTE_LIST.
#[derive(Clone, Copy)]
struct Attribute {
    number: u64,
    size: u64,
    value: u64,
    returned: u64,
}

struct Attributes(Vec<Attribute>);

impl Attributes {
    /// Total length, then entries of attribute, size, value, return length.
    fn read(k: &Kernel, list: u64) -> Nt<Attributes> {
        if list == 0 {
            return Ok(Attributes(Vec::new()));
        }
        let total = UserPtr::<u64>::new(list).read(k)?;
        let count = total.saturating_sub(8) / 32;
        if count > MAX_ATTRIBUTES {
            return Err(STATUS_INVALID_PARAMETER);
        }
        let words = UserPtr::<u64>::new(list + 8).read_vec(k, count as usize * 4)?;
        let entries = words.as_chunks::<4>().0.iter();
        Ok(Attributes(
            entries.map(|&[number, size, value, returned]| Attribute { number, size, value, returned }).collect(),
        ))
    }

    fn find(&self, number: u64) -> Option<Attribute> {
        self.0.iter().copied().find(|entry| entry.number == number)
    }

    fn handles(&self, k: &Kernel, number: u64) -> Nt<Option<Vec<Handle>>> {
        let read = |entry: Attribute| UserPtr::<Handle>::new(entry.value).read_vec(k, (entry.size / 8) as usize);
        self.find(number).map(read).transpose()
    }

    fn answer(&self, k: &Kernel, number: u64, bytes: &[u8]) -> Nt<()> {
        let Some(entry) = self.find(number) else { return Ok(()) };
        let bytes = &bytes[..bytes.len().min(entry.size as usize)];
        k.write_user(entry.value, bytes)?;
        UserPtr::<u64>::new(entry.returned).write_opt(k, bytes.len() as u64)
    }
}

/// The handles that the new process has: those it inherits, and those of its parameters, which are put right. As in Wine, standard
/// handles go to who inherits, and to a console's program that was not given others; a console's go to no other program.
fn choose(
    cx: &Cx<'_>,
    inherited: bool,
    list: Option<Vec<Handle>>,
    subsystem: u32,
    parameters: &mut Parameters,
) -> Choice {
    let console = subsystem == SUBSYSTEM_CONSOLE;
    let given = parameters.window.get(FLAGS).is_some_and(|flags| flags & USE_STANDARD_HANDLES != 0);
    let kept = |value: u64| (inherited || console && !given) && (console || !is_console(cx, Handle(value)));
    let mut choice = Choice { inherited, list, named: Vec::new() };
    if !console {
        parameters.console = 0;
    } else if parameters.console as i32 > 0 {
        // Small negative numbers ask for a console rather than name one.
        choice.named.push(Handle(parameters.console));
    }
    for value in &mut parameters.standard {
        *value = if kept(*value) { *value } else { 0 };
        match &mut choice.list {
            _ if *value == 0 => {}
            _ if !inherited => choice.named.push(Handle(*value)),
            // Who lists handles need not list these.
            Some(list) => list.push(Handle(*value)),
            None => {}
        }
    }
    choice
}

/// A program that is given a console other than its maker's, which a pseudo console is, has its standard handles there unless it is
/// given others. Wine's kernelbase makes them for a console of the program's own alone; they are made here and go along. Answers those
/// that are to be closed again.
fn lend_console(cx: &Cx<'_>, parameters: &mut Parameters, choice: &mut Choice) -> Vec<Handle> {
    if parameters.console as i32 <= 0 || !parameters.standard.contains(&0) {
        return Vec::new();
    }
    let mut lent = Vec::new();
    for (which, value) in parameters.standard.iter_mut().enumerate().filter(|(_, value)| **value == 0) {
        let made = crate::io::condrv::stream_of(cx, Handle(parameters.console), which == 0);
        if let Ok(handle) = made {
            lent.push(handle);
            *value = handle.0;
        }
    }
    choice.named.extend(&lent);
    lent
}

/// Whether a handle is a console's.
fn is_console(cx: &Cx<'_>, handle: Handle) -> bool {
    let entry = cx.k.ob.handles.get(Handle(handle.0 & !3));
    entry.is_ok_and(|entry| entry.object.file().is_ok_and(|file| file.device_kind() == FILE_DEVICE_CONSOLE))
}

/// NtCreateUserProcess: the parameters are normalized. The new process's first thread does not run before it is resumed, unless
/// the thread's flags say otherwise.
///
/// # Errors
/// What opening the image answers, what is wrong with a security descriptor, `STATUS_INVALID_IMAGE_FORMAT` and its kin, `STATUS_INVALID_PARAMETER`, `STATUS_INVALID_HANDLE`,
/// `STATUS_ACCESS_DENIED`, and what another parent and the monitor answer.
#[allow(clippy::too_many_arguments)]
pub fn nt_create_user_process(
    cx: &Cx<'_>,
    process: UserPtr<Handle>,
    thread: UserPtr<Handle>,
    process_access: u32,
    thread_access: u32,
    process_attributes: UserPtr<ObjectAttributesRaw>,
    thread_attributes: UserPtr<ObjectAttributesRaw>,
    process_flags: u32,
    thread_flags: u32,
    parameters: u64,
    _info: u64,
    list: u64,
) -> Nt {
    let k = cx.k;
    if thread_flags & HIDE_FROM_DEBUGGER != 0 {
        return Err(STATUS_INVALID_PARAMETER);
    }
    let attributes = Attributes::read(k, list)?;
    let (process_attributes, thread_attributes) = (process_attributes.load(k)?, thread_attributes.load(k)?);
    let process_security = cx.first_security(process_attributes.security, Type::Process)?;
    let thread_security = cx.first_security(thread_attributes.security, Type::Thread)?;
    let inherits = process_flags & INHERIT_HANDLES != 0;
    let mut parent = (k.ps.id() as u32, None);
    if let Some(named) = attributes.find(attribute::PARENT_PROCESS) {
        let object = cx.object_of(Handle(named.value), Type::Process, PROCESS_CREATE_PROCESS)?;
        if let Some(other) = super::other::process(&object) {
            parent = (other.process().id, Some(object));
        }
    }
    let debug = match attributes.find(attribute::DEBUG_PORT).filter(|port| port.value != 0) {
        Some(port) => Some(
            k.share(&cx.object_of(Handle(port.value), Type::DebugObject, super::debug::DEBUG_PROCESS_ASSIGN)?)?.object,
        ),
        None => None,
    };
    let token = attributes.find(attribute::TOKEN);
    let token = token.map(|token| cx.object_of(Handle(token.value), Type::Token, token_access::START)).transpose()?;
    if attributes.find(attribute::MACHINE_TYPE).is_some_and(|machine| machine.value as u16 != MACHINE_AMD64) {
        return Err(STATUS_NOT_SUPPORTED);
    }
    let jobs = super::job::places(cx, &attributes.handles(k, attribute::JOB_LIST)?.unwrap_or_default())?;
    let name = attributes.find(attribute::IMAGE_NAME).ok_or(STATUS_INVALID_PARAMETER)?;
    let image = UserPtr::<u16>::new(name.value).read_vec(k, (name.size / 2) as usize)?;
    let told = parameters;
    let mut parameters = Parameters::read(k, told)?;
    if chdir::is_too_long(parameters.current_directory()) {
        return Err(STATUS_NOT_A_DIRECTORY);
    }
    parameters.inherit_desktop(k, told)?;
    let (info, file) = examine(cx, &image)?;
    let mut choice =
        choose(cx, inherits, attributes.handles(k, attribute::HANDLE_LIST)?, info.subsystem, &mut parameters);
    let lent = lend_console(cx, &mut parameters, &mut choice);
    let (handles, packed) = match parent.1.as_ref().and_then(super::other::process) {
        None => (Handles::Own(k.chosen(&choice)), Vec::new()),
        Some(other) => {
            let packed = cx.chosen_of(other, &choice)?;
            (Handles::Packed(packed.clone()), packed)
        }
    };
    if !inherits {
        let has = |value: &u64| match &handles {
            Handles::Own(handles) => handles.iter().any(|(handle, _)| handle.0 == value & !3),
            Handles::Packed(handles) => handles.iter().any(|inherited| u64::from(inherited.handle) == value & !3),
        };
        parameters.standard.iter_mut().filter(|value| !has(value)).for_each(|value| *value = 0);
    }
    let own = &k.process().info;
    let order = Order {
        parent: parent.0,
        image,
        file,
        parameters,
        token: k.token_for_child(token.as_deref())?,
        handles,
        priority: match own.class.load(Ordering::Relaxed) {
            low @ (class::IDLE | class::BELOW_NORMAL) => low,
            _ => class::NORMAL,
        },
        affinity: own.affinity.load(Ordering::Relaxed),
        windows: info.subsystem == SUBSYSTEM_WINDOWS,
        error_mode: own.error_mode.load(Ordering::Relaxed),
        relation: Relation::Child {
            breakaway: process_flags & BREAKAWAY != 0,
            jobs,
            debug,
            passes_debugger_on: process_flags & NO_DEBUG_INHERIT == 0,
        },
        suspended: thread_flags & CREATE_SUSPENDED != 0,
        security: (process_security, thread_security),
    };
    let launched = launch(cx, order);
    for handle in lent {
        let _ = k.close_handle(handle);
    }
    packed.iter().for_each(|handle| k.refuse(&handle.parcel));
    let launched = launched?;
    let made = cx.insert(k.import_at(launched.process)?, process_access, process_attributes.attributes)?;
    let first = cx.insert(k.import_at(launched.thread)?, thread_access, thread_attributes.attributes);
    let first = first.inspect_err(|_| {
        let _ = k.close_handle(made);
    })?;
    let id = ClientId { process: launched.id.into(), thread: u64::from(launched.id) + 4 };
    drop(launched);
    attributes.answer(k, attribute::CLIENT_ID, id.as_bytes())?;
    attributes.answer(k, attribute::IMAGE_INFO, info.as_bytes())?;
    attributes.answer(k, attribute::TEB_ADDRESS, &[0; 8])?;
    process.write(k, made)?;
    thread.write(k, first)?;
    Ok(STATUS_SUCCESS)
}
