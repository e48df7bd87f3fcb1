//! Reads 005010 files with x12-types, writes them again and compares; prints reader, file and verdict, tab-separated.
//! Line ends are taken out first, since it reads none; other versions are not judged.

use std::fmt::Display;
use x12_types::util::Parser;
use x12_types::v005010::{_810, _850, _855, _856, Transmission};

fn again<'a, T>(text: &'a str) -> String
where
    T: Display + Default,
    Transmission<T>: Parser<&'a str, Transmission<T>, nom::error::Error<&'a str>>,
{
    // It unwraps what it expects; that is a verdict too.
    let parsed = std::panic::catch_unwind(|| Transmission::<T>::parse(text));
    let Ok(parsed) = parsed else { return "stops the process: a value that it takes for granted is missing".to_owned() };
    match parsed {
        Err(error) => format!("not read: {}", error.to_string().chars().take(160).collect::<String>()),
        Ok((rest, _)) if !rest.is_empty() => format!("stops before {}", rest.chars().take(60).collect::<String>()),
        Ok((_, read)) => compare(text, &read.to_string()),
    }
}

/// Values are compared; it pads ISA in its own way, so that the padding is left aside.
fn compare(written: &str, again: &str) -> String {
    let values = |text: &str| -> Vec<String> {
        text.split('~').map(|one| one.trim().split('*').map(str::trim_end).collect::<Vec<_>>().join("*")).collect()
    };
    let (written, again) = (values(written), values(again));
    match written.iter().zip(&again).find(|(one, other)| one != other) {
        Some((one, other)) => format!("writes {one} again as {other}"),
        None if written.len() != again.len() => "written again, segments are missing".to_owned(),
        None => "ok".to_owned(),
    }
}

fn main() {
    std::panic::set_hook(Box::new(|_| ()));
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path).expect("a readable file");
        let text: String = bytes.iter().map(|&byte| char::from(byte)).filter(|c| !"\r\n".contains(*c)).collect();
        let kind = path.rsplit("out.x12.").next().unwrap_or_default();
        let said = match kind {
            "005010.810" => again::<_810>(&text),
            "005010.850" => again::<_850>(&text),
            "005010.855" => again::<_855>(&text),
            "005010.856" => again::<_856>(&text),
            _ => "not judged".to_owned(),
        };
        println!("x12-types\t{path}\t{}", said.replace(['\t', '\n'], " "));
    }
}
