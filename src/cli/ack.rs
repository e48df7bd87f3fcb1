//! `portolan ack FILE`: the acknowledgments a receiver owes for a file: TA1, 997 or 999, CONTRL, ApplicationResponse.

use super::input::{Jobs, JsonList};
use super::{Exit, input};
use crate::clock::{Clock as _, SystemClock, Timestamp};
use crate::codec::segment::{
    AckChoice, Acknowledging, Ahead, Inspection, InterchangeReport, Limits, PieceKind, Reader, Stamp, Step, When,
};
use crate::diagnostic::Diagnostic;
use crate::standard::load::Library;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

#[derive(clap::Args)]
#[command(after_help = "Examples:
  portolan ack order.edi                         the 997, CONTRL or ApplicationResponse its sender is owed
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
    #[command(flatten)]
    jobs: Jobs,
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let library = Library::new(arguments.standards.as_deref());
    let inspection = Inspection::new(&library);
    let reader = Reader::new(input::open(&arguments.file)?, Limits::default()).knowing(&library);
    let mut answering = Answering::new(arguments, as_json);
    let rest = std::thread::scope(|scope| {
        let mut ahead = Ahead::new(scope, arguments.jobs.share(), reader, inspection, Arc::new(|_, _| ()));
        while let Some(Step { piece, inspection, .. }) = ahead.next()? {
            inspection.finished().iter().try_for_each(|report| answering.closed(report))?;
            if let Some(report) = inspection.interchange() {
                answering.read(report, piece.kind);
            }
            inspection.forget_documents();
        }
        anyhow::Ok(ahead.end())
    })?;
    rest.iter().try_for_each(|report| answering.closed(report))?;
    if answering.interchanges == 0 {
        rest.iter().flat_map(|report| &report.faults).for_each(|fault| eprintln!("{}", fault.message()));
        return Ok(Exit::Invalid);
    }
    if let Some(list) = answering.list {
        list.end()?;
    }
    Ok(Exit::Ok)
}

/// Answers interchange by interchange, each when it has ended.
struct Answering {
    choice: AckChoice,
    prepared: jiff::civil::DateTime,
    /// Numbers of the next acknowledgment and of its first group.
    control: u32,
    group_control: u32,
    open: Option<Acknowledging>,
    interchanges: u32,
    /// Where JSON is wanted.
    list: Option<JsonList>,
}

impl Answering {
    fn new(arguments: &Arguments, as_json: bool) -> Self {
        let now = arguments.now.unwrap_or_else(|| SystemClock.now());
        Answering {
            choice: choice(arguments.kind.as_deref()),
            prepared: now.to_zoned(jiff::tz::TimeZone::UTC).datetime(),
            control: arguments.control,
            group_control: arguments.control,
            open: None,
            interchanges: 0,
            list: as_json.then(JsonList::default),
        }
    }

    fn read(&mut self, report: &InterchangeReport, piece: PieceKind) {
        self.open.get_or_insert_with(|| Acknowledging::new(report, self.choice)).read(report, piece);
    }

    /// Prints the acknowledgment of an interchange.
    fn closed(&mut self, report: &InterchangeReport) -> anyhow::Result<()> {
        // Bytes outside interchanges have a report, but are not answered.
        if report.number == 0 {
            return Ok(());
        }
        self.interchanges += 1;
        let open = self.open.take().unwrap_or_else(|| Acknowledging::new(report, self.choice));
        let Some(acknowledgment) = open.closed(report) else {
            eprintln!("interchange {}: no acknowledgment is due", report.number);
            return Ok(());
        };
        let stamp = Stamp {
            interchange_control_number: self.control.to_string(),
            group_control_numbers: vec![self.group_control.to_string()],
            prepared: self.prepared,
        };
        let bytes = acknowledgment.encode(&stamp).map_err(|faults| {
            let sentences: Vec<_> = faults.iter().map(Diagnostic::message).collect();
            anyhow::anyhow!("the acknowledgment cannot be written: {}", sentences.join("; "))
        })?;
        self.control += 1;
        self.group_control += u32::try_from(acknowledgment.groups.len())?.max(1);
        match &mut self.list {
            Some(list) => {
                list.item(&json!({ "interchange": report.number, "acknowledgment": String::from_utf8_lossy(&bytes) }))
            }
            None => input::print(&bytes),
        }
    }
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
