//! Sections.

/// A section.
pub struct Section;
