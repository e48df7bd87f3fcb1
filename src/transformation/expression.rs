//! Expressions of a language of others (JSONata) for what steps cannot say: what a transformation may expect of whoever
//! runs them. Who that is stands elsewhere (`pipeline/expression.rs`): expressions run in a process of their own.

/// Bytes of an expression, at most.
pub const EXPRESSION_BYTES_MAX: usize = 64 * 1024;

/// Bytes of what an expression is run over, and of what it gives, at most.
pub const DATA_BYTES_MAX: usize = 1024 * 1024;

/// Runs expressions.
pub trait Expressions {
    /// Whether an expression can be read.
    ///
    /// # Errors
    /// What is wrong with it.
    fn check(&self, expression: &str) -> Result<(), String>;

    /// What an expression makes of some JSON, as JSON; `None` when that is nothing.
    ///
    /// # Errors
    /// It fails, or is stopped because it takes too long or too much.
    fn run(&self, expression: &str, data: &str) -> Result<Option<String>, String>;
}
