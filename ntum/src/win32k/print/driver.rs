//! The Unix part of wineps.drv, the PostScript driver: its device contexts. They know measures and fonts; nothing is drawn.

use super::mode::{Measures, Mode, PUBLIC, Printer};
use super::spool::PDF;
use crate::call::Cx;
use crate::status::*;
use crate::um::UserPtr;
use crate::win32k::User;
use crate::win32k::gdi::dc::{self, Device};
use crate::win32k::gdi::{Work, caps, with};
use crate::win32k::geometry::{Rect, muldiv};
use core::mem::offset_of;
use parking_lot::Mutex;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// `enum wineps_funcs`.
mod code {
    pub const FREE_PRINTER_INFO: u32 = 0;
    pub const IMPORT_NTF: u32 = 1;
    pub const OPEN_DC: u32 = 2;
    /// None of the driver's own: code of [`super::job`] calls so.
    pub const PRINT: u32 = super::super::job::CODE;
}

/// What the driver takes for success: TRUE.
const TRUE: Status = Status(1);

/// Bytes of a PSDRV_DEVMODE at most.
const LARGEST: usize = 0x2_0000;

/// A call of the driver's Unix part.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`, `STATUS_NOT_IMPLEMENTED`.
pub fn call(cx: &Cx<'_>, code: u32, arguments: u64) -> Nt {
    match code {
        code::FREE_PRINTER_INFO => Ok(STATUS_SUCCESS),
        // Metrics of fonts that a printer has of its own: those of the sandbox are taken, always.
        code::IMPORT_NTF => Ok(TRUE),
        code::OPEN_DC => open(cx, arguments),
        code::PRINT => super::job::print(cx, arguments),
        _ => Err(STATUS_NOT_IMPLEMENTED),
    }
}

/// `struct open_dc_params`.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
struct Open {
    device: u64,
    mode: u64,
    output: u64,
    defaults: u64,
    dc: u64,
}

/// Reads a DEVMODEW with what follows it.
fn read(cx: &Cx<'_>, at: u64) -> Nt<Vec<u8>> {
    let mut bytes = vec![0; PUBLIC];
    // Older ones are shorter.
    cx.k.read_user(at, bytes.get_mut(..72).unwrap_or_default())?;
    let length = Mode::length(&bytes).clamp(72, LARGEST);
    bytes.resize(length.max(PUBLIC), 0);
    cx.k.read_user(at, bytes.get_mut(..length).unwrap_or_default())?;
    Ok(bytes)
}

fn open(cx: &Cx<'_>, at: u64) -> Nt {
    let asked: Open = UserPtr::new(at).read(cx.k)?;
    let mut printer = Printer::of(&read(cx, asked.defaults)?).ok_or(STATUS_INVALID_PARAMETER)?;
    printer.is_pdf =
        asked.device != 0 && super::spool::read_text(cx, asked.device)? == PDF.encode_utf16().collect::<Vec<_>>();
    if asked.mode != 0 {
        printer.set(&Mode::of(&read(cx, asked.mode)?));
    }
    cx.k.user.printers.note(cx.t.id, &printer);
    let dc = dc::make(cx, Device::Printer(Mutex::new(printer)))?;
    with(cx, dc, fit);
    UserPtr::new(at + offset_of!(Open, dc) as u64).write(cx.k, u64::from(dc))?;
    Ok(TRUE)
}

/// Gives a device context the size of its paper.
fn fit(work: &mut Work<'_>) {
    let Some(measures) = measures(work) else { return };
    let area = Rect::new(0, 0, measures.pixels.0, measures.pixels.1);
    (work.attr.visible, work.state.device) = (area, area);
    work.update_transforms();
    work.update_clipping();
}

fn measures(work: &Work<'_>) -> Option<Measures> {
    match &work.dc.device {
        Device::Printer(printer) => Some(printer.lock().measures()),
        Device::Memory(printer) => printer.as_ref().map(Printer::measures),
        _ => None,
    }
}

/// What GetDeviceCaps tells of a printer; `None`: of any other device.
pub fn value(work: &Work<'_>, index: i32) -> Option<i32> {
    let Measures { dots, pixels, millimetres, paper, offset, scale } = measures(work)?;
    Some(match index {
        0 => 0,
        // DT_RASPRINTER.
        2 => 2,
        caps::HORZSIZE => muldiv(millimetres.0, 100, scale),
        caps::VERTSIZE => muldiv(millimetres.1, 100, scale),
        caps::HORZRES | 118 => pixels.0,
        caps::VERTRES | 117 => pixels.1,
        // BITSPIXEL, PLANES, NUMBRUSHES, NUMPENS, NUMMARKERS, NUMFONTS, NUMCOLORS, PDEVICESIZE.
        12 => 32,
        14 => 1,
        16 | 24 => -1,
        18 => 10,
        22 => 39,
        // CURVECAPS, LINECAPS, POLYGONALCAPS.
        28 => 0x1ff,
        30 => 0xfe,
        32 => 0xff,
        // TC_CR_ANY, TC_VA_ABLE.
        caps::TEXTCAPS => 0x10 | 0x4000,
        36 => 1,
        // RASTERCAPS: RC_BITBLT, RC_BITMAP64, RC_GDI20_OUTPUT, RC_DIBTODEV, RC_STRETCHBLT, RC_STRETCHDIB.
        38 => 0x1 | 0x8 | 0x10 | 0x200 | 0x800 | 0x2000,
        40 => dots.0,
        42 => dots.1,
        44 => f64::from(dots.0).hypot(f64::from(dots.1)) as i32,
        88 => muldiv(dots.0, scale, 100),
        90 => muldiv(dots.1, scale, 100),
        110 => paper.0,
        111 => paper.1,
        112 => offset.0,
        113 => offset.1,
        _ => 0,
    })
}

/// NtGdiResetDC: another mode of the same printer.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn reset(cx: &Cx<'_>, dc: u32, mode: u64) -> User {
    let mode = if mode == 0 { None } else { Some(Mode::of(&read(cx, mode)?)) };
    let done = with(cx, dc, |work| {
        let Device::Printer(printer) = &work.dc.device else { return false };
        if let Some(mode) = &mode {
            printer.lock().set(mode);
        }
        fit(work);
        true
    });
    Ok(done.unwrap_or(false).into())
}

/// QUERYESCSUPPORT.
const QUERY: i32 = 8;

/// Escapes that the PostScript driver takes: NEXTBAND, SETCOPYCOUNT, PASSTHROUGH, GETTECHNOLOGY, SETLINECAP, SETLINEJOIN,
/// SETMITERLIMIT, EPSPRINTING, POSTSCRIPT_DATA, POSTSCRIPT_IGNORE, DOWNLOADFACE, DOWNLOADHEADER, SETCHARSET, EXT_DEVICE_CAPS,
/// BEGIN_PATH, CLIP_TO_PATH, END_PATH, OPENCHANNEL, CLOSECHANNEL, SET_BOUNDS, POSTSCRIPT_PASSTHROUGH.
const TAKEN: [u32; 21] =
    [3, 17, 19, 20, 21, 22, 23, 33, 37, 38, 514, 4111, 772, 4099, 4096, 4097, 4098, 4110, 4112, 4109, 4115];

/// GETTECHNOLOGY, and what the PostScript driver says.
const TECHNOLOGY: i32 = 20;
const POSTSCRIPT: &[u8] = b"PostScript\0\0";

/// NtGdiExtEscape. The printer of PDF takes none: what programs send a printer of PostScript would be lost there.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
#[expect(clippy::too_many_arguments, reason = "as many as the call has")]
pub fn escape(
    cx: &Cx<'_>,
    dc: u32,
    _driver: u64,
    _driver_count: i32,
    escape: i32,
    in_size: i32,
    input: u64,
    out_size: i32,
    output: u64,
) -> User {
    let printer = with(cx, dc, |work| match &work.dc.device {
        Device::Printer(printer) => Some(printer.lock().is_pdf),
        _ => None,
    });
    let Some(is_pdf) = printer.flatten() else { return Ok(0) };
    if escape == TECHNOLOGY && !is_pdf {
        let room = usize::try_from(out_size).unwrap_or(0).min(POSTSCRIPT.len());
        if room != 0 {
            let (text, _) = POSTSCRIPT.split_at(room - 1);
            cx.k.write_user(output, &[text, &[0]].concat())?;
        }
        return Ok(1);
    }
    if escape != QUERY || is_pdf {
        return Ok(0);
    }
    let asked = match in_size {
        2 | 3 => UserPtr::<u16>::new(input).read(cx.k)?.into(),
        4.. => UserPtr::<u32>::new(input).read(cx.k)?,
        _ => return Ok(0),
    };
    Ok(TAKEN.contains(&asked).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_layout_is_the_drivers() {
        assert_eq!((offset_of!(Open, dc), size_of::<Open>()), (32, 40));
    }
}
