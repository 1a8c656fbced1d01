//! Sockets: `\Device\Afd`, as Wine's ws2_32 and mswsock speak to it, and as programs do that poll by themselves.
//!
//! [`device`] makes files of sockets and hands requests on; [`socket`] is a socket's state, [`connect`] and [`transfer`] what is done
//! with it, [`inside`] the wait of calls that are waited for, [`turn`] what follows when it becomes ready, which [`poller`] finds out for all of them,
//! on its own thread or on one that [`lead`]s. Names are [`names`]' business.

pub mod address;
#[allow(missing_docs)]
pub mod code;
pub mod connect;
pub mod control;
pub mod device;
pub mod dns;
pub mod inside;
pub mod lead;
pub mod linger;
pub mod message;
pub mod names;
pub mod option;
pub mod parcel;
pub mod poll;
pub mod poller;
pub mod seen;
pub mod socket;
pub mod taken;
pub mod transfer;
pub mod transmit;
pub mod turn;
