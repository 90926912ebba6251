//! The tasks and installations of the kit.

/// The task of the kit's one scan.
pub const TASK: &str = "01J00000000000000000000000";
/// A task that has no scan.
pub const OTHER_TASK: &str = "01J00000000000000000000001";
pub const INSTALLATION: &str = "0123456789abcdef";
pub const OTHER_INSTALLATION: &str = "fedcba9876543210";
