//! What a signed-in person may be.

pub use tanhui_domain::city::Role;
