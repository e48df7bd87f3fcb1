//! Expressions of a language of others (JSONata) for what steps cannot say: what a transformation may expect of whoever
//! runs them. Who that is stands elsewhere (`pipeline/expression/`): expressions run in a process of their own.

/// Bytes of an expression, at most.
pub const EXPRESSION_BYTES_MAX: usize = 64 * 1024;

/// Bytes of what an expression is run over, and of what it gives, at most.
pub const DATA_BYTES_MAX: usize = 1024 * 1024;

/// Why an expression made nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// It fails on this document, or is stopped because it takes too long or too much.
    OfDocument(String),
    /// It could not be run at all, which is none of its fault and may be otherwise in a while.
    OfOurs(String),
}

impl Failure {
    /// The sentence.
    #[must_use]
    pub fn sentence(&self) -> &str {
        match self {
            Failure::OfDocument(sentence) | Failure::OfOurs(sentence) => sentence,
        }
    }
}

/// Runs expressions.
pub trait Expressions {
    /// Whether an expression can be read.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check(&self, expression: &str) -> Result<(), Failure>;

    /// What an expression makes of some JSON, as JSON; `None` when that is nothing.
    ///
    /// # Errors
    /// [`Failure`].
    fn run(&self, expression: &str, data: &str) -> Result<Option<String>, Failure>;
}
