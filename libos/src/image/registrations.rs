//! What DLLs register by code (`DllRegisterServer`) and not by a resource: no code is run for an image, so it is listed here, as
//! keys and values of the registry after `regsvr32` was run on them.

use super::inf::Inf;
use super::registry::Registry;
use super::setup;

/// Set-up information with one section each.
const TEXTS: &[&str] = &[
    include_str!("registrations/trust.inf"),
    include_str!("registrations/folders.inf"),
    include_str!("registrations/codecs.inf"),
    include_str!("registrations/media.inf"),
];
/// The section.
const SECTION: &str = "Registrations";

/// Enters all of it.
pub fn run(registry: &mut Registry) {
    for text in TEXTS {
        setup::add_registry(&Inf::parse(text), SECTION, None, registry);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_text_registers() {
        let mut registry = Registry::new(ntum::cm::USER_SID, 0);
        run(&mut registry);
        for key in [
            "Cryptography\\Providers\\Trust\\Usages\\2.16.840.1.113730.4.1",
            "Cryptography\\OID\\EncodingType 1\\CertDllVerifyRevocation\\DEFAULT",
            "Windows\\CurrentVersion\\Explorer\\FolderDescriptions\\{FDD39AD0-238F-46AF-ADB4-6C85480369C7}",
        ] {
            let key = format!("Machine\\Software\\Microsoft\\{key}");
            assert!(registry.find(&key).is_some(), "{key}");
        }
        let codec = registry.find("Machine\\Software\\Classes\\CLSID\\{0131BE10-2001-4C5F-A9B0-CC88FAB64CE8}");
        assert!(codec.is_some_and(|key| key.value(&super::super::registry::utf16("Author")).is_some()));
        assert!(registry.find("Machine\\Software\\Classes\\MediaFoundation\\Transforms").is_some());
    }
}
