//! Serves who manages the sandbox from outside, see [`shim_abi::control`]. The thread that supervises it does, a message at a time: it
//! waits for no client, and one that breaks the rules or does not read loses its connection.

use super::check_folder;
use super::member::{About, Kin, Member, Ordered};
use super::supervise::{Watched, tell};
use crate::broker::several;
use crate::guest::GuestPath;
use crate::names::Kind;
use crate::policy::is_systems;
use crate::terminal::{self, Terminal};
use crate::{audit, sys};
use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use rustix::net::{ReturnFlags, SocketFlags, accept_with};
use shim_abi::boot::{Brought, Order, Stdio};
use shim_abi::calls::Event;
use shim_abi::control::{self as wire, *};
use shim_abi::error::Error;
use shim_abi::member::FIRST;
use shim_abi::page;
use shim_abi::wire::decode;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Most clients at a time.
const MOST: usize = 64;
/// Exit status of what was ended because nobody wants it any more: 128 and SIGTERM.
const UNWANTED: u32 = 143;

/// A request that was refused: the error, and why, for a person.
type Refused = (Error, String);

/// Somebody who is connected.
struct Client {
    number: u64,
    socket: OwnedFd,
    /// The tag of what asked for notices.
    subscribed: Option<u32>,
    /// Tags of those that wait, and for which process.
    waits: Vec<(u32, u32)>,
}

/// The socket, and who is connected.
pub struct Control {
    socket: OwnedFd,
    id: String,
    name: String,
    init: bool,
    started: i64,
    begun: u64,
    /// NT calls of processes that ended.
    calls: u64,
    last: u64,
    clients: Vec<Client>,
    /// When what was asked to end is ended.
    pub(super) stops: Option<Instant>,
}

fn refuse<T>(error: Error, why: impl Into<String>) -> Result<T, Refused> {
    Err((error, why.into()))
}

fn no_process<T>() -> Result<T, Refused> {
    refuse(Error::NotFound, "there is no such process in the sandbox")
}

impl Control {
    /// Serves a socket that listens. `init` says that the first process is one without a program.
    pub fn new(socket: OwnedFd, id: String, name: String, init: bool) -> Self {
        let (clients, stops, started) = (Vec::new(), None, sys::now());
        audit::event(&blank(What::Started));
        Control { socket, id, name, init, started, begun: 1, calls: 0, last: 0, clients, stops }
    }

    /// What is to be watched: the socket first, then every client's.
    pub(super) fn sockets(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        [self.socket.as_fd()].into_iter().chain(self.clients.iter().map(|client| client.socket.as_fd()))
    }

    /// Serves those that have something to say, in the order of [`Control::sockets`].
    pub(super) fn serve(&mut self, ready: &[bool], watched: &Watched<'_>, members: &mut Vec<Member>) {
        let mut buffer = Vec::new();
        let all: Vec<u64> = self.clients.iter().map(|client| client.number).collect();
        for (number, _) in all.into_iter().zip(ready.iter().skip(1)).filter(|(_, ready)| **ready) {
            buffer.resize(MAX_MESSAGE + 1, 0);
            if self.one(number, &mut buffer, watched, members).is_none() {
                self.clients.retain(|client| client.number != number);
            }
        }
        if ready.first() == Some(&true) {
            self.accept();
        }
        // What was run for who is gone, and is not to go on, ends.
        let here = |client| self.clients.iter().any(|one| one.number == client);
        let left = |member: &&Member| member.about.ordered.as_ref().is_some_and(|of| !of.detached && !here(of.client));
        let left: Vec<u32> = members.iter().filter(left).map(|member| member.number).collect();
        members.iter_mut().filter(|member| left.contains(&member.number)).for_each(|member| member.end(UNWANTED));
    }

    fn accept(&mut self) {
        let Ok(socket) = accept_with(&self.socket, SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) else { return };
        let user = nix::unistd::geteuid().as_raw();
        let known = getsockopt(&socket, PeerCredentials).is_ok_and(|peer| peer.uid() == 0 || peer.uid() == user);
        if known && self.clients.len() < MOST {
            self.last += 1;
            self.clients.push(Client { number: self.last, socket, subscribed: None, waits: Vec::new() });
        }
    }

    /// Takes a message of a client's; nothing if it is not to be served any more.
    fn one(&mut self, number: u64, buffer: &mut [u8], watched: &Watched<'_>, members: &mut Vec<Member>) -> Option<()> {
        let client = self.clients.iter().find(|client| client.number == number)?;
        let (count, flags, brought) = sys::receive(&client.socket, buffer).ok()?;
        if count == 0 || flags.intersects(ReturnFlags::TRUNC | ReturnFlags::CTRUNC) {
            return None;
        }
        let (verb, tag, body) = split_request(buffer.get(..count)?).ok()?;
        macro_rules! answer {
            ($request:ident, $answer:expr) => {{
                let $request = decode(body).ok()?;
                wire::reply(tag, &$answer)
            }};
        }
        let reply = match verb {
            Describe::NUMBER => answer!(request, self.describe(&request, watched, members)),
            Exec::NUMBER => answer!(request, self.exec(request, brought, (number, tag), watched, members)),
            Signal::NUMBER => answer!(request, signal(&request, members)),
            Share::NUMBER => answer!(request, self.share(&request, brought, watched, members)),
            Unshare::NUMBER => answer!(request, self.unshare(&request, watched, members)),
            Stop::NUMBER => answer!(request, self.stop(&request, members)),
            Stats::NUMBER => answer!(request, self.stats(&request, watched, members)),
            Trim::NUMBER => answer!(request, {
                let Trim {} = request;
                members.iter().for_each(|member| tell(member, Event::MemoryLow));
                Ok::<(), Refused>(())
            }),
            Subscribe::NUMBER => {
                let Subscribe {} = decode(body).ok()?;
                let client = self.clients.iter_mut().find(|client| client.number == number)?;
                client.subscribed = Some(tag);
                send_to(client, &wire::reply(tag, &Ok(())))?;
                send_to(client, &notice(tag, &Notice { time: self.started, ..blank(What::Started) }))?;
                return members.iter().try_for_each(|member| send_to(client, &notice(tag, &began(member))));
            }
            Wait::NUMBER => {
                let Wait { process } = decode(body).ok()?;
                if process == 0 || members.iter().any(|member| member.number == process) {
                    let client = self.clients.iter_mut().find(|client| client.number == number)?;
                    client.waits.push((tag, process));
                    // One that waits for ever more is no use to anybody.
                    return (client.waits.len() <= MOST).then_some(());
                }
                wire::reply(tag, &no_process::<End>())
            }
            _ => return None,
        };
        send_to(self.clients.iter().find(|client| client.number == number)?, &reply)
    }

    /// Tells who wants to hear of it.
    pub(super) fn tell(&mut self, what: &Notice) {
        audit::event(what);
        self.clients.retain(|client| client.subscribed.is_none_or(|tag| send_to(client, &notice(tag, what)).is_some()));
    }

    /// A process began.
    pub(super) fn began(&mut self, member: &Member) {
        self.begun += 1;
        self.tell(&began(member));
    }

    /// A process ended; or the sandbox, if there is no process.
    pub(super) fn ended(&mut self, member: Option<&Member>, ended: &End) {
        let End { how, status, ref message } = *ended;
        let what = if member.is_some() { What::Ended } else { What::Stopped };
        self.calls = self.calls.saturating_add(member.map_or(0, |member| shown(member).calls));
        let (process, pid) = member.map_or((0, 0), |member| (member.number, member.process.pid()));
        let what = Notice { process, pid, how, status, text: message.clone(), ..blank(what) };
        audit::event(&what);
        let asked = member.and_then(|member| member.about.ordered.as_ref());
        self.clients.retain_mut(|client| {
            let asked = asked.filter(|asked| asked.client == client.number).map(|asked| asked.tag);
            let waited = client.waits.extract_if(.., |(_, waited)| *waited == process).map(|(tag, _)| tag);
            let replies: Vec<_> = waited.map(|tag| wire::reply(tag, &Ok(ended.clone()))).collect();
            let notices = [asked, client.subscribed.filter(|tag| asked != Some(*tag))];
            let notices = notices.into_iter().flatten().map(|tag| notice(tag, &what));
            replies.into_iter().chain(notices).try_for_each(|message| send_to(client, &message)).is_some()
        });
    }

    fn describe(&self, _: &Describe, watched: &Watched<'_>, members: &[Member]) -> Result<Description, Refused> {
        let granted = watched.broker.names.seen().filter(|mount| mount.kind == Kind::Granted);
        let shares = granted.map(|mount| SharedFolder {
            guest: mount.guest.to_string(),
            host: mount.host.display().to_string(),
            writable: mount.writable,
        });
        Ok(Description {
            id: self.id.clone(),
            name: self.name.clone(),
            pid: std::process::id(),
            started: self.started,
            init: self.init,
            members: members.iter().map(shown).collect(),
            shares: shares.collect(),
        })
    }

    fn exec(
        &mut self,
        call: Exec,
        brought: Vec<OwnedFd>,
        (client, tag): (u64, u32),
        watched: &Watched<'_>,
        members: &mut Vec<Member>,
    ) -> Result<Executed, Refused> {
        let kinds: Vec<Stdio> = brought.iter().map(terminal::stdio).collect();
        if !matches!(kinds.len(), 0 | 3) || kinds.contains(&Stdio::None) {
            return refuse(Error::Invalid, "three descriptors are to come along, none of them of a folder, or none");
        }
        if self.stops.is_some() {
            return refuse(Error::Closed, "the sandbox is about to end");
        }
        let workdir = match call.workdir.as_str() {
            "" => String::new(),
            text => GuestPath::parse(text).map_err(|error| (Error::NameInvalid, error.to_string()))?.slashed(),
        };
        let family = &watched.broker.family;
        let Some(number) = family.enter() else {
            return refuse(Error::TooManyOpen, "the sandbox has as many processes as it may");
        };
        let terminal = Arc::new(Terminal::of(&brought));
        let tokens = watched.broker.deposits.keep(brought).into_iter().chain([0; 3]);
        let kinds = kinds.into_iter().chain([Stdio::None; 3]).take(3);
        let streams = kinds.zip(tokens).map(|(kind, token)| Brought { kind, token }).collect();
        let kin = Arc::new(Kin { root: number, streams, terminal: Some(terminal) });
        let Exec { program, arguments, environment, user, detached, tree, .. } = call;
        let order = Order { program: program.clone(), arguments, environment, workdir, system: user == RunAs::System };
        let ordered = Some(Ordered { client, tag, detached, tree });
        let about = About { maker: 0, program, started: sys::now(), kin: kin.clone(), ordered, stopped: None };
        // What it shares with the first one, that one shares from now on.
        members.iter().take(1).for_each(|first| tell(first, Event::Company));
        match watched.maker.make(number, Vec::new(), Some(order), about) {
            Ok(member) => {
                let pid = member.process.pid();
                self.began(&member);
                members.push(member);
                Ok(Executed { process: number, pid })
            }
            Err(error) => {
                family.leave(number);
                kin.forget(&watched.broker.deposits);
                refuse(Error::OutOfMemory, format!("{error:#}"))
            }
        }
    }

    fn share(
        &mut self,
        call: &Share,
        mut brought: Vec<OwnedFd>,
        watched: &Watched<'_>,
        members: &[Member],
    ) -> Result<(), Refused> {
        let (Some(folder), true) = (brought.pop(), brought.is_empty()) else {
            return refuse(Error::Invalid, "the folder's descriptor is to come along, and no other");
        };
        let guest = GuestPath::parse(&call.guest).map_err(|error| (Error::NameInvalid, error.to_string()))?;
        if is_systems(&guest) {
            return refuse(Error::Invalid, format!("{guest} is the system's"));
        }
        let names = &watched.broker.names;
        if names.seen().any(|mount| {
            mount.kind == Kind::Granted && crate::names::fold::same(&mount.guest.slashed(), &guest.slashed())
        }) {
            return refuse(Error::Exists, format!("another folder is seen at {guest}"));
        }
        let (root, volume) = check_folder(&folder).map_err(|why| (Error::AccessDenied, why))?;
        let host = std::fs::read_link(sys::link(&root)).unwrap_or_default();
        audit::note(true, &call.guest, &format!("share {}", host.display()), false);
        if !names.share(guest, host, root, volume, call.writable) {
            return refuse(Error::TooManyOpen, "too many folders were shared");
        }
        self.changed(What::Shared, &call.guest, watched, members)
    }

    fn unshare(&mut self, call: &Unshare, watched: &Watched<'_>, members: &[Member]) -> Result<(), Refused> {
        let guest = GuestPath::parse(&call.guest).map_err(|error| (Error::NameInvalid, error.to_string()))?;
        if !watched.broker.names.unshare(&guest) {
            return refuse(Error::NotFound, format!("no folder was shared at {guest}"));
        }
        self.changed(What::Unshared, &call.guest, watched, members)
    }

    /// What is seen of the host is another from now on.
    fn changed(&mut self, what: What, guest: &str, watched: &Watched<'_>, members: &[Member]) -> Result<(), Refused> {
        watched.maker.told_of(&watched.broker.names);
        for member in members {
            several::changed(&member.client.changes);
            tell(member, Event::Shares);
        }
        self.tell(&Notice { text: guest.to_owned(), ..blank(what) });
        Ok(())
    }

    fn stop(&mut self, call: &Stop, members: &[Member]) -> Result<(), Refused> {
        let patience = Duration::from_millis(call.patience.into());
        let at = Instant::now().checked_add(patience).unwrap_or_else(Instant::now);
        if patience > Duration::ZERO {
            members.iter().for_each(|member| tell(member, Event::Terminate));
        }
        self.stops = Some(self.stops.map_or(at, |before| before.min(at)));
        self.tell(&blank(What::Stopping));
        Ok(())
    }

    /// Whether what was asked to end has: the time is over, or nobody is left who would make use of it.
    pub(super) fn has_stopped(&self, members: &[Member]) -> Option<End> {
        let end = self.stops?;
        let alone = self.init && members.iter().all(|member| member.about.kin.root == FIRST);
        let status = if self.init { 0 } else { UNWANTED };
        (alone || Instant::now() >= end).then(|| end_as(How::Stopped, status))
    }

    fn stats(&self, _: &Stats, watched: &Watched<'_>, members: &[Member]) -> Result<Statistics, Refused> {
        // What they tell is in the next answer: nobody waits for them.
        members.iter().for_each(|member| tell(member, Event::Count));
        let scratch = watched.broker.scratch_space().map_or((0, 0), |space| (space.total - space.free, space.total));
        let group = watched.groups.folder().map(|folder| folder.display().to_string()).unwrap_or_default();
        let (members, shared) = (members.iter().map(shown).collect(), watched.broker.family.memory_used());
        Ok(Statistics { members, begun: self.begun, calls: self.calls, shared, scratch, group })
    }
}

/// An end of which there is no more to say.
pub(super) fn end_as(how: How, status: u32) -> End {
    End { how, status, message: String::new() }
}

/// A notice that says no more than that.
pub(super) fn blank(what: What) -> Notice {
    Notice { what, time: sys::now(), process: 0, pid: 0, maker: 0, how: How::Status, status: 0, text: String::new() }
}

/// What is told of a process that began.
fn began(member: &Member) -> Notice {
    let wire::Member { process, pid, maker, program, started, .. } = shown(member);
    Notice { process, pid, maker, time: started, text: program, ..blank(What::Began) }
}

fn shown(member: &Member) -> wire::Member {
    let (_, id, calls) = member.client.pages.of(0).map_or((0, 0, 0), page::told);
    let About { maker, program, started, .. } = &member.about;
    let (process, pid, guest_id) = (member.number, member.process.pid(), id as u32);
    wire::Member { process, pid, maker: *maker, program: program.clone(), started: *started, guest_id, calls }
}

fn signal(call: &Signal, members: &mut [Member]) -> Result<(), Refused> {
    let event = match call.kind {
        SignalKind::Interrupt => Event::Interrupt,
        SignalKind::Break => Event::Break,
        SignalKind::Close => Event::Terminate,
        SignalKind::Resize => Event::Resize,
        SignalKind::Kill => {
            let all = members.iter_mut().filter(|member| [0, member.number].contains(&call.process));
            return if all.map(|member| member.end(call.status)).count() > 0 { Ok(()) } else { no_process() };
        }
    };
    // As on a terminal: for the program, and for what it made.
    let told = members.iter().filter(|one| [0, one.number, one.about.kin.root].contains(&call.process));
    if told.map(|member| tell(member, event)).count() > 0 { Ok(()) } else { no_process() }
}

/// Sends without waiting; nothing if the client does not take it.
fn send_to(client: &Client, message: &[u8]) -> Option<()> {
    sys::send_now(&client.socket, message).then_some(())
}
