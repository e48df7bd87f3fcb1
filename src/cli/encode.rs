//! `portolan encode FILE`: decoded JSON back to bytes, or entities to a document type. Either is written as it is read.

use super::input::Gone;
use super::translate::{Output, Source};
use super::{Exit, input};
use crate::codec::segment::{EncodeError, Limits, encode_to};
use crate::entity::Entity;
use crate::json::{JsonError, JsonReader};
use serde_json::{Map, Value};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

#[derive(clap::Args)]
#[command(after_help = "Examples:
  portolan decode order.edi | portolan encode -
  portolan encode order.json --to x12/004010/850 --sender ZZ:NORTH --receiver 14:4012345000009")]
pub struct Arguments {
    /// JSON made by `portolan decode`, an entity, or an array of entities; - for standard input.
    file: PathBuf,
    #[command(flatten)]
    output: Output,
}

pub fn run(arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let json = JsonReader::new(input::open(&arguments.file)?, Limits::default().document_bytes_max);
    match arguments.output.to {
        Some(_) => entities(json, arguments, as_json),
        None => decoded(json, arguments),
    }
}

/// Writes decoded JSON as its own bytes.
fn decoded<R: Read>(mut json: JsonReader<R>, arguments: &Arguments) -> anyhow::Result<Exit> {
    let name = arguments.file.display();
    let mut sink = arguments.output.sink();
    let found = if json.at_list()? { Ok(Some(Map::new())) } else { encode_to(&mut json, &mut sink) };
    match found {
        Ok(None) => Ok(Exit::Ok),
        Ok(Some(_)) => {
            eprintln!(
                "{name}: no key `interchanges`, as `portolan decode` writes it; an entity needs --to STANDARD/VERSION/TYPE"
            );
            Ok(Exit::Usage)
        }
        Err(EncodeError::Unwritable(error)) if error.kind() == io::ErrorKind::BrokenPipe => Err(Gone.into()),
        Err(EncodeError::Unwritable(error)) => Err(error.into()),
        Err(EncodeError::Json(JsonError::Unreadable(error))) => Err(unreadable(error, &arguments.file)),
        Err(error) => {
            eprintln!("{name}: {error}");
            if sink.written() > 0 {
                eprintln!("{name}: the {} bytes before it were written", sink.written());
            }
            Ok(Exit::Invalid)
        }
    }
}

fn unreadable(error: io::Error, file: &Path) -> anyhow::Error {
    anyhow::Error::from(error).context(format!("cannot read {}", file.display()))
}

/// Writes entities as documents of the type asked for.
fn entities<R: Read>(json: JsonReader<R>, arguments: &Arguments, as_json: bool) -> anyhow::Result<Exit> {
    let mut entities = Entities { json, file: &arguments.file, state: State::Before, is_clean: true };
    // The first is looked at before anything is written.
    let mut first = entities.next()?;
    if first.is_none() {
        return Ok(match entities.state {
            State::Decoded => {
                let sentence = "decoded JSON goes back to its own bytes; use `portolan translate` for another target";
                eprintln!("{}: {sentence}", arguments.file.display());
                Exit::Usage
            }
            _ => Exit::Invalid,
        });
    }
    let (output, rules) = (&arguments.output, arguments.output.rules()?);
    let target = match output.target(&rules) {
        Ok(target) => target,
        Err(sentence) => {
            eprintln!("portolan encode: {sentence}");
            return Ok(Exit::Usage);
        }
    };
    let drafting = target.map(|target| output.drafting(&rules, target)).transpose()?;
    let mut next = || first.take().map_or_else(|| entities.next(), |first| Ok(Some(first)));
    let done = output.write(drafting.as_ref(), &mut next, as_json)?;
    Ok(if entities.is_clean { done } else { Exit::Invalid })
}

/// Entities as they are read: one that stands alone, or those of a list.
struct Entities<'e, R> {
    json: JsonReader<R>,
    file: &'e Path,
    state: State,
    /// Everything read so far was an entity.
    is_clean: bool,
}

#[derive(Clone, Copy)]
enum State {
    Before,
    InList,
    Over,
    /// It was decoded JSON instead.
    Decoded,
}

impl<R: Read> Entities<'_, R> {
    /// The next entity; what is none is told and passed over.
    fn next(&mut self) -> anyhow::Result<Option<Source>> {
        loop {
            let expected = match self.item() {
                Ok(None) => return Ok(None),
                Ok(Some(item)) => match Entity::from_json(&item) {
                    Ok(entity) => return Ok(Some(Source::bare(entity))),
                    Err(expected) => format!("{expected}, or a key `interchanges` as `portolan decode` writes it"),
                },
                Err(JsonError::Unreadable(error)) => return Err(unreadable(error, self.file)),
                Err(error) => {
                    self.state = State::Over;
                    error.to_string()
                }
            };
            self.is_clean = false;
            eprintln!("{}: {expected}", self.file.display());
        }
    }

    fn item(&mut self) -> Result<Option<Value>, JsonError> {
        let json = &mut self.json;
        match self.state {
            State::Before if json.at_list()? => {
                json.open_list()?;
                self.state = State::InList;
                self.item()
            }
            State::Before if json.at_object()? => self.alone(),
            State::Before => {
                self.state = State::Over;
                json.value().map(Some)
            }
            State::InList if json.next_item()? => json.value().map(Some),
            State::InList => {
                self.state = State::Over;
                json.end().map(|()| None)
            }
            State::Over | State::Decoded => Ok(None),
        }
    }

    /// The object that stands alone, unless it is decoded JSON, which may be long.
    fn alone(&mut self) -> Result<Option<Value>, JsonError> {
        let mut object = Map::new();
        self.json.open_object()?;
        while let Some(key) = self.json.next_key()? {
            if key == "interchanges" {
                self.state = State::Decoded;
                return Ok(None);
            }
            object.insert(key, self.json.value()?);
        }
        self.state = State::Over;
        self.json.end().map(|()| Some(object.into()))
    }
}
