//! Folders of the guest: the numbers that set-up files give them, and which are there from the start.

/// The system root, as Windows spells it.
pub const WINDOWS: &str = "C:\\windows";

/// The folder with this number (`DIRID_*` of setupapi.h, from 16384 on `CSIDL_*` of shlobj.h).
pub fn by_number(number: i32) -> Option<&'static str> {
    Some(match number {
        -1 => "",
        10 | 25 => WINDOWS,
        11 | 66002 => "C:\\windows\\system32",
        12 => "C:\\windows\\system32\\drivers",
        17 => "C:\\windows\\inf",
        18 => "C:\\windows\\help",
        20 => "C:\\windows\\Fonts",
        21 => "C:\\windows\\system32\\viewers",
        23 | 66003 => "C:\\windows\\system32\\spool\\drivers\\color",
        24 | 30 | 54 => "C:\\",
        50 => "C:\\windows\\system",
        51 => "C:\\windows\\system32\\spool",
        52 => "C:\\windows\\system32\\spool\\drivers",
        53 => "C:\\users\\@user",
        55 | 66001 => "C:\\windows\\system32\\spool\\prtprocs\\x64",
        66000 => "C:\\windows\\system32\\spool\\drivers\\x64",
        16410 => "C:\\users\\@user\\AppData\\Roaming",
        16412 => "C:\\users\\@user\\AppData\\Local",
        16419 => "C:\\ProgramData",
        16422 => "C:\\Program Files",
        16426 => "C:\\Program Files (x86)",
        16427 => "C:\\Program Files\\Common Files",
        16428 => "C:\\Program Files (x86)\\Common Files",
        _ => return None,
    })
}

/// Folders that Windows always has, beyond those that the set-up file names; with '/' between components, below C:.
pub const ALWAYS: &[&str] = &[
    "Program Files/Common Files/Microsoft Shared",
    "Program Files (x86)/Common Files",
    "ProgramData/Microsoft/Windows/Start Menu/Programs/StartUp",
    "ProgramData/Microsoft/Windows/Templates",
    "users/Public/Desktop",
    "users/Public/Documents",
    "users/Public/Downloads",
    "users/Public/Music",
    "users/Public/Pictures",
    "users/Public/Videos",
    // Where shell32 makes the recycle bin, which is of Unix' form: WINEHOMEDIR of the environment leads there.
    "users/@user/AppData/Local/.local/share",
    "users/@user/AppData/Local/Microsoft/Windows/History",
    "users/@user/AppData/Local/Microsoft/Windows/INetCache",
    "users/@user/AppData/Local/Microsoft/Windows/INetCookies",
    "users/@user/AppData/Local/Temp",
    "users/@user/AppData/LocalLow",
    "users/@user/AppData/Roaming/Microsoft/Windows/Network Shortcuts",
    "users/@user/AppData/Roaming/Microsoft/Windows/Printer Shortcuts",
    "users/@user/AppData/Roaming/Microsoft/Windows/Recent",
    "users/@user/AppData/Roaming/Microsoft/Windows/SendTo",
    "users/@user/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Administrative Tools",
    "users/@user/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/StartUp",
    "users/@user/AppData/Roaming/Microsoft/Windows/Templates",
    "users/@user/Contacts",
    "users/@user/Desktop",
    "users/@user/Documents",
    "users/@user/Downloads",
    "users/@user/Favorites",
    "users/@user/Links",
    "users/@user/Music",
    "users/@user/Pictures",
    "users/@user/Saved Games",
    "users/@user/Searches",
    "users/@user/Videos",
    "windows/Fonts",
    "windows/globalization/sorting",
    "windows/inf",
    "windows/system32/config",
    "windows/system32/drivers/etc",
    "windows/system32/spool/drivers/color",
    "windows/system32/spool/drivers/x64/3",
    "windows/system32/spool/prtprocs/x64",
    "windows/temp",
    "windows/winsxs/manifests",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(by_number(11), Some("C:\\windows\\system32"));
        assert_eq!(by_number(16422), Some("C:\\Program Files"));
        assert_eq!(by_number(9999), None);
    }
}
