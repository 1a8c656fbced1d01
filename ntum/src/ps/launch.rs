//! A new process, whoever asked for it: its records in the sandbox's memory, what it is told, and its picoprocess.

use super::birth::{Birth, Inherited};
use super::parameters::Parameters;
use crate::call::Cx;
use crate::io::device::Create;
use crate::io::disk::{DiskFile, path};
use crate::io::file::{FILE_EXECUTE, FILE_NON_DIRECTORY_FILE, FILE_READ_DATA, FILE_SYNCHRONOUS_IO_NONALERT};
use crate::mm::page::protect;
use crate::mm::pe::{ImageInformation, MACHINE_AMD64};
use crate::ob::handle::{Entry, Handle};
use crate::ob::types::{SYNCHRONIZE, Type};
use crate::shm::Shm;
use crate::shm::member::UNBORN;
use crate::shm::process::ProcessFacts;
use crate::status::*;
use crate::types::{OBJ_CASE_INSENSITIVE, ObjectAttributes};

/// IMAGE_FILE_DLL.
const DLL: u16 = 0x2000;

/// What a new process has of the one that makes it.
pub(super) enum Relation {
    /// The maker's jobs and debugger, as the flags say.
    Child {
        /// It leaves the maker's job, which must allow that.
        breakaway: bool,
        /// Further jobs that it is put into, by their records.
        jobs: Vec<u32>,
        /// The debug object that it is attached to, by its record.
        debug: Option<u32>,
        /// Whether what it makes is attached to the same.
        passes_debugger_on: bool,
    },
    /// Nothing: it is the system's, entered as the program of a row of `super::summon`.
    System(u32),
}

/// Handles that a new process has.
pub(super) enum Handles {
    /// Of the process that makes it.
    Own(Vec<(Handle, Entry)>),
    /// Of another process, which packed them for the one that makes it.
    Packed(Vec<Inherited>),
}

/// A process that is to be made.
pub(super) struct Order {
    /// Number of the process that it is a child of, 0 for none.
    pub parent: u32,
    /// Its program, `\??\C:\app\x.exe`.
    pub image: Vec<u16>,
    /// The program's file, `C:/app/y.exe`, where that name is one of a link.
    pub file: Option<String>,
    /// Its parameters.
    pub parameters: Parameters,
    /// Its primary token, if that is not as it is at first.
    pub token: Option<Vec<u8>>,
    /// Handles that it has.
    pub handles: Handles,
    /// PROCESS_PRIOCLASS_*.
    pub priority: u32,
    /// Processors that it may run on; 0 for all.
    pub affinity: u64,
    /// SEM_*.
    pub error_mode: u32,
    /// What it has of its maker.
    pub relation: Relation,
    /// Whether its program is one with windows.
    pub windows: bool,
    /// Its first thread waits to be resumed.
    pub suspended: bool,
    /// Security descriptors of the process and of its first thread.
    pub security: (Option<Vec<u8>>, Option<Vec<u8>>),
}

/// A process that was made, held until this is dropped.
pub(super) struct Launched {
    shm: &'static Shm,
    holds: [u32; 2],
    /// Its record.
    pub process: u32,
    /// Its first thread's.
    pub thread: u32,
    /// Its number.
    pub id: u32,
}

impl Drop for Launched {
    fn drop(&mut self) {
        let mut tx = self.shm.begin();
        self.holds.into_iter().for_each(|hold| tx.release(hold));
        // Fails in damaged memory only; the records then stay.
        let _ = tx.commit();
    }
}

/// Looks at a program's file: what it is, and where it lies if `name` is a link's.
///
/// # Errors
/// What opening the image answers, `STATUS_INVALID_IMAGE_FORMAT` and its kin.
pub(super) fn examine(cx: &Cx<'_>, name: &[u16]) -> Nt<(ImageInformation, Option<String>)> {
    let attributes = ObjectAttributes {
        root: Handle(0),
        name: Some(name.to_vec()),
        attributes: OBJ_CASE_INSENSITIVE,
        ..Default::default()
    };
    let access = FILE_READ_DATA | FILE_EXECUTE | SYNCHRONIZE;
    let create = Create::existing(access, FILE_SYNCHRONOUS_IO_NONALERT | FILE_NON_DIRECTORY_FILE);
    let file = cx.open_file(&attributes, &create)?.object;
    let look = || -> Nt<ImageInformation> {
        let source = file.file()?.section_source(cx.k, &file)?;
        let section = cx.k.mm.image_section(cx.k, source, 0, protect::EXECUTE_READ)?;
        Ok(section.section()?.area.image()?.information)
    };
    let info = look();
    let lies = file.file()?.driver::<DiskFile>().ok().map(|file| file.link.uri());
    let lies = lies.filter(|uri| path::fold(uri) != path::fold(&format!("file:{}", dos(name).replace('\\', "/"))));
    // Also one that is no program: it could not be deleted otherwise.
    crate::io::file::last_handle_closed(cx.k, &file);
    let info = info?;
    if info.machine != MACHINE_AMD64 || info.characteristics & DLL != 0 {
        return Err(STATUS_INVALID_IMAGE_FORMAT);
    }
    Ok((info, lies.and_then(|uri| Some(uri.strip_prefix("file:")?.to_owned()))))
}

/// A program's name without `\??\`.
fn dos(image: &[u16]) -> String {
    let name = String::from_utf16_lossy(image);
    name.strip_prefix("\\??\\").unwrap_or(&name).to_owned()
}

/// Makes a process.
///
/// # Errors
/// `STATUS_QUOTA_EXCEEDED` of a job, `STATUS_ACCESS_DENIED` of one that lets nobody break away,
/// `STATUS_OBJECT_NAME_EXISTS` for a system's program that another process is starting or has started,
/// `STATUS_INSUFFICIENT_RESOURCES`, and what the monitor answers.
pub(super) fn launch(cx: &Cx<'_>, order: Order) -> Nt<Launched> {
    let k = cx.k;
    let Order {
        parent,
        image,
        file,
        mut parameters,
        token,
        handles,
        priority,
        affinity,
        error_mode,
        relation,
        windows,
        suspended,
        security,
    } = order;
    crate::io::condrv::common::enter(k);
    crate::io::disk::together::begin(k);
    k.publish_registry()?;
    let handles = match handles {
        Handles::Own(handles) => cx.k.pack_all(handles),
        Handles::Packed(packed) => packed,
    };

    let name = dos(&image);
    let child = matches!(relation, Relation::Child { .. });
    let (shm, me) = k.sandbox()?;
    let mut facts = ProcessFacts {
        parent,
        status: STATUS_PENDING.0,
        created: k.system_time(),
        priority,
        image: image.clone(),
        ..Default::default()
    };
    let mut tx = shm.begin();
    let number = |kind: Type| crate::ob::shared::number(kind);
    let place = tx.new_process(number(Type::Process), &facts)?;
    if windows {
        tx.make_idle_event(place)?;
    }
    let member = tx.add_member(UNBORN, place, None)?;
    facts.id = tx.id_of(member);
    match relation {
        Relation::System(row) => {
            if tx.summoned(row).is_some() {
                return Err(STATUS_OBJECT_NAME_EXISTS);
            }
            tx.set_summoned(row, place, me);
            parameters.group = facts.id;
        }
        Relation::Child { breakaway, jobs, debug, passes_debugger_on } => {
            let maker = tx.process_with(parent).ok_or(STATUS_PROCESS_IS_TERMINATING)?;
            let inherited = tx.job_of_new(maker, breakaway)?;
            for job in Some(inherited).filter(|job| *job != 0).into_iter().chain(jobs) {
                let entered = match tx.enter_job(place, job) {
                    Ok(true) => Err(STATUS_QUOTA_EXCEEDED),
                    Ok(false) => Ok(()),
                    Err(status) => Err(status),
                };
                if let Err(status) = entered {
                    // Its jobs were told of it, and are told of its end.
                    tx.forget_member(member);
                    tx.commit()?;
                    shm.dispose()?;
                    return Err(status);
                }
            }
            // Children of a process that is debugged are debugged too, unless it was made without that.
            let inherited = if tx.passes_debugger_on(me) { tx.debugger_of(me) } else { 0 };
            if let Some(debug) = debug.or(Some(inherited).filter(|debug| *debug != 0)) {
                tx.attach_debugger(member, debug)?;
            }
            tx.pass_debugger_on(member, passes_debugger_on);
            // Another group than its maker's is one of its own.
            if parameters.group != tx.group_of(me) {
                parameters.group = facts.id;
            }
        }
    }
    tx.set_group(member, parameters.group);
    let first = tx.new_thread(number(Type::Thread), facts.id + 4, facts.id, u32::from(suspended))?;
    for (record, security) in [(place, security.0), (first, security.1)] {
        if let Some(security) = security {
            tx.set_security(record, &security)?;
        }
    }
    tx.hold(first, member, false)?;
    // Until the caller has handles to them.
    let holds = [tx.hold(place, me, false)?, tx.hold(first, me, false)?];
    let mut given = Vec::new();
    for (place, open) in handles.iter().filter_map(|inherited| inherited.parcel.record()) {
        if !given.contains(&place) {
            tx.give(place, member, open)?;
            given.push(place);
        }
    }
    let birth = Birth { image, file, thread: first, parameters, token, handles, priority, affinity, error_mode };
    tx.leave_birth(member, &shim_abi::wire::encode(&birth))?;
    tx.commit()?;
    let launched = Launched { shm, holds, process: place, thread: first, id: facts.id };
    shm.dispose()?;

    k.serve_inbox();
    if !k.mm.is_shown() {
        k.keep_limits();
    }
    // Its end will be told.
    crate::io::condrv::listen(k);
    let birth = member.to_le_bytes().to_vec();
    let started = k.host.ask(&shim_abi::calls::ProcessCreate { birth, program: name, child });
    let mut tx = shm.begin();
    let entered = tx.members().contains(&member);
    match started {
        Ok(started) => {
            // It may have said so itself already, and even be gone.
            if entered {
                tx.number_member(member, started);
            }
            // Its job may have ended before it began.
            let status = tx.process_facts(place).status;
            tx.commit()?;
            if status != STATUS_PENDING.0 {
                k.end_member(started, status);
            }
            Ok(launched)
        }
        Err(error) => {
            if entered {
                tx.forget_member(member);
            }
            tx.commit()?;
            Err(error.into())
        }
    }
}
