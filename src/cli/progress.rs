//! How far a long input has been read: one line on standard error, only on a terminal, only after a second. It is wiped
//! before anything else is printed there, and when the input ends.

use super::paint::spaced;
use std::io::{self, IsTerminal, Read, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Commands that are done before this show nothing.
const SILENT: Duration = Duration::from_secs(1);
/// Between two drawings of the line.
const PAUSE: Duration = Duration::from_millis(100);
/// Characters of the bar.
const BAR_WIDTH: u64 = 24;

/// The line stands on the terminal.
static DRAWN: AtomicBool = AtomicBool::new(false);

/// A reader that shows how much of it was read.
pub struct Progress<R> {
    source: R,
    total: Option<u64>,
    read: u64,
    begun: Instant,
    drawn: Option<Instant>,
    is_shown: bool,
}

impl<R: Read> Progress<R> {
    /// Wraps `source`; `total` is its length in bytes where that is known.
    pub fn new(source: R, total: Option<u64>) -> Self {
        let is_shown = io::stderr().is_terminal();
        Progress { source, total, read: 0, begun: Instant::now(), drawn: None, is_shown }
    }

    fn draw(&mut self) {
        let now = Instant::now();
        let is_due = self.drawn.is_none_or(|last| now.duration_since(last) >= PAUSE);
        let elapsed = now.duration_since(self.begun);
        if !self.is_shown || !is_due || elapsed < SILENT {
            return;
        }
        self.drawn = Some(now);
        DRAWN.store(true, Ordering::Relaxed);
        eprint!("\r\x1b[2K{}", line(self.read, self.total, elapsed));
        // A terminal that went away is no reason to stop reading.
        let _gone = io::stderr().flush();
    }
}

impl<R: Read> Read for Progress<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.read += count as u64;
        if count == 0 {
            wipe();
        } else {
            self.draw();
        }
        Ok(count)
    }
}

impl<R> Drop for Progress<R> {
    fn drop(&mut self) {
        wipe();
    }
}

/// Takes the line away, so that words can stand where it was.
pub fn wipe() {
    if DRAWN.swap(false, Ordering::Relaxed) {
        eprint!("\r\x1b[2K");
    }
}

fn line(read: u64, total: Option<u64>, elapsed: Duration) -> String {
    let kib = |bytes: u64| spaced(bytes / 1024);
    let rate = read as f64 / 1_048_576.0 / elapsed.as_secs_f64().max(0.001);
    match total.filter(|&total| total > 0) {
        Some(total) => {
            let done = (read.min(total) * BAR_WIDTH / total) as usize;
            let (full, rest) = ("█".repeat(done), "░".repeat(BAR_WIDTH as usize - done));
            let percent = read.min(total) * 100 / total;
            format!("{full}{rest} {percent:3} %  {} of {} KiB  {rate:.0} MiB/s", kib(read), kib(total))
        }
        None => format!("{} KiB  {rate:.0} MiB/s", kib(read)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_says_how_far() {
        let second = Duration::from_secs(2);
        let half = line(5 << 20, Some(10 << 20), second);
        assert_eq!(half, "████████████░░░░░░░░░░░░  50 %  5 120 of 10 240 KiB  2 MiB/s");
        assert_eq!(line(4 << 20, None, second), "4 096 KiB  2 MiB/s");
        assert!(line(12 << 20, Some(10 << 20), second).contains("100 %"), "a file that grew");
    }

    #[test]
    fn reading_through_it_changes_nothing() {
        let mut text = String::new();
        Progress::new("abc".as_bytes(), Some(3)).read_to_string(&mut text).expect("memory reads");
        assert_eq!(text, "abc");
    }
}
