//! Firmware tables: SMBIOS as a sandbox shows it, with nothing of the host's in it.

use super::cpu;
use crate::answer::{Answer, Bytes};
use crate::kernel::Kernel;
use crate::status::*;
use crate::um::UserPtr;

/// The provider of raw SMBIOS data.
const RSMB: u32 = u32::from_be_bytes(*b"RSMB");
/// Bytes of SYSTEM_FIRMWARE_TABLE_INFORMATION before the table: provider, action, table, bytes of the table.
const HEADER: u32 = 16;

/// A structure: type, formatted part after its header, and strings.
fn structure(tables: &mut Bytes, kind: u8, formatted: &[u8], strings: &[&str]) {
    // Handles count the structures.
    let handle = u16::from(kind);
    tables.push(kind).push(formatted.len() as u8 + 4).push(handle).extend(formatted);
    for string in strings {
        tables.extend(string.as_bytes()).push(0u8);
    }
    // An empty string ends them; without any there are two zeros.
    tables.extend(if strings.is_empty() { &[0, 0] } else { &[0] });
}

/// RawSMBIOSData, version 3.0 (DMTF DSP0134): BIOS, system, board, enclosure, processor, end. WMI reads processors' counts in the
/// form of that version.
fn smbios(k: &Kernel) -> Vec<u8> {
    let version = env!("CARGO_PKG_VERSION");
    let mut tables = Bytes::default();
    // Vendor, version, segment, date, size; characteristics: not supported; no releases of it or of a controller.
    let bios = [1, 2, 0, 0, 3, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff];
    structure(&mut tables, 0, &bios, &["Portcullis", version, "01/01/2026"]);
    // Manufacturer, product, version, serial number; UUID: not present; woken up by the power switch.
    let mut system = vec![1, 2, 3, 0];
    system.extend([0; 16]);
    system.extend([6, 0, 0]);
    structure(&mut tables, 1, &system, &["Portcullis", "Sandbox", version]);
    // Manufacturer, product; no version, serial number, tag; hosts others; no place; in the enclosure (3); motherboard.
    structure(&mut tables, 2, &[1, 2, 0, 0, 0, 1, 0, 3, 0, 10, 0], &["Portcullis", "Sandbox"]);
    // Manufacturer; other; no version, serial number, tag; states unknown; no height, cords, elements, number.
    structure(&mut tables, 3, &[1, 1, 0, 0, 0, 2, 2, 2, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0], &["Portcullis"]);
    let cpu = cpu::cpu();
    let vendor = String::from_utf8_lossy(&cpu.vendor).into_owned();
    let brand = String::from_utf8_lossy(&cpu::rest().brand).trim_matches(['\0', ' ']).to_owned();
    let brand = if brand.is_empty() { vendor.clone() } else { brand };
    let mut processor = Bytes::default();
    // Socket, central processor, family unknown, manufacturer, identity not told, version.
    processor.extend(&[1, 3, 2, 2]).push(0u64).extend(&[3, 0]);
    // External clock unknown, most and present MHz, populated and enabled, no upgrade; no handles of caches.
    let megahertz = cpu::rest().megahertz as u16;
    processor.push([0, megahertz, megahertz]).extend(&[0x41, 2]).push([u16::MAX; 3]);
    // No serial number, tag, part number; cores, cores enabled, threads; 64 bits; family unknown; the counts again, in full.
    let all = k.processors();
    let count = u8::try_from(all).unwrap_or(u8::MAX);
    processor.extend(&[0, 0, 0, count, count, count]).push(4u16).push(2u16).push([all as u16; 3]);
    structure(&mut tables, 4, &processor.0, &["Socket", &vendor, &brand]);
    structure(&mut tables, 127, &[], &[]);
    let mut raw = Bytes::default();
    raw.extend(&[0, 3, 0, 0]).push(tables.0.len() as u32).extend(&tables.0);
    raw.0
}

/// SystemFirmwareTableInformation.
pub fn table(k: &Kernel, to: &Answer) -> Nt {
    if to.length < HEADER {
        to.returned.write_opt(k, HEADER)?;
        return Err(STATUS_INFO_LENGTH_MISMATCH);
    }
    let header = UserPtr::<[u32; 4]>::new(to.buffer);
    let [provider, action, table, _] = header.read(k)?;
    let answer = match (provider, action) {
        // One table, number 0.
        (RSMB, 0) => vec![0; 4],
        (RSMB, 1) => smbios(k),
        _ => {
            to.returned.write_opt(k, 0)?;
            return Err(STATUS_NOT_IMPLEMENTED);
        }
    };
    let length = answer.len() as u32;
    header.write(k, [provider, action, table, length])?;
    to.returned.write_opt(k, HEADER + length)?;
    if to.length < HEADER + length {
        return Err(STATUS_BUFFER_TOO_SMALL);
    }
    k.write_user(to.buffer.wrapping_add(u64::from(HEADER)), &answer)?;
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::fake::Fake;

    #[test]
    fn structures_follow_one_another_to_the_end() {
        let (_, k) = Fake::kernel();
        let raw = smbios(k);
        assert_eq!(u32::from_le_bytes(raw[4..8].try_into().unwrap()) as usize, raw.len() - 8);
        let (mut rest, mut kinds) = (&raw[8..], Vec::new());
        while !rest.is_empty() {
            kinds.push(rest[0]);
            let strings = &rest[usize::from(rest[1])..];
            let end = strings.windows(2).position(|pair| pair == [0, 0]).unwrap() + 2;
            // The formatted part names no string that is not there.
            let there = strings[..end].split(|byte| *byte == 0).filter(|text| !text.is_empty()).count();
            assert!(usize::from(rest[4]) <= there.max(usize::from(rest[1] == 4) * 255), "type {}", rest[0]);
            rest = &strings[end..];
        }
        assert_eq!(kinds, [0, 1, 2, 3, 4, 127]);
    }

    #[test]
    fn the_table_is_asked_for_twice() {
        let (fake, k) = Fake::kernel();
        fake.thread(k, move |cx| {
            let buffer = fake.alloc_bytes(&[0; 1024]);
            let header = UserPtr::<[u32; 4]>::new(buffer);
            let returned = fake.alloc(9u32);
            let ask = |length| table(cx.k, &Answer::new(buffer, length, returned));
            assert_eq!((ask(15), returned.read(cx.k)), (Err(STATUS_INFO_LENGTH_MISMATCH), Ok(16)));
            assert_eq!((ask(16), returned.read(cx.k)), (Err(STATUS_NOT_IMPLEMENTED), Ok(0)));
            header.write(cx.k, [RSMB, 1, 0, 0]).unwrap();
            assert_eq!(ask(16), Err(STATUS_BUFFER_TOO_SMALL));
            let size = returned.read(cx.k).unwrap();
            assert_eq!(header.read(cx.k).unwrap()[3], size - 16);
            assert_eq!((ask(size), returned.read(cx.k)), (Ok(STATUS_SUCCESS), Ok(size)));
        })
        .join()
        .unwrap();
    }
}
