//! Named pipes and mailslots: `\Device\NamedPipe` and `\Device\Mailslot`.

pub mod create;
pub mod driver;
pub mod mailslot;
pub(crate) mod waiting;

#[cfg(test)]
mod tests;
