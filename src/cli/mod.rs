//! The command line: one file a command, data to stdout, words to stderr, exit codes that scripts can rely on.

mod ack;
mod agreement;
mod alarm;
mod apply;
mod as2;
mod bulk;
mod certificate;
mod channel;
mod client;
mod completions;
mod decode;
mod delivery;
mod demo;
mod doctor;
mod document;
mod encode;
mod explain;
mod expression_worker;
mod guide;
mod identify;
mod init;
mod input;
mod lookups;
mod mailbox;
mod mappings;
mod own;
mod paint;
mod password;
mod pause;
mod picture;
mod progress;
mod schedule;
mod secret;
mod serve;
mod standards;
mod status;
mod token;
mod translate;
mod transmission;
mod validate;
mod webhook;

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
    /// The token is missing or not for this.
    NotPermitted = 5,
    /// Something else was changed meanwhile, or the state does not allow it.
    Conflict = 6,
    /// The instance does not answer.
    Unreachable = 7,
    /// Of many, some could not be done.
    Partial = 8,
}

#[derive(Parser)]
#[command(
    name = "portolan",
    version,
    about = "B2B EDI and document translation that loses nothing",
    after_help = "Begin with:
  portolan identify FILE            what is it, from whom, to whom
  portolan validate FILE            what is wrong with it
  portolan explain FILE             what every value in it means
  portolan translate FILE --to edifact/d96a/ORDERS
FILE may be - for standard input. Data goes to standard output, words to standard error. Exit codes: 0 done, 1 failed,
2 usage, 3 input invalid, 4 not found, 5 not permitted, 6 conflict, 7 unreachable,
8 done to some of many."
)]
struct Arguments {
    /// Machine-readable output.
    #[arg(long, global = true)]
    json: bool,
    /// No colour, whatever the terminal can do; the variable NO_COLOR says the same.
    #[arg(long, global = true)]
    no_color: bool,
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
    /// Explain every value: name, meaning, rules, verdict, the entity's field, and what it becomes elsewhere.
    Explain(explain::Arguments),
    /// Mappings: list, show, losses, test.
    Mappings(mappings::Arguments),
    /// Definitions of standards: list, show, import.
    Standards(standards::Arguments),
    /// Partners' guides: lint, render, diff.
    Guide(guide::Arguments),
    /// Make a data directory.
    Init(init::Arguments),
    /// Run the instance.
    Serve(serve::Arguments),
    /// Show it all at work: a retailer, a supplier, and what travels between them.
    Demo(demo::Arguments),
    /// Where everything is, and whether the sums hold.
    Status(status::Arguments),
    /// Alarms: what is wrong, who was told, and what to do about it.
    Alarm(alarm::Arguments),
    /// What is wrong with this installation, and how it is mended.
    Doctor(doctor::Arguments),
    /// Show what files of resources would change.
    Plan(apply::Files),
    /// Change resources to what files say.
    Apply(apply::Files),
    /// Print all resources as YAML, or the JSON Schema of a kind.
    Export(apply::Export),
    /// What lookup tables lack: the work list.
    Lookups(lookups::Arguments),
    /// Take over from another system: control numbers, and interchanges it has seen.
    Agreement(agreement::Arguments),
    /// Tokens of channels and of the API.
    Token(token::Arguments),
    /// Webhooks: events posted to receivers.
    Webhook(webhook::Arguments),
    /// Secrets that resources name.
    Secret(secret::Arguments),
    /// What transports carried.
    Transmission(transmission::Arguments),
    /// Documents: where is order 4711?
    Document(document::Arguments),
    /// What goes out.
    Delivery(delivery::Arguments),
    /// Keep a partner, channel, agreement or route from going on while everything is taken in; alone: what is paused.
    Pause(pause::Arguments),
    /// Let something go on that is paused.
    Resume(pause::Resume),
    /// Keys and certificates of AS2.
    Certificate(certificate::Arguments),
    /// Channels that pick files up, and the keys of SFTP servers: pickups, host-keys.
    Channel(channel::Arguments),
    /// What a schedule comes to: next.
    Schedule(schedule::Arguments),
    /// Mailboxes that partners reach over SFTP: what lies there, who fetched it, passwords.
    Mailbox(mailbox::Arguments),
    /// Partners of AS2: whether they can be reached, and answer.
    As2(as2::Arguments),
    #[command(hide = true)]
    ExpressionWorker,
    /// Print a shell's completion script, or write manual pages.
    Completions(completions::Arguments),
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
    let paint = paint::Paint::stdout(arguments.no_color);
    let done = match arguments.command {
        Command::Identify(command) => identify::run(&command, arguments.json),
        Command::Decode(command) => decode::run(&command),
        Command::Validate(command) => validate::run(&command, arguments.json, paint),
        Command::Ack(command) => ack::run(&command, arguments.json),
        Command::Encode(command) => encode::run(&command, arguments.json),
        Command::Translate(command) => translate::run(&command, arguments.json),
        Command::Explain(command) => explain::run(&command, arguments.json, paint),
        Command::Mappings(command) => mappings::run(&command, arguments.json),
        Command::Standards(command) => standards::run(&command, arguments.json),
        Command::ExpressionWorker => expression_worker::run(),
        Command::Completions(command) => completions::run(&command),
        Command::Guide(command) => guide::run(&command, arguments.json, paint),
        Command::Init(command) => init::run(&command),
        Command::Serve(command) => serve::run(&command),
        Command::Demo(command) => demo::run(&command),
        Command::Status(command) => status::run(&command, arguments.json),
        Command::Plan(command) => apply::plan(&command, arguments.json),
        Command::Apply(command) => apply::apply(&command, arguments.json),
        Command::Export(command) => apply::export(&command),
        Command::Agreement(command) => agreement::run(&command, arguments.json),
        Command::Lookups(command) => lookups::run(&command, arguments.json),
        Command::Token(command) => token::run(&command, arguments.json),
        Command::Doctor(command) => doctor::run(&command, arguments.json),
        Command::Alarm(command) => alarm::run(&command, arguments.json),
        Command::Webhook(command) => webhook::run(&command, arguments.json),
        Command::Secret(command) => secret::run(&command, arguments.json),
        Command::Transmission(command) => transmission::run(&command, arguments.json),
        Command::Document(command) => document::run(&command, arguments.json),
        Command::Delivery(command) => delivery::run(&command, arguments.json),
        Command::Pause(command) => pause::run(&command, arguments.json),
        Command::Resume(command) => pause::resume(&command, arguments.json),
        Command::Certificate(command) => certificate::run(&command, arguments.json),
        Command::Channel(command) => channel::run(&command, arguments.json),
        Command::Schedule(command) => schedule::run(&command, arguments.json),
        Command::Mailbox(command) => mailbox::run(&command, arguments.json),
        Command::As2(command) => as2::run(&command, arguments.json),
    };
    progress::wipe();
    let code = done.unwrap_or_else(|error| match error.downcast_ref() {
        Some(input::Gone) => Exit::Ok,
        None => {
            eprintln!("portolan: {error:#}");
            Exit::Failed
        }
    });
    ExitCode::from(code as u8)
}
