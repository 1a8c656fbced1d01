//! Named pipes and mailslots: `\Device\NamedPipe` and `\Device\Mailslot`.

pub mod state;

#[cfg(test)]
mod state_tests;
