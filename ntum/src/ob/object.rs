//! An object: a header, a dispatcher, and a body that says what it is.

use super::directory::{Directory, SymbolicLink};
use super::types::Type;
use crate::ke::dispatcher::Dispatcher;
use crate::status::{Nt, STATUS_NOT_SUPPORTED, STATUS_OBJECT_TYPE_MISMATCH};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::sync::{Arc, OnceLock, Weak};

/// A counted reference to an object.
pub type Ref = Arc<Object>;

/// An object.
pub struct Object {
    /// What can be waited for.
    pub signal: Dispatcher,
    /// Open handles.
    pub handles: AtomicU32,
    /// Whether it keeps its name without handles.
    pub permanent: AtomicBool,
    /// Its name and the directory it is in, if it has one.
    pub name: Mutex<Option<Name>>,
    /// Its security descriptor in self-relative form, if one was set and it shares none: [`crate::Kernel::with_security`].
    pub security: Mutex<Option<Vec<u8>>>,
    /// What ties it to its record, if other processes see it.
    pub tie: OnceLock<super::shared::Tie>,
    /// What it is.
    pub body: Body,
}

/// Where an object stands in the name space.
pub struct Name {
    /// The directory.
    pub directory: Weak<Object>,
    /// Its name there.
    pub name: Vec<u16>,
}

macro_rules! bodies {
    ($($variant:ident($ty:ty) $accessor:ident,)+) => {
        /// What an object is.
        #[allow(missing_docs)]
        pub enum Body {
            $($variant($ty),)+
            OtherProcess(crate::ps::other::Other),
            OtherThread(crate::ps::other::Other),
        }

        impl Object {
            /// Its type.
            pub fn kind(&self) -> Type {
                match &self.body {
                    $(Body::$variant(_) => Type::$variant,)+
                    Body::OtherProcess(_) => Type::Process,
                    Body::OtherThread(_) => Type::Thread,
                }
            }

            $(
                /// The body, if it is of this type.
                ///
                /// # Errors
                /// `STATUS_OBJECT_TYPE_MISMATCH`; `STATUS_NOT_SUPPORTED` for a process or thread that is another picoprocess's.
                pub fn $accessor(&self) -> Nt<&$ty> {
                    match &self.body {
                        Body::$variant(body) => Ok(body),
                        _ if self.kind() == Type::$variant => Err(STATUS_NOT_SUPPORTED),
                        _ => Err(STATUS_OBJECT_TYPE_MISMATCH),
                    }
                }
            )+
        }
    };
}

/// The body of objects that are all dispatcher and nothing else.
pub struct Plain;

bodies! {
    ObjectType(Type) object_type,
    Directory(Directory) directory,
    SymbolicLink(SymbolicLink) symbolic_link,
    Event(Plain) event,
    Mutant(Plain) mutant,
    Semaphore(crate::ke::semaphore::Semaphore) semaphore,
    Timer(crate::ke::timer::Timer) timer,
    KeyedEvent(crate::ke::keyed::KeyedEvent) keyed_event,
    Thread(Arc<crate::ps::thread::Thread>) thread,
    Process(Arc<crate::ps::process::Process>) process,
    Job(crate::ps::job::Job) job,
    DebugObject(crate::ps::debug::DebugObject) debug_object,
    Section(crate::mm::section::Section) section,
    Device(crate::io::device::Device) device,
    File(crate::io::file::File) file,
    IoCompletion(crate::io::completion::Completion) io_completion,
    UserApcReserve(Plain) user_apc_reserve,
    IoCompletionReserve(Plain) io_completion_reserve,
    Key(crate::cm::key::Key) key,
    Token(Box<crate::se::token::Token>) token,
    AlpcPort(crate::lpc::port::Port) alpc_port,
    Transaction(crate::cm::transaction::Transaction) transaction,
    WindowStation(Plain) window_station,
    Desktop(crate::win32k::user::station::Desktop) desktop,
}

impl Object {
    /// A new object without name or handles.
    pub fn new(signal: Dispatcher, body: Body) -> Ref {
        Arc::new(Object {
            signal,
            handles: AtomicU32::new(0),
            permanent: AtomicBool::new(false),
            name: Mutex::new(None),
            security: Mutex::new(None),
            tie: OnceLock::new(),
            body,
        })
    }

    /// Its full path in the name space, `\BaseNamedObjects\x`; `None` if it has no name. A desktop's does not tell its station's.
    pub fn path(&self) -> Option<Vec<u16>> {
        let kept = self.kept_path()?;
        if self.kind() != Type::Desktop {
            return Some(kept);
        }
        Some([&[u16::from(b'\\')], crate::win32k::user::station::own_name(&kept)].concat())
    }

    /// As [`Object::path`], as the name space has it.
    pub fn kept_path(&self) -> Option<Vec<u16>> {
        if let Some(seat) = self.signal.seat() {
            return seat.shm.begin().path_of(seat.object);
        }
        let guard = self.name.lock();
        let name = guard.as_ref()?;
        let mut path = match name.directory.upgrade() {
            Some(directory) => directory.path().unwrap_or_default(),
            None => return None,
        };
        path.push(u16::from(b'\\'));
        path.extend_from_slice(&name.name);
        Some(path)
    }
}
