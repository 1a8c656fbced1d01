//! What a set-up file does to the registry: AddReg and DelReg entries, and services.

use super::inf::{Inf, Line, parse_number};
use super::registry::{Registry, kind, list_bytes, list_texts, text_bytes, utf16};

/// Bits of an AddReg entry's flags (`FLG_ADDREG_*` of setupapi.h).
mod flag {
    /// The data is bytes.
    pub const BINARY: u32 = 0x0001;
    /// An existing value stays.
    pub const NO_CLOBBER: u32 = 0x0002;
    /// The value is deleted.
    pub const DELETE_VALUE: u32 = 0x0004;
    /// The texts are added to the list that is there.
    pub const APPEND: u32 = 0x0008;
    /// Only the key is made.
    pub const KEY_ONLY: u32 = 0x0010;
    /// Only an existing value is changed.
    pub const OVERWRITE_ONLY: u32 = 0x0020;
    /// Only the key is made, also where it is no value's.
    pub const KEY_ONLY_COMMON: u32 = 0x2000;
    /// The entry deletes.
    pub const DELETE: u32 = 0x8000;
    /// The bits that hold the type.
    pub const TYPE: u32 = 0xffff_0000 | BINARY;
}

/// How long a service is given at shutdown, in milliseconds.
const PRESHUTDOWN_TIMEOUT: u32 = 180_000;
/// Where services are listed.
const SERVICES: &str = "Machine\\System\\CurrentControlSet\\Services";

/// The data and type that an entry's flags and fields from the fifth on make.
fn data(inf: &Inf, line: &Line, flags: u32) -> (u32, Vec<u8>) {
    let kind = match flags & flag::TYPE {
        0 => kind::SZ,
        0x0001_0000 => kind::MULTI_SZ,
        0x0002_0000 => kind::EXPAND_SZ,
        0x0000_0001 => kind::BINARY,
        0x0001_0001 => kind::DWORD,
        0x0002_0001 => kind::NONE,
        other => other >> 16,
    };
    let text = inf.field(line, 5);
    let bytes = if flags & flag::BINARY != 0 && !(kind == kind::DWORD && Inf::count(line) == 5) {
        let digits = (5..=Inf::count(line)).map(|number| inf.field(line, number));
        digits.filter_map(|digits| u8::from_str_radix(digits.trim(), 16).ok()).collect()
    } else {
        match kind {
            kind::MULTI_SZ => {
                let texts: Vec<String> = (5..=Inf::count(line)).map(|number| inf.field(line, number)).collect();
                list_bytes(texts.iter().map(String::as_str).take_while(|text| !text.is_empty()))
            }
            kind::DWORD => parse_number(&text).unwrap_or(0).to_le_bytes().to_vec(),
            kind::LINK => utf16(&text).iter().flat_map(|unit| unit.to_le_bytes()).collect(),
            _ => text_bytes(&text),
        }
    };
    (kind, bytes)
}

/// Carries out the entries of one AddReg section. `relative` is the key that HKR stands for.
pub fn add_registry(inf: &Inf, section: &str, relative: Option<&str>, registry: &mut Registry) {
    for line in inf.section(section) {
        let root = inf.field(line, 1);
        let root = match relative {
            Some(relative) if root.eq_ignore_ascii_case("HKR") => Some(relative.to_string()),
            _ => registry.root(&root),
        };
        let Some(root) = root else { continue };
        let path = format!("{root}\\{}", inf.field(line, 2));
        let name = utf16(&inf.field(line, 3));
        let flags = inf.number(line, 4).unwrap_or(0);
        if flags & flag::DELETE != 0 {
            continue;
        }
        if flags & flag::OVERWRITE_ONLY != 0 && registry.find(&path).is_none() {
            continue;
        }
        if flags & flag::DELETE_VALUE != 0 {
            registry.key(&path).remove_value(&name);
            continue;
        }
        if flags >> 16 == kind::LINK {
            registry.link(&path, &inf.field(line, 5));
            continue;
        }
        let key = registry.key(&path);
        let there = key.value(&name).map(|(kind, data)| (kind, data.to_vec()));
        if flags & (flag::KEY_ONLY | flag::KEY_ONLY_COMMON) != 0
            || there.is_some() && flags & flag::NO_CLOBBER != 0
            || there.is_none() && flags & flag::OVERWRITE_ONLY != 0
        {
            continue;
        }
        let (kind, mut bytes) = data(inf, line, flags);
        if kind == kind::MULTI_SZ && flags & flag::APPEND != 0 {
            let mut texts = match &there {
                Some((kind::MULTI_SZ, bytes)) => list_texts(bytes),
                Some(_) => continue,
                None => Vec::new(),
            };
            for text in list_texts(&bytes) {
                if !texts.iter().any(|known| known.eq_ignore_ascii_case(&text)) {
                    texts.push(text);
                }
            }
            bytes = list_bytes(texts.iter().map(String::as_str));
        }
        key.set(&name, kind, bytes);
    }
}

/// Registers the services that a section's AddService lines name.
pub fn add_services(inf: &Inf, section: &str, registry: &mut Registry) {
    for line in inf.lines(section, "AddService") {
        let (name, section) = (inf.field(line, 1), inf.field(line, 3));
        if name.is_empty() || !inf.has(&section) {
            continue;
        }
        let text = |key| inf.lines(&section, key).next().map(|line| inf.field(line, 1));
        let number = |key| inf.lines(&section, key).next().and_then(|line| inf.number(line, 1));
        let mandatory = (number("ServiceType"), number("StartType"), number("ErrorControl"), text("ServiceBinary"));
        let (Some(service_type), Some(start), Some(error_control), Some(binary)) = mandatory else { continue };
        let key = format!("{SERVICES}\\{name}");
        registry.text(&key, "ImagePath", &binary);
        for (value, text) in [
            ("DisplayName", text("DisplayName")),
            ("Description", text("Description")),
            ("Group", text("LoadOrderGroup")),
            ("ObjectName", Some(text("StartName").unwrap_or_else(|| "LocalSystem".into()))),
        ] {
            if let Some(text) = text {
                registry.text(&key, value, &text);
            }
        }
        registry.number(&key, "Start", start);
        registry.number(&key, "Type", service_type);
        registry.number(&key, "ErrorControl", error_control);
        registry.number(&key, "PreshutdownTimeout", PRESHUTDOWN_TIMEOUT);
        for reg in inf.list(&section, "AddReg") {
            add_registry(inf, &reg, Some(&key), registry);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn made(text: &str) -> Registry {
        let inf = Inf::parse(text);
        let mut registry = Registry::new("S-1", 1);
        add_registry(&inf, "R", None, &mut registry);
        add_services(&inf, "S", &mut registry);
        registry
    }

    #[test]
    fn types() {
        let registry = made(
            "[R]\nHKLM,K,t,,\"x\"\nHKLM,K,d,0x10001,0x10\nHKLM,K,d2,0x00040002,7\nHKLM,K,b,1,01,fF,\\\n 2\nHKLM,K,m,0x10000,a,b\n\
             HKLM,K,e,0x20000,\"%%P%%\"\nHKLM,K,d3,0x10001,1,2,3,4\nHKLM,K,,,def\nHKLM,K,m2,0x10000,\"\"\n",
        );
        let key = registry.find("Machine\\K").unwrap();
        for (name, kind, bytes) in [
            ("t", 1, text_bytes("x")),
            ("d", 4, vec![16, 0, 0, 0]),
            ("d2", 4, vec![7, 0, 0, 0]),
            ("b", 3, vec![1, 255, 2]),
            ("m", 7, list_bytes(["a", "b"])),
            ("e", 2, text_bytes("%P%")),
            ("d3", 4, vec![1, 2, 3, 4]),
            ("", 1, text_bytes("def")),
            ("m2", 7, vec![0, 0]),
        ] {
            assert_eq!(key.value(&utf16(name)), Some((kind, bytes.as_slice())), "{name}");
        }
    }

    #[test]
    fn conditions() {
        let registry = made(
            "[R]\nHKLM,K,a,,1\nHKLM,K,a,2,2\nHKLM,K,b,0x20,1\nHKLM,K,c,,1\nHKLM,K,c,4\nHKLM,N,x,0x20,1\nHKLM,O,x,16,1\n\
             HKLM,K,l,0x10008,p\nHKLM,K,l,0x10008,P,q\n",
        );
        let key = registry.find("Machine\\K").unwrap();
        assert_eq!(key.value(&utf16("a")), Some((1, text_bytes("1").as_slice())));
        assert_eq!(key.value(&utf16("b")), None);
        assert_eq!(key.value(&utf16("c")), None);
        assert!(registry.find("Machine\\N").is_none());
        assert_eq!(registry.find("Machine\\O").unwrap().value(&utf16("x")), None);
        assert_eq!(key.value(&utf16("l")), Some((7, list_bytes(["p", "q"]).as_slice())));
    }

    #[test]
    fn links_lead_elsewhere() {
        let registry = made("[R]\nHKLM,A,\"SymbolicLinkValue\",0x60000,\"\\Registry\\Machine\\B\"\nHKLM,A\\C,v,,1\n");
        assert!(registry.find("Machine\\B\\C").is_some());
    }

    #[test]
    fn services() {
        let registry = made(
            "[S]\nAddService=Svc,0x800,Body\n[Body]\nAddReg=More\nServiceBinary=\"%11%\\s.exe\"\nServiceType=0x10\nStartType=3\n\
             ErrorControl=1\n[More]\nHKR,Parameters,\"D\",,1\n",
        );
        let key = registry.find(&format!("{SERVICES}\\svc")).unwrap();
        assert_eq!(key.value(&utf16("ImagePath")), Some((1, text_bytes("C:\\windows\\system32\\s.exe").as_slice())));
        assert_eq!(key.value(&utf16("Type")), Some((4, &[16, 0, 0, 0][..])));
        assert!(key.find(&utf16("Parameters")).is_some());
    }
}
