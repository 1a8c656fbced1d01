//! Unit tests of the filter.

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
            Action::Fails(_, error) => {
                let answer = RET_ERRNO | u32::from(error);
                assert_eq!(run(&program, ARCH, number, [0; 6]), answer, "{}", grant.name);
            }
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

#[test]
fn sockets_are_added_to_those_that_are_waited_for_and_no_more() {
    let program = compile().unwrap();
    for (operation, verdict) in [(libc::EPOLL_CTL_ADD, ALLOW), (libc::EPOLL_CTL_DEL, TRAP), (libc::EPOLL_CTL_MOD, TRAP)]
    {
        let arguments = [5, operation as u64, 7, 0, 0, 0];
        assert_eq!(run(&program, ARCH, libc::SYS_epoll_ctl as u32, arguments), verdict);
    }
    for refused in
        [libc::SYS_socket, libc::SYS_connect, libc::SYS_bind, libc::SYS_listen, libc::SYS_accept4, libc::SYS_sendto]
    {
        assert_eq!(run(&program, ARCH, refused as u32, [0; 6]), TRAP);
    }
}
