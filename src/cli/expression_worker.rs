//! `portolan expression-worker`: the process that runs expressions for another `portolan`. Nobody calls it by hand.

use super::Exit;
use crate::pipeline::expression;

pub fn run() -> anyhow::Result<Exit> {
    expression::serve()?;
    Ok(Exit::Ok)
}
