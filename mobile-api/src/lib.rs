//! The binary and HTTP face of tanhui.
