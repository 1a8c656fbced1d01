//! The small icon of a class that was given only a large one: made of that, anew whenever either of them changes.

use super::callbacks::{self, image};
use super::nonclient::sm;
use super::{icon, sysparams};
use crate::call::Cx;

/// LR_COPYFROMRESOURCE: the size that comes nearest is looked for where the icon came from.
const COPY_FROM_RESOURCE: u32 = 0x4000;

/// Makes a class's small icon, or lets it go, as its icons are now.
pub(super) fn renew(cx: &Cx<'_>, class: u32) {
    let classes = &cx.k.user.classes;
    let Some((large, small)) = classes.icons(class) else { return };
    let size = |index: u32| sysparams::metrics::metric(cx, index).unwrap_or(16) as u32;
    let made = if large != 0 && small == 0 {
        let (width, height) = (size(sm::CX_SMALL_ICON), size(sm::CY_SMALL_ICON));
        // An icon that is none is shown as none.
        callbacks::copy_image(cx, large, image::ICON, width, height, COPY_FROM_RESOURCE).unwrap_or(0)
    } else {
        0
    };
    // The class may be gone by now: then nobody has what was made.
    release(cx, classes.keep_small_icon(class, made).unwrap_or(made));
}

/// Lets a small icon go that was made here.
pub(super) fn release(cx: &Cx<'_>, made: u64) {
    if made != 0 {
        // A program may have destroyed it itself.
        let _ = icon::destroy(cx, made, 0);
    }
}
