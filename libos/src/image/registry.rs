//! The registry while it is being made: roots by name, paths through symbolic links, values as texts and numbers.

use ntum::cm::hive::{Builder, TooLarge, flags};

/// Value types of winnt.h.
pub mod kind {
    /// No type.
    pub const NONE: u32 = 0;
    /// Text.
    pub const SZ: u32 = 1;
    /// Text with %variables% in it.
    pub const EXPAND_SZ: u32 = 2;
    /// Bytes.
    pub const BINARY: u32 = 3;
    /// A number of 32 bits.
    pub const DWORD: u32 = 4;
    /// A symbolic link's target: text without a terminator.
    pub const LINK: u32 = 6;
    /// A list of texts.
    pub const MULTI_SZ: u32 = 7;
}

/// The value that holds a symbolic link's target.
pub const LINK_VALUE: &str = "SymbolicLinkValue";
/// Most links followed on one path, so that a circle of links ends.
const MOST_LINKS: usize = 16;

/// UTF-16 units of a text.
pub fn utf16(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

/// A text's bytes in a value, terminator included.
pub fn text_bytes(text: &str) -> Vec<u8> {
    text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes).collect()
}

/// The bytes of a list of texts in a value.
pub fn list_bytes<'a>(texts: impl IntoIterator<Item = &'a str>) -> Vec<u8> {
    let mut out: Vec<u8> = texts.into_iter().flat_map(text_bytes).collect();
    out.extend([0; 2]);
    out
}

/// The texts of a list in a value.
pub fn list_texts(bytes: &[u8]) -> Vec<String> {
    let units: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|&pair| u16::from_le_bytes(pair)).collect();
    units.split(|&unit| unit == 0).take_while(|text| !text.is_empty()).map(String::from_utf16_lossy).collect()
}

/// The registry of an image, before it becomes a hive.
pub struct Registry {
    root: Builder,
    user: String,
}

impl Registry {
    /// A registry with nothing but its roots. `user` is the security identifier of the sandbox's user, `time` goes into every
    /// key as its last write, in units of 100 ns since 1601.
    pub fn new(user: &str, time: u64) -> Registry {
        let mut root = Builder::new();
        root.set_written(time);
        let mut registry = Registry { root, user: user.into() };
        registry.key("Machine\\Software\\Classes");
        registry.key("User\\.Default");
        let user = format!("User\\{user}");
        registry.key(&user);
        registry
    }

    /// The path below \Registry of a root as set-up files and scripts name it.
    pub fn root(&self, name: &str) -> Option<String> {
        Some(match name.to_ascii_uppercase().as_str() {
            "HKCR" | "HKEY_CLASSES_ROOT" => "Machine\\Software\\Classes".into(),
            "HKLM" | "HKEY_LOCAL_MACHINE" => "Machine".into(),
            "HKCU" | "HKEY_CURRENT_USER" => format!("User\\{}", self.user),
            "HKU" | "HKEY_USERS" => "User".into(),
            "HKCC" | "HKEY_CURRENT_CONFIG" => "Machine\\System\\CurrentControlSet\\Hardware Profiles\\Current".into(),
            _ => return None,
        })
    }

    /// `path`'s components with every link on the way replaced by its target; the last one only if `follow_last`.
    fn resolve(&self, path: &str, follow_last: bool) -> Vec<String> {
        let split = |path: &str| path.split('\\').filter(|name| !name.is_empty()).map(String::from).collect::<Vec<_>>();
        let mut names = split(path);
        'again: for _ in 0..MOST_LINKS {
            let mut key = &self.root;
            for (index, name) in names.iter().enumerate() {
                let Some(next) = key.find(&utf16(name)) else { break };
                key = next;
                let last = index + 1 == names.len();
                if !key.is_link() || last && !follow_last {
                    continue;
                }
                let Some((kind::LINK, target)) = key.value(&utf16(LINK_VALUE)) else { continue };
                let units: Vec<u16> = target.as_chunks::<2>().0.iter().map(|&pair| u16::from_le_bytes(pair)).collect();
                let target = String::from_utf16_lossy(&units);
                let below =
                    target.get(.."\\Registry\\".len()).filter(|start| start.eq_ignore_ascii_case("\\Registry\\"));
                let Some(below) = below.and_then(|start| target.get(start.len()..)) else { continue };
                let mut whole = split(below);
                whole.extend(names.into_iter().skip(index + 1));
                names = whole;
                continue 'again;
            }
            break;
        }
        names
    }

    fn at(&mut self, names: &[String]) -> &mut Builder {
        names.iter().fold(&mut self.root, |key, name| key.key(&utf16(name)))
    }

    /// The key at `path` below \Registry, made if need be; links are followed.
    pub fn key(&mut self, path: &str) -> &mut Builder {
        let names = self.resolve(path, true);
        self.at(&names)
    }

    /// The key at `path`, if it is there; links are followed.
    pub fn find(&self, path: &str) -> Option<&Builder> {
        self.resolve(path, true).iter().try_fold(&self.root, |key, name| key.find(&utf16(name)))
    }

    /// Makes `path` a symbolic link to `target`, a full path from \Registry on.
    pub fn link(&mut self, path: &str, target: &str) {
        let names = self.resolve(path, false);
        let key = self.at(&names);
        key.set_flags(flags::LINK);
        key.set(&utf16(LINK_VALUE), kind::LINK, utf16(target).iter().flat_map(|unit| unit.to_le_bytes()).collect());
    }

    /// Removes the key at `path` with all that lies in it.
    pub fn remove(&mut self, path: &str) {
        let names = self.resolve(path, false);
        if let Some((last, above)) = names.split_last() {
            self.at(above).remove_key(&utf16(last));
        }
    }

    /// Sets a text.
    pub fn text(&mut self, path: &str, name: &str, text: &str) {
        self.key(path).set(&utf16(name), kind::SZ, text_bytes(text));
    }

    /// Sets a text with %variables% in it.
    pub fn expand(&mut self, path: &str, name: &str, text: &str) {
        self.key(path).set(&utf16(name), kind::EXPAND_SZ, text_bytes(text));
    }

    /// Sets a number.
    pub fn number(&mut self, path: &str, name: &str, number: u32) {
        self.key(path).set(&utf16(name), kind::DWORD, number.to_le_bytes().to_vec());
    }

    /// The hive's bytes.
    ///
    /// # Errors
    /// [`TooLarge`].
    pub fn bytes(&self) -> Result<Vec<u8>, TooLarge> {
        self.root.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_on_the_way_and_kept_apart() {
        let mut registry = Registry::new("S-1", 5);
        registry.link("Machine\\System\\Current", "\\Registry\\Machine\\System\\One");
        registry.text("Machine\\System\\Current\\A", "x", "y");
        assert!(registry.find("Machine\\System\\One\\a").is_some());
        registry.remove("machine\\system\\current");
        assert!(registry.find("Machine\\System\\Current").is_none());
        assert!(registry.find("Machine\\System\\One\\A").is_some());
    }

    #[test]
    fn a_circle_of_links_ends() {
        let mut registry = Registry::new("S-1", 5);
        registry.link("Machine\\a", "\\Registry\\Machine\\b");
        registry.link("Machine\\b", "\\Registry\\Machine\\a");
        registry.key("Machine\\a\\c");
    }

    #[test]
    fn lists() {
        let bytes = list_bytes(["a", "bc"]);
        assert_eq!(bytes, [97, 0, 0, 0, 98, 0, 99, 0, 0, 0, 0, 0]);
        assert_eq!(list_texts(&bytes), ["a", "bc"]);
    }

    #[test]
    fn roots() {
        let registry = Registry::new("S-1", 5);
        assert_eq!(registry.root("hkcu").as_deref(), Some("User\\S-1"));
        assert_eq!(registry.root("HKXX"), None);
    }
}
