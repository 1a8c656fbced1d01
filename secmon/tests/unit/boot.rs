use super::*;
use shim_abi::boot::Stdio;

#[test]
fn the_block_comes_back_out_of_its_pipe() {
    let boot = Boot {
        program: "C:/app/a.exe".into(),
        arguments: vec!["a".into(), "ü".into()],
        environment: Vec::new(),
        workdir: "C:/app".into(),
        mounts: vec![Mount { guest: "C:/app".into(), writable: false }],
        stdio: vec![Stdio::Null, Stdio::Pipe, Stdio::File],
        memory: 0,
        processors: 1,
        host_memory: 1 << 30,
        trace: false,
        user: "user".into(),
        computer: "PORTCULLIS".into(),
        locale: "en-US".into(),
        timezone: String::new(),
        tzif: vec![0; 1000],
        kept: false,
        below: 0,
        born: false,
        managed: true,
        filter: crate::filter::PROGRAM.to_vec(),
    };
    let mut bytes = Vec::new();
    let (from, to) = nix::unistd::pipe().unwrap();
    send(&boot, to).unwrap().finish().unwrap();
    std::io::Read::read_to_end(&mut fs::File::from(from), &mut bytes).unwrap();
    let (length, block) = bytes.split_first_chunk().unwrap();
    assert_eq!(u32::from_le_bytes(*length) as usize, block.len());
    assert_eq!(wire::decode::<Boot>(block).unwrap(), boot);
    let told = Told { member: 7, birth: vec![1, 2, 3], streams: Vec::new(), order: None };
    let (from, to) = nix::unistd::pipe().unwrap();
    send(&boot, to).unwrap().tell(&told).unwrap();
    let mut both = Vec::new();
    std::io::Read::read_to_end(&mut fs::File::from(from), &mut both).unwrap();
    assert_eq!(wire::decode::<Told>(both.strip_prefix(&bytes[..]).unwrap()).unwrap(), told);
}
