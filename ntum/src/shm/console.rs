//! Consoles as all members see them: modes, code pages and titles, and who is attached.

use super::object::{NESTED, field as object};
use super::pipe::NewEnd;
use super::{Shm, Tx, member};
use crate::ke::dispatcher::Kind;
use crate::status::{Nt, STATUS_INSUFFICIENT_RESOURCES};

/// Type of a console's object: none of `ob::types::Type`.
const CONSOLE: u32 = 0x103;

/// Words of a console's body.
mod body {
    /// Title and first title: a block of bytes.
    pub const TITLES: u32 = super::NESTED;
    pub const INPUT_MODE: u32 = 1;
    pub const OUTPUT_MODE: u32 = 2;
    pub const INPUT_PAGE: u32 = 3;
    pub const OUTPUT_PAGE: u32 = 4;
    /// Counts changes.
    pub const VERSION: u32 = 5;
    /// 1: it is the one on the host's terminal.
    pub const SHOWN: u32 = 6;
    pub const COUNT: u32 = 7;
}

/// What all who are attached to a console see alike.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConsoleFacts {
    /// ENABLE_* of input.
    pub input_mode: u32,
    /// ENABLE_* of its first screen buffer.
    pub output_mode: u32,
    /// Code page of input.
    pub input_page: u32,
    /// Code page of output.
    pub output_page: u32,
    /// Its title.
    pub title: Vec<u16>,
    /// Its first title.
    pub original_title: Vec<u16>,
}

impl Tx<'_> {
    /// A new console, which the member holds; `shown` says that it is the one on the host's terminal.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn new_console(&mut self, member: u32, facts: &ConsoleFacts, shown: bool) -> Nt<NewEnd> {
        let object = self.new_object(CONSOLE, Kind::None, 0, 0)?;
        let body = self.allocate(body::COUNT).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        self.fill(object + object::BODY, body);
        self.fill(body + body::SHOWN, u32::from(shown));
        self.set_console(object, facts)?;
        Ok(NewEnd { object, reference: self.hold(object, member, false)? })
    }

    /// Changes what is seen of a console.
    ///
    /// # Errors
    /// `STATUS_INSUFFICIENT_RESOURCES`.
    pub fn set_console(&mut self, object: u32, facts: &ConsoleFacts) -> Nt<()> {
        let body = self.link(object + object::BODY);
        let titles = shim_abi::wire::encode(&(facts.title.clone(), facts.original_title.clone()));
        let block = self.allocate_bytes(&titles).ok_or(STATUS_INSUFFICIENT_RESOURCES)?;
        let before = self.get(body + body::TITLES);
        if before != 0 {
            self.free(before);
        }
        self.set(body + body::TITLES, block);
        self.set(body + body::INPUT_MODE, facts.input_mode);
        self.set(body + body::OUTPUT_MODE, facts.output_mode);
        self.set(body + body::INPUT_PAGE, facts.input_page);
        self.set(body + body::OUTPUT_PAGE, facts.output_page);
        let version = self.get(body + body::VERSION);
        self.set(body + body::VERSION, version.wrapping_add(1));
        Ok(())
    }

    /// What is seen of a console, and the count of changes so far.
    pub fn console_facts(&self, object: u32) -> (u32, ConsoleFacts) {
        let body = self.link(object + object::BODY);
        let titles = self.bytes(self.get(body + body::TITLES));
        let (title, original_title) = shim_abi::wire::decode(&titles).unwrap_or_default();
        let facts = ConsoleFacts {
            input_mode: self.get(body + body::INPUT_MODE),
            output_mode: self.get(body + body::OUTPUT_MODE),
            input_page: self.get(body + body::INPUT_PAGE),
            output_page: self.get(body + body::OUTPUT_PAGE),
            title,
            original_title,
        };
        (self.get(body + body::VERSION), facts)
    }

    /// Whether a console is the one on the host's terminal; `None` if the object is no console.
    pub fn is_shown(&self, object: u32) -> Option<bool> {
        (self.type_of(object) == CONSOLE).then(|| self.get(self.link(object + object::BODY) + body::SHOWN) != 0)
    }

    /// Attaches a member to a console; 0 detaches it.
    pub fn attach(&mut self, member: u32, console: u32) {
        self.set(member + member::field::CONSOLE, console);
    }

    /// The console that a member is attached to, 0 for none.
    pub fn console_of(&self, member: u32) -> u32 {
        self.get(member + member::field::CONSOLE)
    }

    /// The members that are attached to a console, and the numbers of their processes.
    pub fn attached_to(&self, console: u32) -> Vec<(u32, u32)> {
        let members = self.members().into_iter().filter(|member| self.console_of(*member) == console);
        members.map(|member| (member, self.id_of(member))).collect()
    }

    /// Names a member's process group.
    pub fn set_group(&mut self, member: u32, group: u32) {
        self.set(member + member::field::GROUP, group);
    }

    /// A member's process group: its own number unless it was given one.
    pub fn group_of(&self, member: u32) -> u32 {
        match self.get(member + member::field::GROUP) {
            0 => self.id_of(member),
            group => group,
        }
    }
}

impl Shm {
    /// How often what is seen of a console was changed.
    pub fn console_version(&self, object: u32) -> u32 {
        self.load(self.load(object + object::BODY) + body::VERSION)
    }
}
