use super::*;

#[test]
fn locales() {
    let with = |lang: &str| locale(|name| (name == "LANG").then(|| lang.to_owned()));
    for (lang, expected) in
        [("de_DE.UTF-8", "de-DE"), ("pt_BR", "pt-BR"), ("ca_ES@valencia", "ca-ES"), ("C.UTF-8", "en-US"), ("", "en-US")]
    {
        assert_eq!(with(lang), expected, "{lang}");
    }
    assert_eq!(locale(|name| Some(if name == "LC_ALL" { "fr_FR" } else { "de_DE" }.into())), "fr-FR");
}

#[test]
fn the_block_comes_back_out_of_its_pipe() {
    let start = Start {
        program: "C:/app/a.exe".into(),
        arguments: vec!["a".into(), "ü".into()],
        workdir: "C:/app".into(),
        stdio: vec![Stdio::Null, Stdio::Pipe, Stdio::File],
        filter: crate::filter::compile().unwrap(),
        managed: true,
    };
    let boot = block(start, &Policy::default(), &[Mount { guest: "C:/app".into(), writable: false }]);
    assert!(boot.processors >= 1 && boot.host_memory > 1 << 20);
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
