//! Time that the processor gave to this thread, so that busy neighbours do not count; the clock on the wall where the
//! kernel does not tell (outside Linux).

use std::time::{Duration, Instant};

/// A moment to measure from.
pub struct Moment {
    wall: Instant,
    used: Option<Duration>,
}

impl Moment {
    pub fn now() -> Self {
        Moment { wall: Instant::now(), used: used() }
    }

    /// Seconds since, of this thread's own.
    pub fn seconds(&self) -> f64 {
        let wall = self.wall.elapsed();
        used().zip(self.used).map_or(wall, |(now, then)| now.saturating_sub(then)).as_secs_f64()
    }
}

/// What the scheduler has counted for this thread; it brings the count up to date when the thread offers to yield.
fn used() -> Option<Duration> {
    std::thread::yield_now();
    let counts = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    counts.split(' ').next()?.parse().ok().map(Duration::from_nanos)
}
