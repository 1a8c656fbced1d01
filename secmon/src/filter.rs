//! The seccomp filter, compiled from the ABI's table.

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter, SeccompRule, TargetArch,
};
use shim_abi::seccomp::{Action, GRANTS, Grant, Rule, Test};
use std::collections::BTreeMap;

/// BPF: load a word of `struct seccomp_data`; its first is the system call's number.
const LOAD: u16 = 0x20;
/// BPF: jump if equal to a constant.
const JUMP_EQUAL: u16 = 0x15;
/// BPF: jump ahead by so many instructions.
const JUMP: u16 = 0x05;
/// BPF: return a constant.
const RETURN: u16 = 0x06;
/// SECCOMP_RET_ERRNO with ENOSYS.
const ERRNO_ENOSYS: u32 = 0x0005_0000 | libc::ENOSYS as u32;
/// SECCOMP_RET_ALLOW.
const RET_ALLOW: u32 = 0x7fff_0000;
/// seccomp_data.arch of the only architecture that is served.
const AUDIT_ARCH_X86_64: u32 = 0xc000_003e;

/// Packs an instruction as `struct sock_filter` lies in memory: code, jt, jf, k.
fn pack(code: u16, jt: u8, jf: u8, k: u32) -> u64 {
    u64::from(code) | u64::from(jt) << 16 | u64::from(jf) << 24 | u64::from(k) << 32
}

fn condition(rule: &Rule) -> Result<SeccompCondition, seccompiler::BackendError> {
    let length = if rule.int { SeccompCmpArgLen::Dword } else { SeccompCmpArgLen::Qword };
    let (operator, value) = match rule.test {
        Test::Equals(value) => (SeccompCmpOp::Eq, value),
        Test::Below(bound) => (SeccompCmpOp::Lt, bound),
        Test::Masked(mask, value) => (SeccompCmpOp::MaskedEq(mask), value),
    };
    SeccompCondition::new(rule.argument, length, operator, value)
}

fn rules(alternatives: &[&[Rule]]) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    let one = |rules: &&[Rule]| SeccompRule::new(rules.iter().map(condition).collect::<Result<_, _>>()?);
    alternatives.iter().map(one).collect()
}

/// The filter for the table of the ABI, without the runtime's instruction-pointer row.
///
/// # Errors
/// The table has a row that seccompiler does not take: a fault of the build, not of the host.
pub fn compile() -> Result<Vec<u64>, seccompiler::BackendError> {
    compile_table(GRANTS)
}

/// The filter for a table of grants, each instruction packed as `struct sock_filter`.
///
/// # Errors
/// As [`compile`].
pub fn compile_table(grants: &[Grant]) -> Result<Vec<u64>, seccompiler::BackendError> {
    // Rows without rules stand in front of seccompiler's program: in the order of the table, where that sorts by number;
    // and those that answer ENOSYS, as it knows one action for what matches. Another architecture goes past them to its end.
    let plain = grants.iter().filter_map(|grant| match grant.action {
        Action::Absent => Some((grant.number as u32, ERRNO_ENOSYS)),
        Action::Allow([]) => Some((grant.number as u32, RET_ALLOW)),
        Action::Allow(_) => None,
    });
    let rows: Vec<u64> =
        plain.flat_map(|(number, action)| [pack(JUMP_EQUAL, 0, 1, number), pack(RETURN, 0, 0, action)]).collect();
    let mut program = vec![pack(LOAD, 0, 0, 4), pack(JUMP_EQUAL, 1, 0, AUDIT_ARCH_X86_64)];
    program.push(pack(JUMP, 0, 0, rows.len() as u32 + 1));
    program.push(pack(LOAD, 0, 0, 0));
    program.extend(rows);
    let mut allowed = BTreeMap::new();
    for grant in grants {
        if let Action::Allow(alternatives @ [_, ..]) = grant.action {
            allowed.insert(grant.number, rules(alternatives)?);
        }
    }
    let filter = SeccompFilter::new(allowed, SeccompAction::Trap, SeccompAction::Allow, TargetArch::x86_64)?;
    let compiled: BpfProgram = filter.try_into()?;
    program.extend(compiled.iter().map(|one| pack(one.code, one.jt, one.jf, one.k)));
    Ok(program)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARCH: u32 = AUDIT_ARCH_X86_64;
    const ALLOW: u32 = RET_ALLOW;
    const TRAP: u32 = 0x0003_0000;
    const KILL_PROCESS: u32 = 0x8000_0000;

    /// Runs a filter as the kernel would: loads of words of seccomp_data, jumps, AND, returns.
    fn run(program: &[u64], arch: u32, number: u32, arguments: [u64; 6]) -> u32 {
        let mut data = vec![number, arch, 0, 0];
        for argument in arguments {
            data.extend([argument as u32, (argument >> 32) as u32]);
        }
        let (mut at, mut a) = (0usize, 0u32);
        loop {
            let one = program[at];
            let (code, jt, jf, k) =
                (one as u16, (one >> 16) as u8 as usize, (one >> 24) as u8 as usize, (one >> 32) as u32);
            at += 1;
            let jump = |yes: bool| if yes { jt } else { jf };
            match code {
                0x20 => a = data[k as usize / 4],
                0x54 => a &= k,
                0x05 => at += k as usize,
                0x15 => at += jump(a == k),
                0x25 => at += jump(a > k),
                0x35 => at += jump(a >= k),
                0x06 => return k,
                other => panic!("instruction {other:#x}"),
            }
        }
    }

    /// Arguments that satisfy an alternative.
    fn satisfy(rules: &[Rule]) -> [u64; 6] {
        let mut arguments = [0; 6];
        for rule in rules {
            arguments[usize::from(rule.argument)] = match rule.test {
                Test::Equals(value) | Test::Masked(_, value) => value,
                Test::Below(bound) => bound - 1,
            };
        }
        arguments
    }

    #[test]
    fn every_row_does_what_it_says() {
        let program = compile().unwrap();
        for grant in GRANTS {
            let number = grant.number as u32;
            match grant.action {
                Action::Absent => assert_eq!(run(&program, ARCH, number, [0; 6]), ERRNO_ENOSYS, "{}", grant.name),
                Action::Allow([]) => assert_eq!(run(&program, ARCH, number, [u64::MAX; 6]), ALLOW, "{}", grant.name),
                Action::Allow(alternatives) => {
                    for rules in alternatives {
                        assert_eq!(run(&program, ARCH, number, satisfy(rules)), ALLOW, "{}", grant.name);
                    }
                    assert_eq!(run(&program, ARCH, number, [0x7fff_ffff; 6]), TRAP, "{}", grant.name);
                }
            }
        }
    }

    #[test]
    fn the_rest_is_trapped_and_other_architectures_die() {
        let program = compile().unwrap();
        for number in (0..1000).chain(0x4000_0000..0x4000_0400) {
            let granted = GRANTS.iter().any(|grant| grant.number == i64::from(number));
            if !granted {
                assert_eq!(run(&program, ARCH, number, [0; 6]), TRAP, "{number}");
            }
            assert_ne!(run(&program, 0x4000_0003, number, [0; 6]), ALLOW, "i386 {number}");
        }
        assert_eq!(run(&program, 0x4000_0003, 0, [0; 6]), KILL_PROCESS);
    }

    #[test]
    fn an_int_argument_ignores_what_the_kernel_ignores() {
        let program = compile().unwrap();
        let sendmsg = libc::SYS_sendmsg as u32;
        assert_eq!(run(&program, ARCH, sendmsg, [5, 0, 0, 0, 0, 0]), ALLOW);
        assert_eq!(run(&program, ARCH, sendmsg, [9, 0, 0, 0, 0, 0]), TRAP);
        assert_eq!(run(&program, ARCH, sendmsg, [1 << 31, 0, 0, 0, 0, 0]), TRAP);
    }
}
