//! The program's environment block and command line.

use crate::ex::cpu::cpu;
use crate::nls::fold::fold;
use crate::types::wide;
use shim_abi::boot::{Boot, Order};

/// The system's profile.
const SYSTEM_PROFILE: &str = "\\windows\\system32\\config\\systemprofile";

/// The environment block: what the user grants over what every Windows session has, and over that what somebody from outside
/// wants for a program; sorted as Windows sorts it, each
/// `NAME=value` ended by a zero unit, and one more at the end.
pub fn block(boot: &Boot, order: Option<&Order>) -> Vec<u16> {
    let system = order.is_some_and(|order| order.system);
    let user_path = if system { SYSTEM_PROFILE.to_owned() } else { format!("\\users\\{}", boot.user) };
    let home = format!("C:{user_path}");
    let processors = boot.processors.max(1).to_string();
    let local = format!("{home}\\AppData\\Local");
    let bin = format!("\\??\\{local}");
    let temp = if system { "C:\\windows\\temp".to_owned() } else { format!("{local}\\Temp") };
    // As Windows has it: the system is known by the machine's account, and by its own name to who asks for it.
    let (account, user) = match system {
        true => (format!("{}$", boot.computer), "SYSTEM"),
        false => (boot.user.clone(), boot.user.as_str()),
    };
    let roaming = format!("{home}\\AppData\\Roaming");
    let cpu = cpu();
    let (level, revision) = (cpu.level.to_string(), format!("{:04x}", cpu.revision));
    let identifier = cpu.identifier();
    let defaults: &[(&str, &str)] = &[
        ("ALLUSERSPROFILE", "C:\\ProgramData"),
        ("APPDATA", &roaming),
        ("CommonProgramFiles", "C:\\Program Files\\Common Files"),
        ("CommonProgramW6432", "C:\\Program Files\\Common Files"),
        ("COMPUTERNAME", &boot.computer),
        ("ComSpec", "C:\\windows\\system32\\cmd.exe"),
        ("DriverData", "C:\\windows\\System32\\Drivers\\DriverData"),
        ("HOMEDRIVE", "C:"),
        ("HOMEPATH", &user_path),
        ("LOCALAPPDATA", &local),
        ("NUMBER_OF_PROCESSORS", &processors),
        ("OS", "Windows_NT"),
        ("PATH", "C:\\windows\\system32;C:\\windows;C:\\windows\\system32\\wbem"),
        ("PATHEXT", ".COM;.EXE;.BAT;.CMD;.VBS;.VBE;.JS;.JSE;.WSF;.WSH;.MSC"),
        ("PROCESSOR_ARCHITECTURE", "AMD64"),
        ("PROCESSOR_IDENTIFIER", &identifier),
        ("PROCESSOR_LEVEL", &level),
        ("PROCESSOR_REVISION", &revision),
        ("ProgramData", "C:\\ProgramData"),
        ("ProgramFiles", "C:\\Program Files"),
        ("ProgramW6432", "C:\\Program Files"),
        ("PUBLIC", "C:\\users\\Public"),
        ("SystemDrive", "C:"),
        ("SystemRoot", "C:\\windows"),
        ("TEMP", &temp),
        ("TMP", &temp),
        ("USERDOMAIN", &boot.computer),
        ("USERNAME", &account),
        ("USERPROFILE", &home),
        ("windir", "C:\\windows"),
        // Below it the image's shell32 has the recycle bin.
        ("WINEHOMEDIR", &bin),
        // What the image's advapi32 answers GetUserName with.
        ("WINEUSERNAME", user),
    ];
    // Folded name, name, value.
    let mut all: Vec<(Vec<u16>, Vec<u16>, Vec<u16>)> = Vec::with_capacity(defaults.len());
    let ordered = order.map_or(&[][..], |order| &order.environment);
    let granted = boot.environment.iter().chain(ordered).map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in defaults.iter().copied().chain(granted) {
        let (name, value) = (wide(name), wide(value));
        if name.is_empty() || name.contains(&0) || value.contains(&0) || name[1..].contains(&u16::from(b'=')) {
            continue;
        }
        let folded = fold(&name);
        match all.iter_mut().find(|(held, ..)| *held == folded) {
            Some(held) => held.2 = value,
            None => all.push((folded, name, value)),
        }
    }
    all.sort();
    let mut block = Vec::new();
    for (_, name, value) in all {
        block.extend(name);
        block.push(u16::from(b'='));
        block.extend(value);
        block.push(0);
    }
    block.push(0);
    block
}

/// The command line from which the program's C library makes `arguments` again (the rules of CommandLineToArgvW and of
/// Microsoft's C library: backslashes count double only in front of a quotation mark).
pub fn command_line(arguments: &[String]) -> String {
    let mut line = String::new();
    for (index, argument) in arguments.iter().enumerate() {
        if index > 0 {
            line.push(' ');
        }
        let plain = !argument.is_empty() && !argument.contains([' ', '\t', '\n', '\u{b}', '"']);
        if plain {
            line.push_str(argument);
            continue;
        }
        line.push('"');
        let mut backslashes = 0;
        for letter in argument.chars() {
            match letter {
                '\\' => backslashes += 1,
                '"' => {
                    // The program's own name takes no escapes, and can hold no quotation mark either.
                    line.extend(std::iter::repeat_n('\\', backslashes + 1));
                    backslashes = 0;
                }
                _ => backslashes = 0,
            }
            line.push(letter);
        }
        line.extend(std::iter::repeat_n('\\', backslashes));
        line.push('"');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_follows_the_c_library() {
        let line = |arguments: &[&str]| command_line(&arguments.iter().map(|a| (*a).to_owned()).collect::<Vec<_>>());
        assert_eq!(line(&["a.exe", "b", ""]), "a.exe b \"\"");
        assert_eq!(line(&["a.exe", "b c", "d\\"]), "a.exe \"b c\" d\\");
        assert_eq!(line(&["a", "x y\\"]), "a \"x y\\\\\"");
        assert_eq!(line(&["a", "say \"hi\""]), "a \"say \\\"hi\\\"\"");
        assert_eq!(line(&["a", "q\\\" r"]), "a \"q\\\\\\\" r\"");
    }
}
