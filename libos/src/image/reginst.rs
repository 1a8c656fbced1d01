//! Set-up information inside DLLs: resources of the type `REGINST`, which advpack's RegInstall carries out for a DLL that
//! registers itself.

use super::inf::Inf;
use super::registry::Registry;
use super::resources::{Name, Resources};
use super::setup;

/// Resource type.
const KIND: &str = "REGINST";
/// The section that registers.
const SECTION: &str = "RegisterDll";

/// What DLLs pass to RegInstall with their resources: class identifiers that the texts name (mshtmcid.h and Microsoft's documents on
/// the registry's keys of Internet Explorer).
const NAMES: &[(&str, &str)] = &[
    ("CLSID_AboutProtocol", "{3050F406-98B5-11CF-BB82-00AA00BDCE0B}"),
    ("CLSID_CHtmlComponentConstructor", "{3050F4F8-98B5-11CF-BB82-00AA00BDCE0B}"),
    ("CLSID_CrSource", "{65014010-9F62-11D1-A651-00600811D5CE}"),
    ("CLSID_HTADocument", "{3050F5C8-98B5-11CF-BB82-00AA00BDCE0B}"),
    ("CLSID_HTMLDocument", "{25336920-03F9-11CF-8FD0-00AA00686F13}"),
    ("CLSID_HTMLPluginDocument", "{25336921-03F9-11CF-8FD0-00AA00686F13}"),
    ("CLSID_IImageDecodeFilter", "{607FD4E8-0A03-11D1-AB1D-00C04FC9B304}"),
    ("CLSID_JSProtocol", "{3050F3B2-98B5-11CF-BB82-00AA00BDCE0B}"),
    ("CLSID_MHTMLDocument", "{3050F3D9-98B5-11CF-BB82-00AA00BDCE0B}"),
    ("CLSID_MailtoProtocol", "{3050F3DA-98B5-11CF-BB82-00AA00BDCE0B}"),
    ("CLSID_ResProtocol", "{3050F3BC-98B5-11CF-BB82-00AA00BDCE0B}"),
    ("CLSID_Scriptlet", "{AE24FDAE-03C6-11D1-8B76-0080C744F389}"),
    ("CLSID_SysImageProtocol", "{76E67A63-06E9-11D2-A840-006008059382}"),
];

/// Carries out what a DLL's resources say. Answers the names in them that stand for nothing known: those lines are left out.
pub fn run(resources: &Resources, module: &str, registry: &mut Registry) -> Vec<String> {
    let mut unknown = Vec::new();
    for (_, text) in resources.of_type(&Name::Text(KIND.into())) {
        let mut inf = Inf::parse(&String::from_utf8_lossy(text));
        for (name, meaning) in NAMES.iter().chain(&[("_SYS_MOD_PATH", module), ("_MOD_PATH", module)]) {
            inf.define(name, meaning);
        }
        unknown.extend(inf.drop_unknown());
        for section in inf.list(SECTION, "AddReg") {
            setup::add_registry(&inf, &section, None, registry);
        }
    }
    unknown
}
