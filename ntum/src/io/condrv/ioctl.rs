//! Numbers of the console driver's control requests: `CTL_CODE(FILE_DEVICE_CONSOLE, n, METHOD_BUFFERED, access)`.

/// FILE_DEVICE_CONSOLE.
pub const FILE_DEVICE_CONSOLE: u32 = 0x50;
const ANY: u32 = 0;
const READ: u32 = 1;
const WRITE: u32 = 2;

const fn code(function: u32, access: u32) -> u32 {
    FILE_DEVICE_CONSOLE << 16 | access << 14 | function << 2
}

macro_rules! codes {
    ($($name:ident = $function:literal $access:ident;)+) => {
        $(#[allow(missing_docs)] pub const $name: u32 = code($function, $access);)+
    };
}

codes! {
    GET_MODE = 0 READ;
    SET_MODE = 1 WRITE;
    IS_UNIX = 2 ANY;
    READ_CONSOLE = 10 READ;
    READ_FILE = 11 READ;
    READ_INPUT = 12 READ;
    WRITE_INPUT = 13 WRITE;
    PEEK = 14 READ;
    GET_INPUT_INFO = 15 READ;
    SET_INPUT_INFO = 16 WRITE;
    GET_TITLE = 17 READ;
    SET_TITLE = 18 WRITE;
    CTRL_EVENT = 19 ANY;
    BEEP = 20 ANY;
    FLUSH = 21 ANY;
    GET_WINDOW = 22 ANY;
    GET_PROCESS_LIST = 23 ANY;
    READ_CONSOLE_CONTROL = 24 READ;
    GET_INPUT_COUNT = 25 READ;
    WRITE_CONSOLE = 30 WRITE;
    WRITE_FILE = 31 WRITE;
    READ_OUTPUT = 32 READ;
    WRITE_OUTPUT = 33 WRITE;
    GET_OUTPUT_INFO = 34 READ;
    SET_OUTPUT_INFO = 35 WRITE;
    ACTIVATE = 36 WRITE;
    FILL_OUTPUT = 37 WRITE;
    SCROLL = 38 WRITE;
    BIND_PID = 51 ANY;
    SETUP_INPUT = 60 ANY;
    INIT_OUTPUT = 90 ANY;
    CLOSE_OUTPUT = 91 ANY;
}
