//! The console as kernelbase uses it, on a terminal that is a pair of pipes.

use super::ioctl::*;
use super::*;
use crate::host::fake::Fake;
use crate::io::create::nt_create_file;
use crate::io::transfer::{nt_device_io_control_file, nt_read_file, nt_write_file};
use crate::ke::wait::Deadline;
use crate::ps::thread::Thread;
use crate::types::{IoStatusBlock, ObjectAttributesRaw};
use crate::um::{UserPtr, UserSlice};

struct Desk {
    fake: &'static Fake,
    k: &'static Kernel,
    t: Arc<Thread>,
    handles: ConsoleHandles,
}

impl Desk {
    fn new() -> Desk {
        let fake = Fake::leak();
        let mut block = Fake::boot();
        block.stdio = vec![Stdio::Terminal; 3];
        let k: &'static Kernel = Box::leak(Box::new(Kernel::new(fake, block)));
        make_device(k, "\\Device\\ConDrv", FILE_DEVICE_CONSOLE, Device);
        let t = fake.attach(k);
        let handles = boot(&Cx { k, t: &t });
        let desk = Desk { fake, k, t, handles };
        assert_eq!(desk.ioctl(desk.out(), GET_MODE, &[], 4), Err(STATUS_INVALID_HANDLE), "not attached yet");
        desk.open("Connection", handles.console, 0x10_0180).unwrap();
        desk
    }

    fn cx(&self) -> Cx<'_> {
        Cx { k: self.k, t: &self.t }
    }

    fn out(&self) -> Handle {
        self.handles.standard[1]
    }

    fn input(&self) -> Handle {
        self.handles.standard[0]
    }

    fn open(&self, name: &str, root: Handle, access: u32) -> Nt<Handle> {
        let (made, iosb) = (self.fake.alloc(Handle(0)), self.fake.alloc(IoStatusBlock::default()));
        let name = self.fake.unicode_string(name).address();
        let attributes = self.fake.alloc(ObjectAttributesRaw { length: 48, root, name, ..Default::default() });
        let none = UserPtr::new(0);
        nt_create_file(&self.cx(), made, access, attributes, iosb, none, 0, 7, FILE_OPEN, 0x40, 0, 0)?;
        made.read(self.k)
    }

    fn ioctl(&self, handle: Handle, code: u32, input: &[u8], room: u32) -> Nt<Vec<u8>> {
        let (from, to) = (self.fake.alloc_bytes(input), self.fake.alloc_bytes(&vec![0; room as usize]));
        let iosb = self.fake.alloc(IoStatusBlock::default());
        let length = input.len() as u32;
        nt_device_io_control_file(&self.cx(), handle, Handle(0), 0, 0, iosb, code, from, length, to, room)?;
        UserSlice::new(to, iosb.read(self.k)?.information.min(u64::from(room))).read_all(self.k)
    }

    fn write(&self, text: &str) {
        let (buffer, iosb) = (self.fake.alloc_bytes(text.as_bytes()), self.fake.alloc(IoStatusBlock::default()));
        let (none, zero) = (UserPtr::new(0), UserPtr::new(0));
        let length = text.len() as u32;
        let status = nt_write_file(&self.cx(), self.out(), Handle(0), 0, 0, iosb, buffer, length, none, zero);
        assert_eq!(status, Ok(STATUS_SUCCESS));
    }

    fn shown(&self) -> String {
        String::from_utf8(self.fake.standard[1].drain()).unwrap()
    }

    fn info(&self) -> Vec<i16> {
        let info = self.ioctl(self.out(), GET_OUTPUT_INFO, &[], 100).unwrap();
        info.as_chunks::<2>().0.iter().map(|raw| i16::from_le_bytes(*raw)).collect()
    }

    fn cursor(&self) -> (i16, i16) {
        let info = self.info();
        (info[2], info[3])
    }

    fn move_to(&self, x: i16, y: i16) {
        let mut request = 2u32.to_le_bytes().to_vec();
        request.resize(104, 0);
        request[8..10].copy_from_slice(&x.to_le_bytes());
        request[10..12].copy_from_slice(&y.to_le_bytes());
        assert_eq!(self.ioctl(self.out(), SET_OUTPUT_INFO, &request, 0), Ok(vec![]));
    }

    fn mode(&self, handle: Handle, mode: u32) {
        assert_eq!(self.ioctl(handle, SET_MODE, &mode.to_le_bytes(), 0), Ok(vec![]));
    }

    fn row(&self, y: u32, count: u32) -> String {
        let mut request = vec![0; 16];
        request[4..8].copy_from_slice(&y.to_le_bytes());
        let cells = self.ioctl(self.out(), READ_OUTPUT, &request, count * 2).unwrap();
        String::from_utf16_lossy(&crate::answer::units(&cells))
    }

    fn read_line(&self, typed: &[u8], code: u32, room: u32) -> Nt<Vec<u8>> {
        self.fake.standard[0].put(typed);
        self.ioctl(self.input(), code, &[], room)
    }
}

#[test]
fn text_reaches_the_terminal_and_the_buffer() {
    let desk = Desk::new();
    assert_eq!(desk.info()[4..6], [80, 25]);
    desk.ioctl(desk.out(), SET_MODE, &3u32.to_le_bytes(), 0).unwrap();
    desk.write("Hello\r\nworld\n");
    assert_eq!(desk.shown(), "Hello\r\nworld\r\n");
    assert_eq!((desk.row(1, 6), desk.cursor()), ("world ".into(), (0, 2)));
    desk.move_to(3, 0);
    desk.write("p!");
    assert_eq!(desk.shown(), "\x1b[2A\x1b[3Cp!");
    assert_eq!(desk.row(0, 5), "Help!");
    let console = desk.cx().object(desk.out(), 0).unwrap().file().unwrap().device_kind();
    assert_eq!(console, FILE_DEVICE_CONSOLE);
}

#[test]
fn attributes_are_colours_and_sequences_pass_when_they_may() {
    let desk = Desk::new();
    let mut request = 8u32.to_le_bytes().to_vec();
    request.resize(104, 0);
    request[16] = 0x0a;
    desk.ioctl(desk.out(), SET_OUTPUT_INFO, &request, 0).unwrap();
    desk.write("ok\x1b[31m");
    assert_eq!(desk.shown(), "\x1b[0;92mok←[31m");
    desk.mode(desk.out(), 7);
    desk.write("\r\n\x1b[1;31mred\x1b[0m plain\x1b[5D\x1b[K\x1b]52;c;QQ==\x07");
    assert_eq!(desk.shown(), "\r\n\x1b[0;92m\x1b[1;31mred\x1b[0m plain\x1b[5D\x1b[K");
    assert_eq!(desk.row(1, 6), "red   ");
}

#[test]
fn questions_are_answered_from_here() {
    let desk = Desk::new();
    desk.mode(desk.out(), 7);
    desk.mode(desk.input(), 0x200);
    desk.write("\r\nab\x1b[6n");
    assert_eq!(desk.shown(), "\r\nab");
    let records = desk.ioctl(desk.input(), READ_INPUT, &[], 40 * 20).unwrap();
    let typed: Vec<u8> = records.chunks(20).filter(|r| r[4] == 1).map(|r| r[14]).collect();
    assert_eq!(typed, b"\x1b[2;3R");
}

#[test]
fn a_line_is_edited_echoed_and_remembered() {
    let desk = Desk::new();
    desk.write("> ");
    let line = desk.read_line(b"ab\x7fcX\x1b[D\x1b[3~\r", READ_FILE, 100).unwrap();
    assert_eq!(line, b"ac\r\n");
    assert_eq!((desk.row(0, 6), desk.cursor()), ("> ac  ".into(), (0, 1)));
    let again = desk.read_line(b"\x1b[A!\r", READ_CONSOLE, 100).unwrap();
    assert_eq!(String::from_utf16_lossy(&crate::answer::units(&again)), "ac!\r\n");
    let part = desk.read_line("été\r".as_bytes(), READ_CONSOLE, 4).unwrap();
    assert_eq!(String::from_utf16_lossy(&crate::answer::units(&part)), "ét");
    let rest = desk.ioctl(desk.input(), READ_CONSOLE, &[], 100).unwrap();
    assert_eq!(String::from_utf16_lossy(&crate::answer::units(&rest)), "é\r\n");
    assert_eq!(desk.read_line(b"\x1a\r", READ_FILE, 9), Ok(vec![]), "Ctrl-Z ends the input");
}

#[test]
fn a_long_line_scrolls_with_its_start() {
    let desk = Desk::new();
    desk.write(&"\n".repeat(24));
    desk.write("p>");
    let text = "x".repeat(200);
    let line = desk.read_line(format!("{text}\x1b[Hy\r").as_bytes(), READ_FILE, 999).unwrap();
    assert_eq!(line, format!("y{text}\r\n").into_bytes());
    assert_eq!(desk.cursor(), (0, 24));
    assert!(desk.row(21, 4).starts_with("p>yx"), "{}", desk.row(21, 4));
}

#[test]
fn without_lines_keys_come_one_by_one() {
    let desk = Desk::new();
    desk.mode(desk.input(), 0);
    assert_eq!(desk.read_line(b"k", READ_CONSOLE, 100), Ok(vec![b'k', 0]));
    assert_eq!(desk.shown(), "");
    let input = desk.cx().object(desk.input(), 0).unwrap();
    assert_eq!(input.signal.count(), 0, "nothing is left to be read");
    desk.fake.standard[0].put(b"\x1b[B");
    assert_eq!(desk.cx().wait_for(vec![input], false, false, Deadline::Never), Ok(STATUS_WAIT_0));
    let records = desk.ioctl(desk.input(), READ_INPUT, &[], 200).unwrap();
    assert_eq!((records.len(), records[10]), (40, 0x28));
}

#[test]
fn cells_are_written_filled_and_scrolled() {
    let desk = Desk::new();
    let mut request: Vec<u8> = [2u32, 1, 0, 0].iter().flat_map(|n| n.to_le_bytes()).collect();
    request.extend(output::bytes_of(&wide("cell")));
    assert_eq!(desk.ioctl(desk.out(), WRITE_OUTPUT, &request, 4), Ok(4u32.to_le_bytes().to_vec()));
    assert_eq!(desk.row(1, 7), "  cell ");
    assert!(desk.shown().starts_with("\r\n\x1b[2Ccell"));
    let scroll: Vec<u8> = [2i16, 1, 5, 1, 0, 0, 0, 0, 79, 24, 0x2a, 7].iter().flat_map(|n| n.to_le_bytes()).collect();
    assert_eq!(desk.ioctl(desk.out(), SCROLL, &scroll, 0), Ok(vec![]));
    assert_eq!((desk.row(0, 5), desk.row(1, 7)), ("cell ".into(), "  **** ".into()));
    desk.shown();
    let mut fill: Vec<u8> = [0u32, 0, 2, 80 * 25, 1].iter().flat_map(|n| n.to_le_bytes()).collect();
    fill.extend([0x20, 0, 0x07, 0]);
    assert_eq!(desk.ioctl(desk.out(), FILL_OUTPUT, &fill, 4), Ok(2000u32.to_le_bytes().to_vec()));
    assert_eq!(desk.shown(), "\x1b[H\x1b[2J", "a cleared buffer is a cleared screen");
}

#[test]
fn another_buffer_is_shown_and_gone_again() {
    let desk = Desk::new();
    desk.write("first");
    let second = desk.open("\\Device\\ConDrv\\ScreenBuffer", Handle(0), 0xc000_0000).unwrap();
    desk.ioctl(second, WRITE_CONSOLE, &output::bytes_of(&wide("second")), 0).unwrap();
    assert_eq!(desk.shown(), "first");
    desk.ioctl(second, ACTIVATE, &[], 0).unwrap();
    assert!(desk.shown().contains("second"));
    assert_eq!(desk.row(0, 6), "second", "the process's output is the buffer that is shown");
    desk.k.close_handle(second).unwrap();
    assert!(desk.shown().contains("first"));
}

#[test]
fn code_pages_titles_and_processes() {
    let desk = Desk::new();
    let console = desk.handles.console;
    let pages = [3u32, 65001, 65001].iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>();
    assert_eq!(desk.ioctl(console, SET_INPUT_INFO, &pages, 0), Ok(vec![]));
    desk.write("é");
    assert_eq!(desk.shown(), "é");
    let bad = [1u32, 1200, 0].iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>();
    assert_eq!(desk.ioctl(console, SET_INPUT_INFO, &bad, 0), Err(STATUS_INVALID_PARAMETER));
    desk.ioctl(console, SET_TITLE, &output::bytes_of(&wide("A\x1b]52")), 0).unwrap();
    assert_eq!(desk.shown(), "\x1b]0;A]52\x07");
    let title = desk.ioctl(console, GET_TITLE, &1u32.to_le_bytes(), 100).unwrap();
    assert_eq!((title[0], title.len()), (5, 8 + 10));
    assert_eq!(desk.ioctl(console, GET_PROCESS_LIST, &[], 8), Ok(vec![0x20, 0, 0, 0]));
    assert_eq!(desk.open("Connection", console, 0x10_0180), Err(STATUS_ACCESS_DENIED));
}

#[test]
fn reads_can_be_cancelled() {
    let desk = Desk::new();
    let input = desk.cx().object(desk.input(), 0).unwrap();
    let (fake, k, handle) = (desk.fake, desk.k, desk.input());
    let reader = fake.thread(k, move |cx| {
        let (buffer, iosb) = (fake.alloc_bytes(&[0; 9]), fake.alloc(IoStatusBlock::default()));
        nt_read_file(cx, handle, Handle(0), 0, 0, iosb, buffer, 9, UserPtr::new(0), UserPtr::new(0))
    });
    while crate::io::irp::cancel_where(k, |irp| Arc::ptr_eq(&irp.object, &input)) == 0 {
        std::thread::yield_now();
    }
    assert_eq!(reader.join().unwrap(), Err(STATUS_CANCELLED));
    assert_eq!(desk.read_line(b"next\r", READ_FILE, 9), Ok(b"next\r\n".to_vec()));
}
