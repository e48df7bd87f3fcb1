//! The command line: one file a command, data to stdout, words to stderr, exit codes that scripts can rely on.

mod ack;
mod decode;
mod encode;
mod identify;
mod input;
mod mappings;
mod standards;
mod translate;
mod validate;

use clap::{Parser, Subcommand};
use std::ffi::OsString;
use std::process::ExitCode;

/// How a command ended; the number is the process's exit code (DESIGN section 6).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Ok = 0,
    /// Our own failure: a file that cannot be read, a disk that is full.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The input is not what it should be.
    Invalid = 3,
    /// What was asked for is not there.
    NotFound = 4,
}

#[derive(Parser)]
#[command(name = "portolan", version, about = "B2B EDI and document translation that loses nothing")]
struct Arguments {
    /// Machine-readable output.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Say what a file holds: format, parties, control numbers, document types.
    Identify(identify::Arguments),
    /// Print a file as JSON that goes back to the same bytes.
    Decode(decode::Arguments),
    /// List every fault of every document: place, expected, found, remedy.
    Validate(validate::Arguments),
    /// Print the acknowledgments a receiver owes for a file.
    Ack(ack::Arguments),
    /// Write the bytes that decoded JSON stands for.
    Encode(encode::Arguments),
    /// Turn documents into entities or into another standard.
    Translate(translate::Arguments),
    /// Mappings: list, show, losses, test.
    Mappings(mappings::Arguments),
    /// Definitions of standards: list, import.
    Standards(standards::Arguments),
}

/// Runs one command line, the program's name first.
#[must_use]
pub fn run<I: IntoIterator<Item = OsString>>(line: I) -> ExitCode {
    let arguments = match Arguments::try_parse_from(line) {
        Ok(arguments) => arguments,
        Err(help) => {
            let code = if help.use_stderr() { Exit::Usage } else { Exit::Ok };
            // Printing help fails only when nobody listens any more.
            let _closed = help.print();
            return ExitCode::from(code as u8);
        }
    };
    let done = match arguments.command {
        Command::Identify(command) => identify::run(&command, arguments.json),
        Command::Decode(command) => decode::run(&command),
        Command::Validate(command) => validate::run(&command, arguments.json),
        Command::Ack(command) => ack::run(&command, arguments.json),
        Command::Encode(command) => encode::run(&command, arguments.json),
        Command::Translate(command) => translate::run(&command, arguments.json),
        Command::Mappings(command) => mappings::run(&command, arguments.json),
        Command::Standards(command) => standards::run(&command, arguments.json),
    };
    let code = done.unwrap_or_else(|error| {
        eprintln!("portolan: {error:#}");
        Exit::Failed
    });
    ExitCode::from(code as u8)
}
