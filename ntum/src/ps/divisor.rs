//! Whether the divisor of a DIV or IDIV that trapped was zero: the processor reports overflow the same way.

use crate::kernel::Kernel;
use crate::types::Context;

/// `None` if the instruction at `rip` is not understood.
pub fn divisor_is_zero(k: &Kernel, context: &Context) -> Option<bool> {
    let mut code = [0u8; 15];
    let count = (1..=15).rev().find(|count| k.read_user(context.rip, &mut code[..*count]).is_ok())?;
    let mut code = code[..count].iter().copied();
    let (mut rex, mut operand) = (0u8, 4usize);
    let opcode = loop {
        let byte = code.next()?;
        match byte {
            0x66 => operand = 2,
            0x26 | 0x2e | 0x36 | 0x3e | 0x64 | 0x65 | 0x67 | 0xf2 | 0xf3 => {}
            0x40..=0x4f => rex = byte,
            _ => break byte,
        }
    };
    let width = match opcode {
        0xf6 => 1,
        0xf7 if rex & 8 != 0 => 8,
        0xf7 => operand,
        _ => return None,
    };
    let modrm = code.next()?;
    let (mode, rm) = (modrm >> 6, modrm & 7);
    let value = if mode == 3 {
        if width == 1 && rex == 0 && rm >= 4 {
            // ah, ch, dh, bh.
            register(context, rm - 4) >> 8
        } else {
            register(context, rm | (rex & 1) << 3)
        }
    } else {
        let mut address = 0u64;
        let mut displacement = match mode {
            0 => 0,
            1 => 1,
            _ => 4,
        };
        let mut relative = false;
        if rm == 4 {
            let sib = code.next()?;
            let (scale, index, base) = (sib >> 6, sib >> 3 & 7 | (rex & 2) << 2, sib & 7 | (rex & 1) << 3);
            if index != 4 {
                address = register(context, index) << scale;
            }
            if base & 7 == 5 && mode == 0 {
                displacement = 4;
            } else {
                address = address.wrapping_add(register(context, base));
            }
        } else if rm == 5 && mode == 0 {
            displacement = 4;
            relative = true;
        } else {
            address = register(context, rm | (rex & 1) << 3);
        }
        let mut offset = 0i64;
        for index in 0..displacement {
            offset |= i64::from(code.next()?) << (8 * index);
        }
        offset = match displacement {
            1 => i64::from(offset as i8),
            4 => i64::from(offset as i32),
            _ => 0,
        };
        address = address.wrapping_add_signed(offset);
        if relative {
            let length = count as u64 - code.len() as u64;
            address = address.wrapping_add(context.rip).wrapping_add(length);
        }
        let mut bytes = [0u8; 8];
        k.read_user(address, bytes.get_mut(..width)?).ok()?;
        u64::from_le_bytes(bytes)
    };
    let mask = if width == 8 { u64::MAX } else { (1 << (8 * width)) - 1 };
    Some(value & mask == 0)
}

fn register(c: &Context, number: u8) -> u64 {
    match number & 15 {
        0 => c.rax,
        1 => c.rcx,
        2 => c.rdx,
        3 => c.rbx,
        4 => c.rsp,
        5 => c.rbp,
        6 => c.rsi,
        7 => c.rdi,
        8 => c.r8,
        9 => c.r9,
        10 => c.r10,
        11 => c.r11,
        12 => c.r12,
        13 => c.r13,
        14 => c.r14,
        _ => c.r15,
    }
}
