//! `portolan ack FILE`: the acknowledgments a receiver owes for a file: TA1, 997 or 999, CONTRL.

use super::{Exit, input};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::codec::segment::{AckChoice, Inspection, InterchangeReport, Limits, Stamp, When};
use crate::codec::{edifact, x12};
use crate::diagnostic::Syntax;
use crate::standard::load::Library;
use serde_json::json;
use std::path::PathBuf;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  portolan ack order.edi                         the 997 or CONTRL its sender is owed
  portolan ack order.edi --as 999                with implementation codes
  portolan ack order.edi --as ta1                the technical answer alone")]
pub struct Arguments {
    /// The file, or - for standard input.
    file: PathBuf,
    /// X12: which functional acknowledgment, or ta1 for the technical one alone.
    #[arg(long = "as", value_name = "KIND", value_parser = ["997", "999", "ta1", "contrl"])]
    kind: Option<String>,
    /// Interchange control number of the first acknowledgment; further ones count on.
    #[arg(long, default_value_t = 1)]
    control: u32,
    /// Instant written in the envelope (RFC 3339); the clock when left out.
    #[arg(long)]
    now: Option<Timestamp>,
    /// Definitions that go before those in the binary.
    #[arg(long, value_name = "DIR")]
    standards: Option<PathBuf>,
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let library = Library::new(arguments.standards.as_deref());
    let reports = Inspection::new(&library).whole(input::open(&arguments.file)?, Limits::default())?;
    if reports.iter().all(|report| report.number == 0) {
        reports.iter().flat_map(|report| &report.faults).for_each(|fault| eprintln!("{}", fault.message()));
        return Ok(Exit::Invalid);
    }
    let now = arguments.now.unwrap_or_else(|| SystemClock.now());
    let prepared = now.to_zoned(jiff::tz::TimeZone::UTC).datetime();
    let (mut control, mut group_control) = (arguments.control, arguments.control);
    let mut written = Vec::new();
    for report in reports.iter().filter(|report| report.number > 0) {
        let stamp = Stamp {
            interchange_control_number: control.to_string(),
            group_control_numbers: vec![group_control.to_string()],
            prepared,
        };
        let Some((bytes, groups)) = acknowledge(report, &choice(arguments.kind.as_deref()), &stamp)? else {
            eprintln!("interchange {}: no acknowledgment is due", report.number);
            continue;
        };
        written.push((report.number, bytes));
        control += 1;
        group_control += groups.max(1);
    }
    if as_json {
        let one = |(number, bytes): &(u32, Vec<u8>)| json!({ "interchange": number, "acknowledgment": String::from_utf8_lossy(bytes) });
        input::print_json(&written.iter().map(one).collect())?;
    } else {
        written.iter().try_for_each(|(_, bytes)| input::print(bytes))?;
    }
    Ok(Exit::Ok)
}

fn choice(kind: Option<&str>) -> AckChoice {
    let default = AckChoice::default();
    match kind {
        Some("997") => AckChoice { implementation: Some(false), ..default },
        Some("999") => AckChoice { implementation: Some(true), ..default },
        Some("ta1") => AckChoice { technical: When::Always, functional: When::Never, ..default },
        _ => default,
    }
}

/// The acknowledgment, and how many groups it has.
fn acknowledge(
    report: &InterchangeReport,
    choice: &AckChoice,
    stamp: &Stamp,
) -> anyhow::Result<Option<(Vec<u8>, u32)>> {
    let (draft, encode): (_, fn(&_) -> _) = match report.syntax {
        Syntax::X12 => (x12::acknowledge(report, choice, stamp), x12::encode),
        _ => (edifact::acknowledge(report, choice, stamp), edifact::encode),
    };
    let Some(draft) = draft else { return Ok(None) };
    match encode(&draft) {
        Ok(bytes) => Ok(Some((bytes, u32::try_from(draft.groups.len())?))),
        Err(faults) => {
            let sentences: Vec<_> = faults.iter().map(crate::diagnostic::Diagnostic::message).collect();
            anyhow::bail!("the acknowledgment cannot be written: {}", sentences.join("; "))
        }
    }
}
