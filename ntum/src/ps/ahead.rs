//! What nearly every start asks the monitor, asked before it is needed: the monitor looks it up meanwhile, and the start
//! waits for no answer. A guess that is wrong costs a message; it changes no answer.

use crate::host::Host;
use crate::kernel::Kernel;
use shim_abi::boot::Boot;
use shim_abi::calls::StreamOpen;
use shim_abi::stream::{Disposition, Expect, access};
use shim_abi::wire::request;

const SYSTEM: &str = "C:/windows/system32";
/// What every start maps, in the order in which it does.
const FIRST: &[&str] = &["file:C:/windows/system32/ntdll.dll"];
const THEN: &[&str] = &["file:C:/windows/system32/apisetschema.dll"];
const DLLS: &[&str] = &["kernel32.dll", "kernelbase.dll"];
/// Tables that ntdll, kernelbase and the C library read in every start, with the code pages of English. The kernel itself reads
/// the first.
const TABLES: &[&str] = &["locale", "locale", "l_intl", "c_1252", "c_437", "sortdefault", "normnfc", "c_20127"];
/// Most DLLs that a program's imports are looked up for.
const MAX_IMPORTS: usize = 16;

fn ask(host: &dyn Host, uri: String, expect: Expect, wanted: u32, lasting: bool) {
    let open = StreamOpen { uri, access: wanted, disposition: Disposition::Open, expect, attributes: 0 };
    if let Ok(request) = request(&open) {
        host.ahead(request, lasting);
    }
}

fn file(host: &dyn Host, uri: String, lasting: bool) {
    ask(host, uri, Expect::File, access::READ, lasting);
}

/// The folder that a path lies in.
fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(folder, _)| folder)
}

/// Where the loader looks for a DLL: beside the program, then in the system's folder.
fn dll(host: &dyn Host, program: &str, name: &str) {
    let beside = folder(program);
    if !beside.eq_ignore_ascii_case(SYSTEM) {
        file(host, format!("file:{beside}/{name}"), false);
    }
    file(host, format!("file:{SYSTEM}/{name}"), true);
}

/// Asks for what is needed whatever the program is. One that another made has ntdll already.
pub fn start(host: &dyn Host, boot: &Boot) {
    let all = |uris: &[&str]| uris.iter().for_each(|uri| file(host, (*uri).to_owned(), true));
    if !boot.born {
        all(FIRST);
    }
    if !boot.program.is_empty() {
        file(host, format!("file:{}", boot.program), false);
    }
    if boot.born {
        ask(host, "memory:".to_owned(), Expect::Any, access::READ | access::WRITE, true);
        ask(host, "living:".to_owned(), Expect::Any, access::READ, true);
    }
    all(THEN);
    ask(host, format!("file:{}", boot.workdir), Expect::Directory, access::READ, false);
    file(host, "image:hive".to_owned(), true);
    for name in DLLS {
        dll(host, &boot.program, name);
    }
    if !boot.program.is_empty() {
        ask(host, format!("file:{}.manifest", boot.program), Expect::Any, access::READ, false);
    }
    for table in TABLES {
        file(host, format!("image:nls/{table}.nls"), true);
    }
}

/// Asks for the DLLs that the program's own import table names; `base` and `size` are of its image.
pub fn imports(k: &Kernel, base: u64, size: u64) {
    // Names of API sets stand for other DLLs.
    let starts = |name: &str, with: &str| name.get(..with.len()).is_some_and(|head| head.eq_ignore_ascii_case(with));
    let is_set = |name: &str| starts(name, "api-") || starts(name, "ext-");
    let is_known = |name: &str| DLLS.iter().chain(&["ntdll.dll"]).any(|dll| dll.eq_ignore_ascii_case(name));
    for index in 0..MAX_IMPORTS as u64 {
        let Some(name) = import(k, base, size, index) else { break };
        if !is_set(&name) && !is_known(&name) {
            dll(k.host, &k.boot.program, &name);
        }
    }
}

/// The name in an entry of an image's import table.
fn import(k: &Kernel, base: u64, size: u64, index: u64) -> Option<String> {
    let word = |at: u64| {
        let mut raw = [0; 4];
        let inside = at.checked_add(4).is_some_and(|end| end <= size);
        inside.then(|| k.read_user(base + at, &mut raw).ok()).flatten()?;
        Some(u64::from(u32::from_le_bytes(raw)))
    };
    // IMAGE_DOS_HEADER.e_lfanew; the second data directory behind the 112 bytes of IMAGE_OPTIONAL_HEADER64; an
    // IMAGE_IMPORT_DESCRIPTOR has 20 bytes, its Name lies at 12.
    const OPTIONAL_HEADER: u64 = 24;
    let header = word(0x3c)?;
    let table = word(header + OPTIONAL_HEADER + 112 + 8).filter(|table| *table != 0)?;
    let name = word(table + index * 20 + 12).filter(|name| *name != 0 && *name < size)?;
    let mut raw = [0; 64];
    let length = (size - name).min(64) as usize;
    k.read_user(base + name, &mut raw[..length]).ok()?;
    let end = raw.iter().position(|byte| *byte == 0)?;
    Some(core::str::from_utf8(&raw[..end]).ok()?.to_owned()).filter(|name| !name.is_empty())
}
