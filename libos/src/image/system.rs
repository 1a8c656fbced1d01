//! What is in the registry of every Windows without standing in the set-up file: what the session manager, the service
//! manager and a first log-on write. What depends on the host or the user is made at the start of a sandbox, by ntum.

use super::registry::{Registry, kind, text_bytes, utf16};
use ntum::nls::locale::Locale;
use ntum::win32k::print::spool;

const VERSION: &str = "Machine\\Software\\Microsoft\\Windows NT\\CurrentVersion";
const EXPLORER: &str = "Software\\Microsoft\\Windows\\CurrentVersion\\Explorer";

/// IID_IUnknown.
const UNKNOWN: &str = "{00000000-0000-0000-C000-000000000046}";

/// Keys and links that are there before the set-up file runs.
pub fn before(registry: &mut Registry) {
    registry.key("Machine\\System\\ControlSet001");
    registry.link("Machine\\System\\CurrentControlSet", "\\Registry\\Machine\\System\\ControlSet001");
    registry.key("Machine\\Software\\Classes\\Wow6432Node").set_flags(ntum::cm::hive::flags::WOW_SHARE);
    // Of the interfaces of 32-bit programs there is this one, so that their key is never deleted as an empty one.
    registry.text(&format!("Machine\\Software\\Classes\\Wow6432Node\\Interface\\{UNKNOWN}"), "", "IUnknown");
    registry.key(&format!("{VERSION}\\Perflib\\009")).set_flags(ntum::cm::hive::flags::PREDEFINED);
    registry.key("Machine\\Hardware\\Description\\System");
    registry.key("Machine\\Hardware\\DeviceMap");
    registry.key("Machine\\SAM");
    registry.key("Machine\\Security");
}

/// The user's folders: value name and path below the profile.
const SHELL_FOLDERS: &[(&str, &str)] = &[
    ("Administrative Tools", "AppData\\Roaming\\Microsoft\\Windows\\Start Menu\\Programs\\Administrative Tools"),
    ("AppData", "AppData\\Roaming"),
    ("Cache", "AppData\\Local\\Microsoft\\Windows\\INetCache"),
    ("Cookies", "AppData\\Local\\Microsoft\\Windows\\INetCookies"),
    ("Desktop", "Desktop"),
    ("Favorites", "Favorites"),
    ("History", "AppData\\Local\\Microsoft\\Windows\\History"),
    ("Local AppData", "AppData\\Local"),
    ("My Music", "Music"),
    ("My Pictures", "Pictures"),
    ("My Videos", "Videos"),
    ("NetHood", "AppData\\Roaming\\Microsoft\\Windows\\Network Shortcuts"),
    ("Personal", "Documents"),
    ("PrintHood", "AppData\\Roaming\\Microsoft\\Windows\\Printer Shortcuts"),
    ("Programs", "AppData\\Roaming\\Microsoft\\Windows\\Start Menu\\Programs"),
    ("Recent", "AppData\\Roaming\\Microsoft\\Windows\\Recent"),
    ("SendTo", "AppData\\Roaming\\Microsoft\\Windows\\SendTo"),
    ("Start Menu", "AppData\\Roaming\\Microsoft\\Windows\\Start Menu"),
    ("StartUp", "AppData\\Roaming\\Microsoft\\Windows\\Start Menu\\Programs\\StartUp"),
    ("Templates", "AppData\\Roaming\\Microsoft\\Windows\\Templates"),
    ("{374DE290-123F-4565-9164-39C4925E467B}", "Downloads"),
    ("{4C5C32FF-BB9D-43B0-B5B4-2D72E54EAAA4}", "Saved Games"),
    ("{56784854-C6CB-462B-8169-88E350ACB882}", "Contacts"),
    ("{7D1D3A04-DEBB-4115-95CF-2F29DA2920DA}", "Searches"),
    ("{A520A1A4-1780-4FF6-BD18-167343C5AF16}", "AppData\\LocalLow"),
    ("{BFB9D5E0-C6A9-404C-B2B2-AE6DB6AF4968}", "Links"),
];

/// Folders of all users: value name and path, with %variables%.
const COMMON_FOLDERS: &[(&str, &str)] = &[
    ("Common Administrative Tools", "%ProgramData%\\Microsoft\\Windows\\Start Menu\\Programs\\Administrative Tools"),
    ("Common AppData", "%ProgramData%"),
    ("Common Desktop", "%PUBLIC%\\Desktop"),
    ("Common Documents", "%PUBLIC%\\Documents"),
    ("Common Programs", "%ProgramData%\\Microsoft\\Windows\\Start Menu\\Programs"),
    ("Common Start Menu", "%ProgramData%\\Microsoft\\Windows\\Start Menu"),
    ("Common Startup", "%ProgramData%\\Microsoft\\Windows\\Start Menu\\Programs\\StartUp"),
    ("Common Templates", "%ProgramData%\\Microsoft\\Windows\\Templates"),
    ("CommonMusic", "%PUBLIC%\\Music"),
    ("CommonPictures", "%PUBLIC%\\Pictures"),
    ("CommonVideo", "%PUBLIC%\\Videos"),
];

/// The Internet zones: number, name, description, flags.
const ZONES: &[(&str, &str, &str, u32)] = &[
    ("0", "My Computer", "Your computer", 33),
    ("1", "Local intranet", "Computers in your local network", 219),
    ("2", "Trusted sites", "Sites that you trust", 33),
    ("3", "Internet", "All sites that are in no other zone", 1),
    ("4", "Restricted sites", "Sites that may do harm", 3),
];

/// Colours as the theme has them that Wine sets up in a fresh profile, by name.
const COLOURS: &[(&str, &str)] = &[
    ("ActiveBorder", "255 255 255"),
    ("ActiveTitle", "50 150 250"),
    ("AppWorkSpace", "128 128 128"),
    ("Background", "37 111 149"),
    ("ButtonAlternateFace", "255 255 255"),
    ("ButtonDkShadow", "106 106 106"),
    ("ButtonFace", "245 245 245"),
    ("ButtonHilight", "255 255 255"),
    ("ButtonLight", "227 227 227"),
    ("ButtonShadow", "166 166 166"),
    ("ButtonText", "0 0 0"),
    ("GradientActiveTitle", "50 150 250"),
    ("GradientInactiveTitle", "128 128 128"),
    ("GrayText", "166 166 166"),
    ("Hilight", "48 150 250"),
    ("HilightText", "255 255 255"),
    ("HotTrackingColor", "224 224 224"),
    ("InactiveBorder", "255 255 255"),
    ("InactiveTitle", "128 128 128"),
    ("InactiveTitleText", "200 200 200"),
    ("InfoText", "0 0 0"),
    ("InfoWindow", "255 255 255"),
    ("Menu", "255 255 255"),
    ("MenuBar", "255 255 255"),
    ("MenuHilight", "48 150 250"),
    ("MenuText", "0 0 0"),
    ("Scrollbar", "255 255 255"),
    ("TitleText", "0 0 0"),
    ("Window", "255 255 255"),
    ("WindowFrame", "158 158 158"),
    ("WindowText", "0 0 0"),
];

/// What the set-up file has not set. `locale` is what programs find before the host's own is known.
pub fn after(registry: &mut Registry, user: &str, locale: &Locale) {
    machine(registry);
    printers(registry, None);
    let nls = "Machine\\System\\CurrentControlSet\\Control\\Nls";
    let page = |number: u32| format!("{number:03}");
    registry.text(&format!("{nls}\\Codepage"), "ACP", &page(locale.ansi_code_page()));
    registry.text(&format!("{nls}\\Codepage"), "OEMCP", &page(locale.oem_code_page()));
    registry.text(&format!("{nls}\\Codepage"), "MACCP", &page(locale.mac_code_page()));
    // For another user the kernel says it anew as a session starts.
    for (name, path) in SHELL_FOLDERS {
        let path = format!("C:\\users\\user\\{path}");
        registry.text(&format!("User\\{user}\\{EXPLORER}\\Shell Folders"), name, &path);
    }
    for owner in [format!("User\\{user}"), "User\\.Default".to_string()] {
        profile(registry, &owner);
        for (key, name, text) in locale.settings() {
            registry.text(&format!("{owner}\\Control Panel\\International\\{key}"), name, &text);
        }
    }
    registry.number(&format!("{VERSION}\\ProfileList\\{user}"), "Flags", 0);
}

fn machine(registry: &mut Registry) {
    let environment = "Machine\\System\\CurrentControlSet\\Control\\Session Manager\\Environment";
    registry.text(environment, "PROCESSOR_ARCHITECTURE", "AMD64");
    // The set-up file names another build than the kernel does.
    let build = ntum::ex::shared_data::version::BUILD.to_string();
    for name in ["CurrentBuild", "CurrentBuildNumber"] {
        registry.text(VERSION, name, &build);
    }
    let profiles = format!("{VERSION}\\ProfileList");
    registry.expand(&profiles, "ProfilesDirectory", "%SystemDrive%\\users");
    registry.expand(&profiles, "Default", "%SystemDrive%\\users\\Default");
    registry.expand(&profiles, "Public", "%SystemDrive%\\users\\Public");
    registry.expand(&profiles, "ProgramData", "%SystemDrive%\\ProgramData");
    let folders = format!("Machine\\{EXPLORER}");
    for (name, path) in COMMON_FOLDERS {
        registry.expand(&format!("{folders}\\User Shell Folders"), name, path);
        let path = path.replace("%ProgramData%", "C:\\ProgramData").replace("%PUBLIC%", "C:\\users\\Public");
        registry.text(&format!("{folders}\\Shell Folders"), name, &path);
    }
    let setup = "Machine\\System\\Setup";
    registry.number(setup, "SystemSetupInProgress", 0);
    registry.number(setup, "SetupType", 0);
    registry.text(setup, "CmdLine", "");
    registry.number("Machine\\System\\CurrentControlSet\\Control\\FileSystem", "LongPathsEnabled", 1);
    registry.text("Machine\\System\\CurrentControlSet\\Control", "SystemStartOptions", "");
}

/// What uxtheme sets when it first loads the profile's theme: done beforehand, all programs look alike from the first on.
fn look(registry: &mut Registry, owner: &str) {
    let panel = format!("{owner}\\Control Panel");
    for (name, colour) in COLOURS {
        registry.text(&format!("{panel}\\Colors"), name, colour);
    }
    for (key, name, size) in ntum::win32k::user::first_metrics() {
        registry.text(&format!("{owner}\\{key}"), name, &size);
    }
    for name in ["ScrollHeight", "ScrollWidth"] {
        registry.text(&format!("{panel}\\Desktop\\WindowMetrics"), name, "17");
    }
    // Flat menus and captions with a gradient, besides what is always so.
    let preferences = vec![0x30, 0x00, 0x02, 0x80, 0x12, 0x00, 0x00, 0x00];
    registry.key(&format!("{panel}\\Desktop")).set(&utf16("UserPreferencesMask"), kind::BINARY, preferences);
    // Of the fonts there are, conhost.exe would take one of symbols: it looks at outlines alone.
    registry.text(&format!("{owner}\\Console"), "FaceName", "Fixedsys");
    let manager = format!("{owner}\\Software\\Microsoft\\Windows\\CurrentVersion\\ThemeManager");
    registry.text(&manager, "LoadedBefore", "1");
}

/// What winspool.drv would note of a printer as it is loaded, apart from what its driver says: that is asked when the printer is
/// first opened. gdi32 asks for a printer's driver before it loads winspool, and a driver that is the first to bring it cannot be asked then.
fn printers(registry: &mut Registry, owner: Option<&str>) {
    for (index, [name, comment]) in spool::PRINTERS.into_iter().enumerate() {
        let port = format!("CUPS:{name}");
        let Some(owner) = owner else {
            let key = format!("Machine\\System\\CurrentControlSet\\Control\\Print\\Printers\\{name}");
            for (value, text) in [
                ("Datatype", "RAW"),
                ("Description", comment),
                ("Location", ""),
                ("Name", name),
                ("Parameters", ""),
                ("Port", &port),
                ("Print Processor", "wineps"),
                ("Printer Driver", name),
                ("Separator File", ""),
                ("Share Name", ""),
            ] {
                registry.text(&key, value, text);
            }
            for value in [
                "Attributes",
                "Default Priority",
                "Priority",
                "StartTime",
                "Status",
                "UntilTime",
                "dnsTimeout",
                "txTimeout",
            ] {
                registry.number(&key, value, 0);
            }
            continue;
        };
        let (version, driver) =
            (format!("{owner}\\Software\\Microsoft\\Windows NT\\CurrentVersion"), format!("wineps.drv,{port}"));
        registry.text(&format!("{version}\\Devices"), name, &driver);
        registry.text(&format!("{version}\\PrinterPorts"), name, &format!("{driver},15,45"));
        if index == 0 {
            registry.text(&format!("{version}\\Windows"), "device", &format!("{name},{driver}"));
        }
    }
}

fn profile(registry: &mut Registry, owner: &str) {
    for (name, path) in SHELL_FOLDERS {
        registry.expand(&format!("{owner}\\{EXPLORER}\\User Shell Folders"), name, &format!("%USERPROFILE%\\{path}"));
    }
    for (name, text) in
        [("TEMP", "%USERPROFILE%\\AppData\\Local\\Temp"), ("TMP", "%USERPROFILE%\\AppData\\Local\\Temp")]
    {
        registry.expand(&format!("{owner}\\Environment"), name, text);
    }
    let panel = format!("{owner}\\Control Panel");
    for (key, values) in [
        ("Accessibility\\AudioDescription", &[("On", "0")][..]),
        ("Accessibility\\Blind Access", &[("On", "0")]),
        ("Accessibility\\Keyboard Preference", &[("On", "1")]),
        ("Accessibility\\ShowSounds", &[("On", "0")]),
        ("Keyboard", &[("KeyboardDelay", "1"), ("KeyboardSpeed", "31")]),
        (
            "Mouse",
            &[
                ("DoubleClickHeight", "4"),
                ("DoubleClickSpeed", "500"),
                ("DoubleClickWidth", "4"),
                ("MouseHoverHeight", "4"),
                ("MouseHoverTime", "400"),
                ("MouseHoverWidth", "4"),
                ("MouseSpeed", "1"),
                ("MouseThreshold1", "6"),
                ("MouseThreshold2", "10"),
                ("MouseTrails", "0"),
                ("SwapMouseButtons", "0"),
            ],
        ),
        ("Sound", &[("Beep", "Yes")]),
        (
            "Desktop",
            &[
                ("CursorBlinkRate", "500"),
                ("DragFullWindows", "0"),
                ("FontSmoothing", "2"),
                ("MenuShowDelay", "400"),
                ("ScreenSaveActive", "1"),
                ("ScreenSaveTimeOut", "300"),
                ("WheelScrollChars", "3"),
                ("WheelScrollLines", "3"),
            ],
        ),
    ] {
        for (name, text) in values {
            registry.text(&format!("{panel}\\{key}"), name, text);
        }
    }
    look(registry, owner);
    printers(registry, Some(owner));
    registry.text(&format!("{owner}\\Keyboard Layout\\Preload"), "1", "00000409");
    registry.key(&format!("{owner}\\Software\\Wine\\DllOverrides"));
    // DirectWrite looks for no family but the one it is asked for. Chromium asks for a few in turn, of which this is one, and shows
    // no text at all if there is none of them.
    registry.text(&format!("{owner}\\Software\\Wine\\Fonts\\Replacements"), "Segoe UI", "Tahoma");
    let settings = format!("{owner}\\Software\\Microsoft\\Windows\\CurrentVersion\\Internet Settings");
    registry.number(&settings, "ProxyEnable", 0);
    for key in ["Domains", "Ranges"] {
        registry.key(&format!("{settings}\\ZoneMap\\{key}"));
    }
    for (scheme, zone) in [("file", 3), ("ftp", 3), ("http", 3), ("https", 3), ("shell", 0)] {
        registry.number(&format!("{settings}\\ZoneMap\\ProtocolDefaults"), scheme, zone);
    }
    for (number, name, description, flags) in ZONES {
        let zone = format!("{settings}\\Zones\\{number}");
        registry.text(&zone, "DisplayName", name);
        registry.text(&zone, "Description", description);
        registry.number(&zone, "Flags", *flags);
    }
    // An empty default value where programs look whether anything is set at all.
    registry.key(&format!("{owner}\\Software\\Microsoft\\Windows\\CurrentVersion\\Run"));
    let key = registry.key(&format!("{owner}\\AppEvents\\Schemes"));
    if key.value(&[]).is_none() {
        key.set(&utf16(""), kind::SZ, text_bytes(".Default"));
    }
}
