//! National language support: case folding, locales, and the calls that hand the tables of the image to the guest.

pub mod fold;
pub mod icu;
pub mod locale;
mod section;

use crate::call::{Call, Cx};
use crate::host::Host;
use crate::kernel::Kernel;
use crate::ob::Ref;
use crate::status::*;
use crate::um::UserPtr;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::OnceLock;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {
    NtInitializeNlsFiles(address: UserPtr<u64>, locale: UserPtr<u32>, size: UserPtr<u64>)
        => section::nt_initialize_nls_files, Done;
    NtGetNlsSectionPtr(kind: u32, number: u32, context: u64, address: UserPtr<u64>, size: UserPtr<u64>)
        => section::nt_get_nls_section_ptr, Done;
    NtQueryDefaultLocale(user: bool, locale: UserPtr<u32>) => nt_query_default_locale, Done;
    NtSetDefaultLocale(user: bool, locale: u32) => nt_set_default_locale, Done;
    NtQueryDefaultUILanguage(language: UserPtr<u16>) => nt_query_default_ui_language, Done;
    NtSetDefaultUILanguage(language: u16) => nt_set_default_ui_language, Done;
    NtQueryInstallUILanguage(language: UserPtr<u16>) => nt_query_install_ui_language, Done;
};

/// The file of locales, by its name in the image.
const LOCALES: &str = "nls/locale.nls";
/// English (United States): where nothing else is known.
const ENGLISH: u32 = 0x409;
/// LOCALE_CUSTOM_UNSPECIFIED: what locales share that have no identifier of their own.
const UNSPECIFIED: u32 = 0x1000;

/// The locales and the language that hold by default.
#[derive(Debug, Clone, Copy)]
struct Defaults {
    system: u32,
    user: u32,
    language: u16,
}

/// The component's state.
#[derive(Default)]
pub struct Nls {
    file: OnceLock<Option<&'static [u8]>>,
    defaults: Mutex<Option<Defaults>>,
    /// Converters of ICU's.
    converters: icu::Converters,
    /// Sections of the image's tables that were asked for, by name there.
    sections: Mutex<HashMap<String, Ref>>,
}

impl Nls {
    /// The bytes of the image's `locale.nls`.
    pub fn file(&self, host: &'static dyn Host) -> Option<&'static [u8]> {
        *self.file.get_or_init(|| {
            let file = host.open_image(LOCALES).and_then(|stream| host.map_forever(&stream));
            file.inspect_err(|error| host.trace(&format!("{LOCALES}: {error}"))).ok()
        })
    }
}

/// The identifier of the user's locale.
pub fn user_locale(k: &Kernel) -> u32 {
    k.with_defaults(|defaults| defaults.user)
}

/// The identifier of the user's locale, as the registry has it when the session starts.
fn from_registry(k: &Kernel) -> Option<u32> {
    u32::from_str_radix(&k.user_setting("Control Panel\\International", "Locale")?, 16).ok()
}

impl Kernel {
    /// The language of the system's locale (LANGID).
    pub(crate) fn system_language(&self) -> u16 {
        self.with_defaults(|defaults| defaults.system as u16)
    }

    fn with_defaults<R>(&self, with: impl FnOnce(&mut Defaults) -> R) -> R {
        // The first who asks looks into the registry: who would wait for itself then is found out by whoever asks.
        if cfg!(debug_assertions) {
            crate::shm::tx::assert_none_open();
        }
        let mut defaults = self.nls.defaults.lock();
        let defaults = defaults.get_or_insert_with(|| {
            let user = from_registry(self).unwrap_or(ENGLISH);
            let system = if user == UNSPECIFIED { ENGLISH } else { user };
            Defaults { system, user, language: user as u16 }
        });
        with(defaults)
    }
}

/// NtQueryDefaultLocale.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn nt_query_default_locale(cx: &Cx<'_>, user: bool, locale: UserPtr<u32>) -> Nt {
    let identifier = cx.k.with_defaults(|defaults| if user { defaults.user } else { defaults.system });
    locale.write(cx.k, identifier)?;
    Ok(STATUS_SUCCESS)
}

/// NtSetDefaultLocale: for this process and those that it starts.
///
/// # Errors
/// None.
pub fn nt_set_default_locale(cx: &Cx<'_>, user: bool, locale: u32) -> Nt {
    cx.k.with_defaults(|defaults| *if user { &mut defaults.user } else { &mut defaults.system } = locale);
    Ok(STATUS_SUCCESS)
}

/// NtQueryDefaultUILanguage.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn nt_query_default_ui_language(cx: &Cx<'_>, language: UserPtr<u16>) -> Nt {
    language.write(cx.k, cx.k.with_defaults(|defaults| defaults.language))?;
    Ok(STATUS_SUCCESS)
}

/// NtSetDefaultUILanguage.
///
/// # Errors
/// None.
pub fn nt_set_default_ui_language(cx: &Cx<'_>, language: u16) -> Nt {
    cx.k.with_defaults(|defaults| defaults.language = language);
    Ok(STATUS_SUCCESS)
}

/// NtQueryInstallUILanguage: the image brings the resources of every language, so it is the system's.
///
/// # Errors
/// `STATUS_ACCESS_VIOLATION`.
pub fn nt_query_install_ui_language(cx: &Cx<'_>, language: UserPtr<u16>) -> Nt {
    language.write(cx.k, cx.k.with_defaults(|defaults| defaults.system as u16))?;
    Ok(STATUS_SUCCESS)
}

#[cfg(test)]
mod tests;
