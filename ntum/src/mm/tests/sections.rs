//! Sections and views.
