//! The seccomp filter, compiled from the ABI's table. Done when the monitor is built: see its `build.rs`.

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
/// SECCOMP_RET_ERRNO, with no error yet.
const RET_ERRNO: u32 = 0x0005_0000;
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
    // and those that answer an error, as it knows one action for what matches. Another architecture goes past them to its end.
    let plain = grants.iter().filter_map(|grant| match grant.action {
        Action::Fails(_, error) => Some((grant.number as u32, RET_ERRNO | u32::from(error))),
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
#[path = "../tests/unit/filter.rs"]
mod tests;
