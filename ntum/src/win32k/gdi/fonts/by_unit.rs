//! What is known of UTF-16 units, in pages: text is looked up unit by unit, and most of a text comes from one page.

/// What is known of each unit.
pub struct ByUnit<T> {
    pages: Vec<Option<Page<T>>>,
}

type Page<T> = Box<[Option<T>; PAGE]>;

/// Units of a page.
const PAGE: usize = 256;

impl<T> Default for ByUnit<T> {
    fn default() -> ByUnit<T> {
        ByUnit { pages: Vec::new() }
    }
}

impl<T> ByUnit<T> {
    /// What is known of a unit.
    pub fn get(&self, unit: u16) -> Option<&T> {
        let page = self.pages.get(usize::from(unit) / PAGE)?.as_ref()?;
        page.get(usize::from(unit) % PAGE)?.as_ref()
    }

    /// Notes what is known of a unit.
    pub fn insert(&mut self, unit: u16, value: T) {
        let number = usize::from(unit) / PAGE;
        if self.pages.len() <= number {
            self.pages.resize_with(number + 1, || None);
        }
        let Some(page) = self.pages.get_mut(number) else { return };
        let page = page.get_or_insert_with(|| Box::new([const { None }; PAGE]));
        if let Some(place) = page.get_mut(usize::from(unit) % PAGE) {
            *place = Some(value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_have_their_own_places() {
        let mut all = ByUnit::default();
        for unit in [0u16, 255, 256, 0x8041, u16::MAX] {
            assert_eq!(all.get(unit), None);
            all.insert(unit, u32::from(unit) + 1);
        }
        all.insert(255, 7);
        assert_eq!(
            [0, 255, 256, 0x8041, u16::MAX].map(|unit| all.get(unit).copied()),
            [Some(1), Some(7), Some(257), Some(0x8042), Some(0x1_0000)]
        );
    }
}
