//! Programs of the base image that the kernel starts itself, when something is asked for that they offer.
//!
//! A Windows session has the service control manager from its first moment. Here nothing of it runs before the first
//! process asks for its pipe; from then on it is a picoprocess like any other, and ends with the sandbox. What it offers
//! beyond the pipe (the endpoint mapper, a service of the program's own) it starts itself, as on Windows.

use super::environment;
use super::info::class;
use super::launch::{Handles, Order, Relation, examine, launch};
use super::parameters::Parameters;
use crate::call::Cx;
use crate::ke::dispatcher::Dispatcher;
use crate::ke::wait::Deadline;
use crate::nls::fold::fold;
use crate::ob::Ref;
use crate::ob::handle::Handle;
use crate::ob::object::{Body, Object, Plain};
use crate::ob::types::SYNCHRONIZE;
use crate::status::*;
use crate::types::{OBJ_OPENIF, ObjectAttributes, wide};

/// A program that is started when it is asked for.
struct Program {
    /// The pipe that it is asked for by, without `\Device\NamedPipe\`.
    pipe: &'static str,
    /// Where it is.
    image: &'static str,
    /// The event that it sets when it is ready.
    ready: &'static str,
}

/// The programs, by row: at most [`crate::shm::summon::ROOM`].
const PROGRAMS: &[Program] = &[Program {
    // The service control manager. Pipe and event are those of Wine's `include/wine/svcctl.idl`.
    pipe: "svcctl",
    image: "C:\\windows\\system32\\services.exe",
    ready: "\\Sessions\\1\\BaseNamedObjects\\__wine_SvcctlStarted",
}];
const _: () = assert!(PROGRAMS.len() <= crate::shm::summon::ROOM as usize);

/// How long a program may take to become ready, in units of 100 ns: the 30 seconds that a service has.
const PATIENCE: i64 = 300_000_000;

/// Somebody asks for a pipe that does not exist. If a program of the system's offers it, that one is started, unless it runs
/// already, and waited for; answers whether it was.
///
/// # Errors
/// What interrupted the wait.
pub fn summon(cx: &Cx<'_>, pipe: &[u16]) -> Nt<bool> {
    let wanted = fold(pipe);
    let Some((row, program)) = (0..).zip(PROGRAMS).find(|(_, program)| fold(&wide(program.pipe)) == wanted) else {
        return Ok(false);
    };
    let k = cx.k;
    // One that ended takes its event with it.
    k.reap_the_dead();
    // Who is to tell that it is ready finds the event made.
    let name = Some(wide(program.ready));
    let attributes = ObjectAttributes { root: Handle(0), name, attributes: OBJ_OPENIF, ..Default::default() };
    let event = Object::new(Dispatcher::notification(false), Body::Event(Plain));
    let (handle, _) = cx.create_named(&attributes, SYNCHRONIZE, event)?;
    let waited = cx.object(handle, SYNCHRONIZE).and_then(|ready| {
        let Some(process) = process_of(cx, row, program)? else { return Ok(STATUS_UNSUCCESSFUL) };
        cx.wait_for(vec![ready, process], false, false, Deadline::of(k, Some(-PATIENCE)))
    });
    let _ = k.close_handle(handle);
    match waited? {
        STATUS_WAIT_0 => Ok(true),
        STATUS_THREAD_IS_TERMINATING => Err(STATUS_THREAD_IS_TERMINATING),
        // Its process ended, it takes too long, or it was not started at all.
        _ => Ok(false),
    }
}

/// The process that runs a program: the one that does already, or a new one. `None` if it cannot be started.
fn process_of(cx: &Cx<'_>, row: u32, program: &Program) -> Nt<Option<Ref>> {
    let k = cx.k;
    let (shm, _) = k.sandbox()?;
    loop {
        k.reap_the_dead();
        let mut tx = shm.begin();
        // Who was about to start it may have been killed over that.
        if let Some((member, maker)) = tx.unborn_summoned(row)
            && !k.host.alive(maker)
        {
            tx.forget_member(member);
        }
        let running = tx.summoned(row);
        tx.commit()?;
        if let Some(process) = running {
            match k.import_at(process) {
                Ok(process) => return Ok(Some(process)),
                // It ended just now.
                Err(_) => continue,
            }
        }
        let order = order(cx, row, program);
        match examine(cx, &order.image).and_then(|_| launch(cx, order)) {
            Ok(launched) => return k.import_at(launched.process).map(Some),
            // Another process was quicker.
            Err(STATUS_OBJECT_NAME_EXISTS) => {}
            Err(status) => {
                if k.boot.trace {
                    k.host.trace(&format!("{} does not start: {status}", program.image));
                }
                return Ok(None);
            }
        }
    }
}

/// A process without a console and standard handles, with the environment of every session.
fn order(cx: &Cx<'_>, row: u32, program: &Program) -> Order {
    let image = wide(program.image);
    let directory = program.image.rfind('\\').map_or("", |end| &program.image[..=end]);
    let parameters = Parameters {
        strings: vec![wide(directory), vec![], image.clone(), image.clone(), image.clone(), vec![], vec![], vec![]],
        environment: environment::block(&cx.k.boot, None),
        flags: 0,
        console: 0,
        console_flags: 0,
        standard: vec![0; 3],
        window: vec![0; 9],
        group: 0,
    };
    Order {
        parent: 0,
        image: [wide("\\??\\"), image].concat(),
        file: None,
        parameters,
        token: None,
        handles: Handles::Own(Vec::new()),
        priority: class::NORMAL,
        affinity: 0,
        error_mode: 0,
        relation: Relation::System(row),
        windows: false,
        suspended: false,
        security: (None, None),
    }
}
