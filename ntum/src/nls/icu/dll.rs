//! The DLL itself: `icuuc.dll`, which no Wine has, as bytes that the builder of images puts among the system's DLLs. Its functions are calls of the kernel
//! with numbers that no call of ntdll has; two of them come back to have the program's function called, and call again.

use super::names;

/// Functions, as [`super::call`] has them: their numbers are counted from [`FIRST`].
pub const FUNCTIONS: &[(&str, Body)] = &[
    ("ucnv_open", Body::Call),
    ("ucnv_close", Body::Call),
    ("ucnv_reset", Body::Call),
    ("ucnv_resetToUnicode", Body::Call),
    ("ucnv_resetFromUnicode", Body::Call),
    ("ucnv_getMaxCharSize", Body::Call),
    ("ucnv_getMinCharSize", Body::Call),
    ("ucnv_getName", Body::Name),
    ("ucnv_getStandardName", Body::Name),
    ("ucnv_getAvailableName", Body::Name),
    ("ucnv_countAvailable", Body::Call),
    ("ucnv_compareNames", Body::Call),
    ("ucnv_getToUCallBack", Body::Call),
    ("ucnv_getFromUCallBack", Body::Call),
    ("ucnv_setToUCallBack", Body::Call),
    ("ucnv_setFromUCallBack", Body::Call),
    ("ucnv_toUCountPending", Body::Call),
    ("ucnv_fromUCountPending", Body::Call),
    ("ucnv_toUnicode", Body::Loop),
    ("ucnv_fromUnicode", Body::Loop),
    ("ucnv_cbToUWriteUChars", Body::Call),
    ("ucnv_cbFromUWriteUChars", Body::Call),
    ("ucnv_cbToUWriteSub", Body::Call),
    ("ucnv_cbFromUWriteSub", Body::Call),
    (TO_SUBSTITUTE, Body::Call),
    (FROM_SUBSTITUTE, Body::Call),
    ("UCNV_TO_U_CALLBACK_SKIP", Body::Call),
    ("UCNV_FROM_U_CALLBACK_SKIP", Body::Call),
    ("UCNV_TO_U_CALLBACK_STOP", Body::Call),
    ("UCNV_FROM_U_CALLBACK_STOP", Body::Call),
];
/// What converters call for bytes and characters that mean nothing, unless another is set.
pub const TO_SUBSTITUTE: &str = "UCNV_TO_U_CALLBACK_SUBSTITUTE";
/// See [`TO_SUBSTITUTE`].
pub const FROM_SUBSTITUTE: &str = "UCNV_FROM_U_CALLBACK_SUBSTITUTE";

/// What code a function is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    /// A call.
    Call,
    /// A call that answers which of the names is meant, or less than 0.
    Name,
    /// A call that asks for calls of the program's functions until it answers 0.
    Loop,
}

/// The number of the first function's call.
pub const FIRST: u32 = 0xd00;
/// How many bytes a name has, with zeros behind it.
pub const NAME: usize = 64;

/// Where things lie in the image: one page of code, and data behind it.
const CODE: u32 = 0x1000;
const DATA: u32 = 0x2000;
/// Bytes of code that a function has.
const STEP: u32 = 0x80;
/// Preferred address.
const BASE: u64 = 0x1_8000_0000;

/// Where a function lies in the image.
pub fn place(name: &str) -> Option<u32> {
    let index = FUNCTIONS.iter().position(|(known, _)| *known == name)?;
    Some(CODE + STEP * index as u32)
}

/// Where names lie in the image.
const fn names_at() -> u32 {
    DATA
}

fn code(index: u32, body: Body) -> Vec<u8> {
    let number = (FIRST + index).to_le_bytes();
    // mov %rcx, 8(%rsp); mov %rdx, 16(%rsp); mov %r8, 24(%rsp); mov %r9, 32(%rsp)
    let mut code = vec![0x48, 0x89, 0x4c, 0x24, 0x08, 0x48, 0x89, 0x54, 0x24, 0x10];
    code.extend([0x4c, 0x89, 0x44, 0x24, 0x18, 0x4c, 0x89, 0x4c, 0x24, 0x20]);
    // call *0x7ffe1000
    let kernel = [0xff, 0x14, 0x25, 0x00, 0x10, 0xfe, 0x7f];
    let at = CODE + STEP * index;
    // lea image(%rip), REGISTER: 7 bytes that end there.
    let image = |end: u32, to: u32| to.wrapping_sub(at + end).to_le_bytes();
    if body == Body::Loop {
        // push %rbp; mov %rsp, %rbp; sub $0xe0, %rsp; movq $0, 0x40(%rsp)
        code.extend([
            0x55, 0x48, 0x89, 0xe5, 0x48, 0x81, 0xec, 0xe0, 0, 0, 0, 0x48, 0xc7, 0x44, 0x24, 0x40, 0, 0, 0, 0,
        ]);
        let again = code.len();
        // lea 0x10(%rbp), %r10; lea 0x40(%rsp), %rdx; mov $number, %eax
        code.extend([0x4c, 0x8d, 0x55, 0x10, 0x48, 0x8d, 0x54, 0x24, 0x40, 0xb8]);
        code.extend(number);
        code.extend(kernel);
        // test %eax, %eax; je done
        code.extend([0x85, 0xc0, 0x74, 0]);
        let done = code.len();
        // mov 0x48(%rsp), %rcx; mov 0x50(%rsp), %rdx; mov 0x58(%rsp), %r8; mov 0x60(%rsp), %r9
        code.extend([0x48, 0x8b, 0x4c, 0x24, 0x48, 0x48, 0x8b, 0x54, 0x24, 0x50]);
        code.extend([0x4c, 0x8b, 0x44, 0x24, 0x58, 0x4c, 0x8b, 0x4c, 0x24, 0x60]);
        for (from, to) in [(0x68, 0x20), (0x70, 0x28), (0x78, 0x30)] {
            // mov from(%rsp), %rax; mov %rax, to(%rsp)
            code.extend([0x48, 0x8b, 0x44, 0x24, from, 0x48, 0x89, 0x44, 0x24, to]);
        }
        // call *0x40(%rsp); jmp again
        code.extend([0xff, 0x54, 0x24, 0x40, 0xeb]);
        code.push((again as i64 - (code.len() as i64 + 1)) as u8);
        let distance = code.len() - done;
        if let Some(byte) = code.get_mut(done - 1) {
            *byte = distance as u8;
        }
        // leave; ret
        code.extend([0xc9, 0xc3]);
        return code;
    }
    // lea 8(%rsp), %r10; lea image(%rip), %rdx; mov $number, %eax
    code.extend([0x4c, 0x8d, 0x54, 0x24, 0x08, 0x48, 0x8d, 0x15]);
    let end = code.len() as u32 + 4;
    code.extend(image(end, 0));
    code.push(0xb8);
    code.extend(number);
    code.extend(kernel);
    if body == Body::Name {
        // test %eax, %eax; js none; shl $6, %eax; lea names(%rip), %rdx; add %rdx, %rax; ret; none: xor %eax, %eax
        code.extend([0x85, 0xc0, 0x78, 14, 0xc1, 0xe0, 6, 0x48, 0x8d, 0x15]);
        let end = code.len() as u32 + 4;
        code.extend(image(end, names_at()));
        code.extend([0x48, 0x01, 0xd0, 0xc3, 0x31, 0xc0]);
    }
    code.push(0xc3);
    code
}

/// A table of bytes at an address of the image.
struct Table {
    at: u32,
    bytes: Vec<u8>,
}

impl Table {
    fn here(&self) -> u32 {
        self.at + self.bytes.len() as u32
    }

    fn words(&mut self, words: &[u32]) {
        self.bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
    }

    fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
        self.bytes.push(0);
    }
}

/// The names, and the directory of exports: where that begins and ends.
fn data() -> (Vec<u8>, u32, u32) {
    let mut table = Table { at: DATA, bytes: Vec::new() };
    for name in names::listed() {
        let mut place = name.as_bytes().to_vec();
        place.resize(NAME, 0);
        table.bytes.extend(place);
    }
    let begin = table.here();
    let mut sorted: Vec<(&str, u32)> = (0..).zip(FUNCTIONS).map(|(index, (name, _))| (*name, index)).collect();
    sorted.sort_unstable();
    let count = FUNCTIONS.len() as u32;
    // The directory, addresses, names' addresses, ordinals, then the texts.
    let (addresses, names) = (begin + 40, begin + 40 + count * 4);
    let ordinals = names + count * 4;
    let texts = ordinals + count * 2;
    table.words(&[0, 0, 0, texts, 1, count, count, addresses, names, ordinals]);
    let places: Vec<u32> = (0..count).map(|index| CODE + STEP * index).collect();
    table.words(&places);
    let mut at = texts + 10;
    for (name, _) in &sorted {
        table.words(&[at]);
        at += name.len() as u32 + 1;
    }
    for (_, index) in &sorted {
        table.bytes.extend((*index as u16).to_le_bytes());
    }
    table.text("icuuc.dll");
    for (name, _) in &sorted {
        table.text(name);
    }
    let end = table.here();
    (table.bytes, begin, end)
}

/// The DLL's file. Its sections lie in the file as in memory.
pub fn file() -> Vec<u8> {
    const PAGE: usize = 0x1000;
    let (mut data, exports, exports_end) = data();
    // Relocations: a block that has none, so that the image may lie anywhere.
    data.resize(data.len().next_multiple_of(16), 0);
    let relocations = DATA + data.len() as u32;
    data.extend([CODE, 12, 0].iter().flat_map(|word| word.to_le_bytes()));
    let data_size = data.len() as u32;
    data.resize(data.len().next_multiple_of(PAGE), 0);
    let mut text = Vec::new();
    for (index, (_, body)) in (0..).zip(FUNCTIONS) {
        text.resize((STEP * index) as usize, 0xcc);
        text.extend(code(index, *body));
    }
    let code_size = text.len() as u32;
    text.resize(PAGE, 0);
    let mut head = Table { at: 0, bytes: b"MZ".to_vec() };
    head.bytes.resize(0x3c, 0);
    head.words(&[0x40]);
    head.bytes.extend_from_slice(b"PE\0\0");
    // AMD64, two sections; the size of what follows; executable, large addresses, a DLL.
    head.words(&[0x0002_8664, 0, 0, 0, 0x2022_00f0]);
    // PE32+; sizes; no entry; where code begins.
    head.words(&[0x020b, PAGE as u32, data.len() as u32, 0, 0, CODE]);
    head.bytes.extend(BASE.to_le_bytes());
    // Alignments; versions 10.0; size of the image and of its headers.
    head.words(&[PAGE as u32, PAGE as u32, 10, 0, 10, 0, DATA + data.len() as u32, PAGE as u32, 0]);
    // Console; DYNAMIC_BASE, NX_COMPAT, HIGH_ENTROPY_VA.
    head.words(&[0x0160_0003]);
    // Stack, heap.
    head.words(&[0x10_0000, 0, 0x1000, 0, 0x10_0000, 0, 0x1000, 0, 0, 16]);
    for directory in 0..16 {
        head.words(&match directory {
            0 => [exports, exports_end - exports],
            5 => [relocations, 12],
            _ => [0; 2],
        });
    }
    let mut section = |name: &[u8; 8], size: u32, at: u32, raw: usize, flags: u32| {
        head.bytes.extend_from_slice(name);
        head.words(&[size, at, raw as u32, at, 0, 0, 0, flags]);
    };
    section(b".text\0\0\0", code_size, CODE, PAGE, 0x6000_0020);
    section(b".rdata\0\0", data_size, DATA, data.len(), 0x4000_0040);
    head.bytes.resize(PAGE, 0);
    [head.bytes, text, data].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use goblin::pe::PE;

    #[test]
    fn it_is_a_dll_that_exports_what_it_has() {
        let file = file();
        let pe = PE::parse(&file).unwrap();
        assert!(pe.is_lib && pe.is_64 && pe.name == Some("icuuc.dll"));
        assert_eq!(pe.exports.len(), FUNCTIONS.len());
        for export in &pe.exports {
            let name = export.name.unwrap();
            assert_eq!(u32::try_from(export.rva).ok(), place(name), "{name}");
        }
        assert!(FUNCTIONS.len() as u32 * STEP <= 0x1000);
        for (index, (name, body)) in (0..).zip(FUNCTIONS) {
            assert!(code(index, *body).len() <= STEP as usize, "{name}");
        }
    }
}
