//! The `portolan` binary: hands the command line to the library and its exit code to the shell.

fn main() {}
