//! What processes have used of the processor, as the kernel counts it: user and system, in ticks of 10 ms.

/// Ticks a second in `/proc`, the same on every Linux.
const TICKS: f64 = 100.0;

/// Seconds of a process, without its children.
pub fn of(process: u32) -> f64 {
    stat(process).map_or(0.0, |stat| stat.own)
}

/// Seconds of a process with its children, those that have ended included.
pub fn of_family(process: u32) -> f64 {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let all = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).filter_map(stat);
    let children: f64 = all.filter(|one| one.parent == process).map(|one| one.own).sum();
    children + stat(process).map_or(0.0, |one| one.own + one.ended)
}

struct Stat {
    parent: u32,
    own: f64,
    ended: f64,
}

fn stat(process: u32) -> Option<Stat> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name stands in brackets and may hold anything.
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0) / TICKS;
    Some(Stat { parent: fields.get(1)?.parse().ok()?, own: ticks(11) + ticks(12), ended: ticks(13) + ticks(14) })
}
