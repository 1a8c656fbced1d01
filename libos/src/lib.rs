//! libos
