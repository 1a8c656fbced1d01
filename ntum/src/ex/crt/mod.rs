//! Functions that Wine's C runtime names and does not have: complex numbers. `mm::patch` puts their code where the DLL has none.
//!
//! What is one or two instructions is done there. The rest is a call of the kernel, with a number that no call of ntdll has. Microsoft's
//! compiler passes a complex number of doubles by its address and has it answered through the first argument; one of floats is in
//! a register, the real part in the lower half. Names end in `f` for floats, in `l` for long doubles, which are doubles.

mod complex;

use crate::call::Cx;
use crate::um::UserPtr;
use complex::Complex;

/// What a function is given and answers.
#[derive(Debug, Clone, Copy)]
enum Run {
    /// A number of one.
    One(fn(Complex) -> Complex),
    /// A number of two.
    Two(fn(Complex, Complex) -> Complex),
    /// A real number of one.
    Real(fn(Complex) -> f64),
}
use Run::{One, Real, Two};

/// The functions, as those of doubles are called.
const FUNCTIONS: &[(&str, Run)] = &[
    ("_Cmulcc", Two(complex::mul)),
    ("cabs", Real(complex::abs)),
    ("cacos", One(complex::acos)),
    ("cacosh", One(complex::acosh)),
    ("carg", Real(complex::arg)),
    ("casin", One(complex::asin)),
    ("casinh", One(complex::asinh)),
    ("catan", One(complex::atan)),
    ("catanh", One(complex::atanh)),
    ("ccos", One(complex::cos)),
    ("ccosh", One(complex::cosh)),
    ("cexp", One(complex::exp)),
    ("clog", One(complex::log)),
    ("clog10", One(complex::log10)),
    ("conj", One(complex::conj)),
    ("cpow", Two(complex::pow)),
    ("cproj", One(complex::proj)),
    ("creal", Real(complex::real)),
    ("csin", One(complex::sin)),
    ("csinh", One(complex::sinh)),
    ("csqrt", One(complex::sqrt)),
    ("ctan", One(complex::tan)),
    ("ctanh", One(complex::tanh)),
    ("norm", Real(complex::norm)),
];

/// Functions that need no kernel.
const SHORT: &[(&str, &[u8])] = &[
    // unpcklps %xmm1, %xmm0; movq %xmm0, %rax; ret
    ("_FCbuild", &[0x0f, 0x14, 0xc1, 0x66, 0x48, 0x0f, 0x7e, 0xc0, 0xc3]),
    // movsd %xmm1, (%rcx); movsd %xmm2, 8(%rcx); mov %rcx, %rax; ret
    ("_LCbuild", &[0xf2, 0x0f, 0x11, 0x09, 0xf2, 0x0f, 0x11, 0x51, 0x08, 0x48, 0x89, 0xc8, 0xc3]),
    // movsd 8(%rcx), %xmm0; ret
    ("cimag", &[0xf2, 0x0f, 0x10, 0x41, 0x08, 0xc3]),
    ("cimagl", &[0xf2, 0x0f, 0x10, 0x41, 0x08, 0xc3]),
    // shr $32, %rcx; movd %ecx, %xmm0; ret
    ("cimagf", &[0x48, 0xc1, 0xe9, 0x20, 0x66, 0x0f, 0x6e, 0xc1, 0xc3]),
    // movsd (%rcx), %xmm0; ret
    ("creall", &[0xf2, 0x0f, 0x10, 0x01, 0xc3]),
    // movd %ecx, %xmm0; ret
    ("crealf", &[0x66, 0x0f, 0x6e, 0xc1, 0xc3]),
];

/// The number of the first call: ntdll's are below.
const FIRST: u32 = 0xc00;

/// What is put in the place of a function of this name, if there is something.
pub fn code(name: &[u8]) -> Option<Vec<u8>> {
    if let Some((_, code)) = SHORT.iter().find(|(short, _)| short.as_bytes() == name) {
        return Some(code.to_vec());
    }
    let (index, floats) = match name {
        b"_FCmulcc" => (place(b"_Cmulcc")?, true),
        b"_LCmulcc" => (place(b"_Cmulcc")?, false),
        _ => place(name).map(|index| (index, false)).or_else(|| {
            let (last, rest) = name.split_last()?;
            Some((place(rest).filter(|_| matches!(*last, b'f' | b'l'))?, *last == b'f'))
        })?,
    };
    let number = FIRST + 2 * index as u32 + u32::from(floats);
    // mov %rcx, %r10; mov $number, %eax; call *0x7ffe1000; movq %rax, %xmm0; ret
    let call = [0xff, 0x14, 0x25, 0x00, 0x10, 0xfe, 0x7f, 0x66, 0x48, 0x0f, 0x6e, 0xc0, 0xc3];
    Some([&[0x49, 0x89, 0xca, 0xb8], &number.to_le_bytes()[..], &call].concat())
}

fn place(name: &[u8]) -> Option<usize> {
    FUNCTIONS.iter().position(|(known, _)| known.as_bytes() == name)
}

/// Carries a function out, if the number is one's: what it leaves in the register of a result.
#[cold]
pub fn call(cx: &Cx<'_>, number: u32, registers: [u64; 4]) -> Option<u64> {
    let number = number.checked_sub(FIRST)?;
    let (name, run) = FUNCTIONS.get(number as usize / 2)?;
    if cx.k.boot.trace {
        cx.k.host.trace(&format!("{:04x} ucrtbase.{name}", cx.t.id));
    }
    let [first, second, third, _] = registers;
    if number % 2 == 1 {
        return Some(match run {
            One(run) => pack(run(unpack(first))),
            Two(run) => pack(run(unpack(first), unpack(second))),
            Real(run) => (run(unpack(first)) as f32).to_bits().into(),
        });
    }
    // Addresses that are wrong leave things as they are: there is no instruction of the program's to blame.
    let load = |at: u64| UserPtr::<[u64; 2]>::new(at).read(cx.k).map_or(complex::NAN, of_bits);
    let z = match run {
        One(run) => run(load(second)),
        Two(run) => run(load(second), load(third)),
        Real(run) => return Some(run(load(first)).to_bits()),
    };
    let _ = UserPtr::<[u64; 2]>::new(first).write(cx.k, [z.re.to_bits(), z.im.to_bits()]);
    Some(first)
}

fn of_bits([re, im]: [u64; 2]) -> Complex {
    complex::complex(f64::from_bits(re), f64::from_bits(im))
}

/// A complex number of floats in a register.
fn unpack(bits: u64) -> Complex {
    complex::complex(f32::from_bits(bits as u32).into(), f32::from_bits((bits >> 32) as u32).into())
}

fn pack(z: Complex) -> u64 {
    u64::from((z.re as f32).to_bits()) | u64::from((z.im as f32).to_bits()) << 32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_fits_and_names_its_call() {
        let number = |name: &[u8]| {
            let code = code(name).unwrap();
            assert!(code.len() <= 24);
            u32::from_le_bytes([code[4], code[5], code[6], code[7]])
        };
        assert_eq!(number(b"csqrtl"), number(b"csqrt"));
        assert_eq!(number(b"csqrtf"), number(b"csqrt") + 1);
        assert_eq!(number(b"_FCmulcc"), number(b"_LCmulcc") + 1);
        assert_eq!(code(b"crealf").unwrap().len(), 5);
        for name in [&b"cabss"[..], b"f", b"", b"wcstoimax"] {
            assert_eq!(code(name), None);
        }
    }

    #[test]
    fn floats_travel_in_a_register() {
        let z = complex::complex(1.5, -0.25);
        assert_eq!(unpack(pack(z)), z);
    }
}
