//! ntum
