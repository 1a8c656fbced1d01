//! National language support: case folding, and the calls that hand the code-page tables to the guest.

pub mod fold;
pub mod locale;

use crate::call::Call;
use crate::host::Host;
use std::sync::OnceLock;

/// System calls of the component.
pub const CALLS: &[Call] = crate::calls! {};

/// The file of locales, by its name in the image.
const LOCALES: &str = "nls/locale.nls";

/// The component's state.
#[derive(Default)]
pub struct Nls {
    file: OnceLock<Option<&'static [u8]>>,
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
