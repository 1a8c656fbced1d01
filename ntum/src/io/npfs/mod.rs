//! Named pipes and mailslots: `\Device\NamedPipe` and `\Device\Mailslot`.

pub mod create;
pub mod driver;
pub mod mailslot;
pub mod state;
mod waiting;

#[cfg(test)]
mod state_tests;
#[cfg(test)]
mod tests;
