//! The `tanhui` binary.

fn main() {}
