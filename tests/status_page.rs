//! `ntum/SYSCALLS.md` says of every system call of the image whether it is done: rendered anew and compared.

use ntum::page::{Library, markdown};
use ntum::ps::symbols::Symbols;
use portcullis::{product, repository};
use std::fs;

fn calls(name: &str) -> Vec<String> {
    let path = product::system_dll(name);
    let file = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let symbols = Symbols::read(&file, 0).expect("exports");
    symbols.stubs.into_iter().map(|(_, name)| name.to_owned()).collect()
}

#[test]
fn the_page_is_true() {
    product::image();
    let libraries =
        [Library { name: "ntdll", calls: calls("ntdll.dll") }, Library { name: "win32u", calls: calls("win32u.dll") }];
    assert!(libraries[0].calls.len() > 200, "{} stubs in ntdll", libraries[0].calls.len());
    let page = markdown(&libraries);
    let path = repository().join("ntum/SYSCALLS.md");
    if std::env::var_os("PORTCULLIS_BLESS").is_some() {
        fs::write(&path, &page).expect("written");
    }
    assert!(fs::read_to_string(&path).unwrap_or_default() == page, "make bless renders {} anew", path.display());
}
