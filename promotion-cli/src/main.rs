//! The `promotion` command; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    promotion_cli::run()
}
