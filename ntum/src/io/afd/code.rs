//! Control codes of `\Device\Afd` as Wine 10's ws2_32 uses them (`include/wine/afd.h`): a few are AFD's own, and the rest are
//! requests of Wine's DLLs for what AFD does in other ways.

/// CTL_CODE(FILE_DEVICE_BEEP, n, METHOD_NEITHER, FILE_ANY_ACCESS).
const fn afd(function: u32) -> u32 {
    0x1_0003 | function << 2
}

/// CTL_CODE(FILE_DEVICE_NETWORK, n, METHOD_BUFFERED, FILE_ANY_ACCESS).
pub const fn wine(function: u32) -> u32 {
    0x12_0000 | function << 2
}

pub const BIND: u32 = afd(0x800);
pub const LISTEN: u32 = afd(0x802);
pub const RECV: u32 = afd(0x805);
/// METHOD_BUFFERED, as programs use it themselves: 0x12024.
pub const POLL: u32 = 0x1_2024;
pub const GETSOCKNAME: u32 = afd(0x80b);
pub const EVENT_SELECT: u32 = afd(0x821);
pub const GET_EVENTS: u32 = afd(0x822);

pub const CREATE: u32 = wine(200);
pub const ACCEPT: u32 = wine(201);
pub const ACCEPT_INTO: u32 = wine(202);
pub const CONNECT: u32 = wine(203);
pub const SHUTDOWN: u32 = wine(204);
pub const RECVMSG: u32 = wine(205);
pub const SENDMSG: u32 = wine(206);
pub const TRANSMIT: u32 = wine(207);
pub const ADDRESS_LIST_CHANGE: u32 = wine(208);
pub const FIONBIO: u32 = wine(209);
pub const COMPLETE_ASYNC: u32 = wine(210);
pub const FIONREAD: u32 = wine(211);
pub const SIOCATMARK: u32 = wine(212);
pub const GET_INTERFACE_LIST: u32 = wine(213);
pub const KEEPALIVE_VALS: u32 = wine(214);
pub const MESSAGE_SELECT: u32 = wine(215);
pub const GETPEERNAME: u32 = wine(216);
pub const DEFER: u32 = wine(217);
pub const GET_INFO: u32 = wine(218);
/// First of the options.
pub const FIRST_OPTION: u32 = wine(219);
/// Last of them.
pub const LAST_OPTION: u32 = wine(304);

/// AFD_POLL_*: what is asked of a socket, and what happened to it.
pub mod event {
    pub const READ: u32 = 0x1;
    pub const OOB: u32 = 0x2;
    pub const WRITE: u32 = 0x4;
    pub const HUP: u32 = 0x8;
    pub const RESET: u32 = 0x10;
    pub const CLOSE: u32 = 0x20;
    pub const CONNECT: u32 = 0x40;
    pub const ACCEPT: u32 = 0x80;
    pub const CONNECT_ERR: u32 = 0x100;
    /// How many bits there are.
    pub const COUNT: usize = 13;
    /// Place of the error of a failed connect.
    pub const CONNECT_ERR_BIT: usize = 8;
    /// Place of the error of a broken connection.
    pub const HUP_BIT: usize = 3;
}
