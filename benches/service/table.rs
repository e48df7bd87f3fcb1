//! What the rounds come to: medians of ratios within a round, and the parts of a document beside them.

use crate::bare::GROUP;
use crate::instance::Run;
use crate::intake::Taken;

/// What the disk and the database did alone in a round, each a second.
#[derive(Debug, Clone, Copy)]
pub struct Bare {
    /// A document's bytes appended and synced.
    pub synced: f64,
    /// Rows inserted one a commit, by one client and by as many as there are senders.
    pub inserted: [f64; 2],
    /// Rows inserted by one client, [`GROUP`] a commit.
    pub grouped: f64,
}

/// The whole service in one round, with what was bare in the same round.
pub struct Round {
    pub bare: Bare,
    /// With 1 sender, and with 32.
    pub runs: [Run; 2],
}

/// Receiving alone in one round.
pub struct IntakeRound {
    pub bare: Bare,
    /// From 1 sender, and from 32.
    pub taken: [Taken; 2],
}

/// The share of the reciprocal of the summed parts that has to be reached.
const FLOOR_WHOLE: f64 = 0.5;
/// The share of rows inserted by 32 clients that 32 senders have to reach.
const FLOOR_INTAKE: f64 = 0.7;
/// Commits a document that are the most, alone; in company.
const COMMITS_MAX: [f64; 2] = [2.0, 1.1];

/// The tables of one database.
pub fn print(database: &str, senders: [usize; 2], rounds: &[Round], intakes: &[IntakeRound]) {
    let heads = senders.map(|senders| if senders == 1 { "1 sender".to_owned() } else { format!("{senders} senders") });
    println!("\n## {database}\n\n| | {} | {} | floor |\n|---|---|---|---|", heads[0], heads[1]);
    let two = |of: &dyn Fn(usize) -> f64| [of(0), of(1)].map(|value| format!("{value:.2}")).join(" | ");
    let over = |of: &dyn Fn(&Round, usize) -> f64| two(&|at| median(rounds.iter().map(|round| of(round, at))));
    let taken = two(&|at| median(intakes.iter().map(|one| one.taken[at].rate / one.bare.inserted[at])));
    println!("| receiving alone ÷ rows inserted | {taken} | {FLOOR_INTAKE} with 32 |");
    println!(
        "| delivered ÷ reciprocal of the parts | {} | {FLOOR_WHOLE} |",
        over(&|round, at| { parts(round, at) / round.runs[at].delivered })
    );
    println!(
        "| delivered ÷ rows inserted | {} | |",
        over(&|round, at| { 1.0 / round.runs[at].delivered / round.bare.inserted[at] })
    );
    println!(
        "| commits a document | {} | at most {} and {} |",
        over(&|round, at| round.runs[at].commits),
        COMMITS_MAX[0],
        COMMITS_MAX[1]
    );
    println!("| documents a connection of the receiver's | {} | |", over(&|round, at| round.runs[at].reuse));

    println!("\n| parts of a document, ms | {} | {} |\n|---|---|---|", heads[0], heads[1]);
    println!("| commits, each as long as one bare row's | {} |", over(&|round, at| 1e3 * synced(round, at)));
    println!("| processor: the service | {} |", over(&|round, at| 1e3 * round.runs[at].cpu[0]));
    println!("| processor: the database's server | {} |", over(&|round, at| 1e3 * round.runs[at].cpu[1]));
    println!("| sum | {} |", over(&|round, at| 1e3 * parts(round, at)));
    println!("| a document, measured | {} |", over(&|round, at| 1e3 * round.runs[at].delivered));

    let taking = |of: usize| two(&|at| 1e3 * median(intakes.iter().map(|one| one.taken[at].cpu[of])));
    println!("| receiving alone, processor: the service | {} |", taking(0));
    println!("| receiving alone, processor: the database's server | {} |", taking(1));

    println!("\n| writes a document | {} | {} |\n|---|---|---|", heads[0], heads[1]);
    let names: std::collections::BTreeSet<&String> =
        rounds.iter().flat_map(|round| &round.runs).flat_map(|run| run.writes.keys()).collect();
    for name in names {
        println!("| {name} | {} |", over(&|round, at| round.runs[at].writes.get(name).copied().unwrap_or(0.0)));
    }

    println!("\n| this machine, a second | {} | {} |\n|---|---|---|", heads[0], heads[1]);
    let whole = |of: &dyn Fn(usize) -> f64| [of(0), of(1)].map(|value| format!("{value:.0}")).join(" | ");
    let rate = |of: &dyn Fn(&Round, usize) -> f64| whole(&|at| median(rounds.iter().map(|round| of(round, at))));
    println!("| delivered | {} |", rate(&|round, at| 1.0 / round.runs[at].delivered));
    println!("| taken, while others are delivered | {} |", rate(&|round, at| 1.0 / round.runs[at].taken));
    println!("| taken, receiving alone | {} |", whole(&|at| median(intakes.iter().map(|one| one.taken[at].rate))));
    println!("| rows inserted, one a commit | {} |", rate(&|round, at| round.bare.inserted[at]));
    println!("| rows inserted, {GROUP} a commit | {} | |", first(rounds, |bare| bare.grouped));
    println!("| bytes appended and synced | {} | |", first(rounds, |bare| bare.synced));
}

fn first(rounds: &[Round], of: impl Fn(&Bare) -> f64) -> String {
    format!("{:.0}", median(rounds.iter().map(|round| of(&round.bare))))
}

/// Seconds of a document's commits, if each took as long as a bare one; there is one writer.
fn synced(round: &Round, at: usize) -> f64 {
    round.runs[at].commits / round.bare.inserted[0]
}

/// Seconds of all that a document makes the product do, one thing after the other on one core.
fn parts(round: &Round, at: usize) -> f64 {
    synced(round, at) + round.runs[at].cpu.iter().sum::<f64>()
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Where and beside whom it was measured.
pub fn conditions() {
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("\ncores: {cores}; load of the machine: {}", load.split(' ').next().unwrap_or("unknown"));
}
