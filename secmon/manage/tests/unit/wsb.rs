use super::*;

fn read(text: &str) -> Configuration {
    parse(text, "a.wsb", &[]).unwrap()
}

fn fault(text: &str) -> String {
    parse(text, "a.wsb", &[]).unwrap_err().to_string()
}

/// A configuration with one folder of the host, which exists.
fn folder(parts: &str) -> String {
    format!(
        "<Configuration>\n <MappedFolders>\n  <MappedFolder>\n   {parts}\n  </MappedFolder>\n </MappedFolders>\n</Configuration>"
    )
}

#[test]
fn every_row_of_the_table_is_what_happens() {
    for Row { element, value, effect } in ELEMENTS {
        if !["Enable", "Disable", "Default"].contains(value) {
            continue;
        }
        let one = read(&format!("<Configuration><{element}>{value}</{element}></Configuration>"));
        let told = one.warnings.iter().any(|text| text.starts_with(&format!("{element} {value}: ")));
        assert_eq!(told, matches!(effect, Warned(_)), "{element} {value}: {:?}", one.warnings);
        let granted = element == &"Networking" && value != &"Disable";
        assert_eq!(one.policy.grants.is_empty(), !granted, "{element} {value}");
        let shares = element == &"ClipboardRedirection" && value != &"Disable";
        let ways = if shares { Clipboard::Both } else { Clipboard::None };
        assert_eq!(one.policy.clipboard, ways, "{element} {value}");
    }
    let empty = read("<Configuration/>");
    assert!(empty.policy.grants.is_empty() && empty.policy.user == USER);
    assert!(
        empty.warnings.len() == 1 && empty.warnings[0].starts_with("Networking is not there"),
        "{:?}",
        empty.warnings
    );
    assert!(read("<Configuration><vGPU>Disable</vGPU></Configuration>").warnings.len() == 1);
}

#[test]
fn what_powershell_would_do_is_warned_about() {
    let warned = |command: &str| {
        let text = format!(
            "<Configuration><Networking>Disable</Networking><LogonCommand><Command>{command}</Command></LogonCommand></Configuration>"
        );
        let one = read(&text);
        assert_eq!(one.command.as_deref(), Some(command));
        one.warnings.iter().any(|text| text.starts_with("LogonCommand PowerShell: the base image has no PowerShell"))
    };
    for command in [
        "powershell.exe -ExecutionPolicy Unrestricted -File C:\\sandbox\\x.cmd",
        "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\PowerShell.exe -Command Get-Date",
        "cmd.exe /c start C:\\sandbox\\Setup.PS1",
        "pwsh",
    ] {
        assert!(warned(command), "{command}");
    }
    for command in ["cmd.exe /c echo no-powershell-here", "explorer.exe C:\\powershell\\docs", "notepad.exe"] {
        assert!(!warned(command), "{command}");
    }
}

#[test]
fn folders_lie_on_the_desktop_unless_they_say_where() {
    let one = read(&folder("<HostFolder>/usr/lib</HostFolder>"));
    let mount = &one.policy.mounts[0];
    assert_eq!(
        (mount.guest.to_string().as_str(), mount.writable),
        ("C:\\Users\\WDAGUtilityAccount\\Desktop\\lib", true)
    );
    let text = "<HostFolder>/usr</HostFolder><SandboxFolder>D:\\in</SandboxFolder><ReadOnly>true</ReadOnly>";
    let mount = &read(&folder(text)).policy.mounts[0];
    assert_eq!((mount.guest.to_string().as_str(), mount.writable), ("D:\\in", false));
    let map = "C:\\Users\\Public=/usr".parse::<Map>().unwrap();
    let text = folder("<HostFolder>c:\\users\\public\\lib</HostFolder>");
    assert_eq!(parse(&text, "", &[map]).unwrap().policy.mounts[0].host, Path::new("/usr/lib"));
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let cases = [
        ("<Configuration>\n <Gpu>Enable</Gpu>\n</Configuration>", "line 2, column 2: there is no element `Gpu` here"),
        (
            "<Configuration>\n\n  <networking>Enable</networking></Configuration>",
            "line 3, column 3: `networking` is written `Networking`",
        ),
        ("<configuration/>", "line 1, column 1: `configuration` is written `Configuration`"),
        ("<Configuration><VGpu>enable</VGpu></Configuration>", "the value `enable` of `VGpu` is written `Enable`"),
        (
            "<Configuration><VGpu>On</VGpu></Configuration>",
            "`On` is no value of `VGpu`: write Enable, Disable, Default",
        ),
        ("<Configuration><VGpu>Enable</VGpu><vGPU>Enable</vGPU></Configuration>", "`VGpu` is there twice"),
        ("<Configuration><VGpu/></Configuration>", "`VGpu` is empty"),
        ("<Configuration><VGpu a='b'>Enable</VGpu></Configuration>", "`VGpu` has no attributes"),
        ("<Configuration>text</Configuration>", "holds elements, no text"),
        ("<Configuration><VGpu><A/></VGpu></Configuration>", "`VGpu` holds a value, no elements"),
        ("<Configuration><MemoryInMB>lots</MemoryInMB></Configuration>", "`lots` is no number of megabytes"),
        ("<Configuration><MemoryInMB>99999999999999999</MemoryInMB></Configuration>", "more memory than there can be"),
        ("<Configuration><LogonCommand/></Configuration>", "has no `Command`"),
        ("<Configuration>\n<VGpu>Enable</Configuration>", "line 2"),
        ("", "line 1"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><Configuration/>", "line 1"),
        ("<Configuration xmlns='urn:x'/>", "has no namespace"),
    ];
    for (text, want) in cases {
        assert!(fault(text).contains(want), "{text}: {}", fault(text));
    }
    let folders = [
        ("<ReadOnly>true</ReadOnly>", "line 3, column 3: `MappedFolder` has no `HostFolder`"),
        ("<HostFolder>/no/such/folder</HostFolder>", "line 4, column 4: the folder /no/such/folder is not there"),
        ("<HostFolder>folder</HostFolder>", "`folder` is no absolute path"),
        ("<HostFolder>/etc/passwd</HostFolder>", "/etc/passwd is no folder"),
        ("<HostFolder>/proc/self/root</HostFolder>", "is a symbolic link to /"),
        ("<HostFolder>C:\\Users\\me\\Downloads</HostFolder>", "--map 'C:\\Users\\me\\Downloads=/home/me/Downloads'"),
        (
            "<HostFolder>/usr</HostFolder><SandboxFolder>C:\\Windows\\x</SandboxFolder>",
            "the guest's own system lies there",
        ),
        ("<HostFolder>/usr</HostFolder><SandboxFolder>C:\\</SandboxFolder>", "the guest's own system lies there"),
        ("<HostFolder>/usr</HostFolder><SandboxFolder>here</SandboxFolder>", "`here`: "),
        ("<HostFolder>/usr</HostFolder><ReadOnly>yes</ReadOnly>", "`yes` is no value of `ReadOnly`"),
        ("<HostFolder>/usr</HostFolder><HostFolder>/usr</HostFolder>", "`HostFolder` is there twice"),
        ("<Hostfolder>/usr</Hostfolder>", "`Hostfolder` is written `HostFolder`"),
    ];
    for (parts, want) in folders {
        let said = fault(&folder(parts));
        assert!(said.contains(want), "{parts}: {said}");
    }
    let two = |one: &str, other: &str| {
        let part = |place: &str| {
            format!("<MappedFolder><HostFolder>/usr</HostFolder><SandboxFolder>{place}</SandboxFolder></MappedFolder>")
        };
        fault(&format!("<Configuration><MappedFolders>{}{}</MappedFolders></Configuration>", part(one), part(other)))
    };
    assert!(two("C:\\a", "c:\\A").contains("two mounts at"), "{}", two("C:\\a", "c:\\A"));
    assert!(two("C:\\a", "C:\\A\\b").contains("overlap"));
    assert!(two("C:\\a\\b", "C:\\a").contains("overlap"));
}

#[test]
fn every_fault_is_told_in_the_order_of_lines() {
    let text = "<Configuration>\n <Gpu>1</Gpu>\n <Networking>off</Networking>\n <MappedFolders>\n  <MappedFolder>\n   \
                <HostFolder>/no/such</HostFolder>\n   <ReadOnly>yes</ReadOnly>\n  </MappedFolder>\n  <MappedFolder>\n   \
                <Hostfolder>/usr</Hostfolder>\n  </MappedFolder>\n  <MappedFolder/>\n </MappedFolders>\n <MemoryInMB>many</MemoryInMB>\n\
                </Configuration>";
    let Err(WsbError::Text(_, all)) = parse(text, "a.wsb", &[]) else { panic!("it is right") };
    let lines: Vec<u32> = all.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [2, 3, 6, 7, 10, 12, 14], "{all:#?}");
    assert_eq!(fault(text).lines().count(), 7);
    assert!(fault(text).lines().all(|line| line.starts_with("a.wsb, line ")));
}

#[test]
fn text_is_read_in_the_encodings_that_windows_writes() {
    let text = "<Configuration><MemoryInMB>2048</MemoryInMB></Configuration>";
    let wide = |of: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(of).collect::<Vec<u8>>();
    let little = [&[0xff, 0xfe][..], &wide(u16::to_le_bytes)].concat();
    let big = [&[0xfe, 0xff][..], &wide(u16::to_be_bytes)].concat();
    for bytes in [little, big, [&[0xef, 0xbb, 0xbf][..], text.as_bytes()].concat(), text.into()] {
        assert_eq!(decode(&bytes).as_deref(), Some(text));
    }
    assert_eq!(decode(&[0xff, 0xfe, 0x41]), None);
    assert_eq!(decode(&[0x80]), None);
    assert_eq!(read(text).policy.memory, Some(2048 << 20));
    assert_eq!(read("<Configuration><MemoryInMB>1</MemoryInMB></Configuration>").policy.memory, Some(64 << 20));
}
