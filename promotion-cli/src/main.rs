//! The `promotion` command.
fn main() {}
