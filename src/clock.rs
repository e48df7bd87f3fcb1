//! Time as an argument: everything that needs "now" takes a `Timestamp` or a `Clock`.
//! It does not format dates of the standards; that is `mapping::function::date`.

pub use jiff::Timestamp;

/// A source of the present time. The service runs on [`SystemClock`]; tests hold a clock they move by hand.
pub trait Clock: Send + Sync {
    /// The present instant, UTC.
    fn now(&self) -> Timestamp;
}

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    // The one place that reads the machine's clock.
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}
