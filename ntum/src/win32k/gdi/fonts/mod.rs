//! Fonts: the catalog of those that there are ([`face`], [`load`]), how one is found by what a program asks for
//! ([`matching`], [`realize`]), what its glyphs look like ([`outline`], [`raster`], [`glyph`]) and how large they are
//! ([`metrics`]).
//!
//! The catalog is made at the first need, from the files of `C:\windows\fonts` and from the registry, and replaced as a whole
//! when a program adds or removes fonts. A font that was found for a request (a *realized* one) stays as long as it is
//! used, and a while longer; all threads share it and the glyphs that it has drawn. What it does is what Wine's win32u does
//! with FreeType, whose arithmetic the crate `skrifa` follows, so that metrics agree to the pixel.

mod by_unit;
pub mod charset;
pub mod data;
pub mod dwrite;
pub mod enumerate;
pub mod face;
pub mod fixed;
pub mod fnt;
pub mod glyph;
pub mod load;
pub mod matching;
pub mod measure;
pub mod metrics;
pub mod mono;
pub mod native;
pub mod outline;
pub mod raster;
pub mod realize;
pub mod resource;
pub mod sfnt;
pub mod vdmx;
pub mod vertical;

use crate::call::Cx;
use crate::kernel::Kernel;
use face::Catalog;
use parking_lot::{Mutex, RwLock};
use realize::Realized;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// A name in UTF-16.
pub type Wide = Vec<u16>;

/// Realized fonts that are kept.
const KEPT: usize = 48;

/// Fonts of a process.
#[derive(Default)]
pub struct Fonts {
    catalog: RwLock<Option<Arc<Catalog>>>,
    /// Held while the catalog is made or replaced.
    changing: Mutex<()>,
    /// Counts changes of the catalog.
    generation: AtomicU64,
    /// Realized fonts, those used last at the end.
    realized: Mutex<Vec<Arc<Realized>>>,
    /// Numbers of realized fonts and of fonts in memory.
    numbers: AtomicU32,
    smoothing: Mutex<Option<raster::Smoothing>>,
    /// Fonts of dwrite's.
    pub objects: dwrite::Objects,
}

impl Fonts {
    /// The catalog.
    pub fn catalog(&self, k: &'static Kernel) -> Arc<Catalog> {
        if let Some(catalog) = &*self.catalog.read() {
            return catalog.clone();
        }
        let _changing = self.changing.lock();
        if let Some(catalog) = &*self.catalog.read() {
            return catalog.clone();
        }
        let made = Arc::new(load::catalog(k));
        *self.catalog.write() = Some(made.clone());
        made
    }

    /// Changes the catalog.
    pub fn change<R>(&self, cx: &Cx<'_>, change: impl FnOnce(&mut Catalog) -> R) -> R {
        let before = self.catalog(cx.k);
        let _changing = self.changing.lock();
        let mut catalog = self.catalog.read().as_deref().unwrap_or(&before).clone();
        let result = change(&mut catalog);
        *self.catalog.write() = Some(Arc::new(catalog));
        self.realized.lock().clear();
        self.generation.fetch_add(1, Ordering::Relaxed);
        result
    }

    /// Counts changes of the catalog: what was realized before one may be another font now.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Relaxed)
    }

    /// A number that was not given before.
    pub fn number(&self) -> u32 {
        self.numbers.fetch_add(1, Ordering::Relaxed).wrapping_add(1)
    }

    /// A realized font that is kept.
    pub fn find(&self, is_meant: impl Fn(&Realized) -> bool) -> Option<Arc<Realized>> {
        let mut realized = self.realized.lock();
        let at = realized.iter().rposition(|font| is_meant(font))?;
        let font = realized.remove(at);
        realized.push(font.clone());
        Some(font)
    }

    /// Keeps a realized font.
    pub fn keep(&self, font: &Arc<Realized>) {
        let mut realized = self.realized.lock();
        if realized.len() >= KEPT {
            realized.remove(0);
        }
        realized.push(font.clone());
    }

    /// How text is smoothed where its font does not say, as the registry has it.
    pub fn smoothing(&self, k: &Kernel) -> raster::Smoothing {
        *self.smoothing.lock().get_or_insert_with(|| raster::Smoothing::of_registry(k))
    }

    /// Has the registry looked at again for how text is smoothed.
    pub fn smoothing_changed(&self) {
        *self.smoothing.lock() = None;
        self.realized.lock().clear();
        self.generation.fetch_add(1, Ordering::Relaxed);
    }
}
