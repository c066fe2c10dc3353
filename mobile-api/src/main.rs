//! The `tanhui` binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    tanhui_mobile_api::cli::main()
}
