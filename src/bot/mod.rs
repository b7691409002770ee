//! The framework: turns, router, commands as forms, dialogs, offers. It knows no feature.
pub mod dialog;
