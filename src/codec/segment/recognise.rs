//! Which definition an input is laid out by: what was told, or the one whose marks it bears best. It opens nothing.

use crate::codec::json::{Pointed, pointed};
use crate::codec::table::{BYTE_ORDER_MARK, FIT, text_fits, titles_fit};
use crate::standard::definition::Document;
use crate::standard::layout::Mark;
use crate::standard::load::Library;
use std::sync::Arc;

/// What an input is of.
#[derive(Debug)]
pub enum Recognised {
    /// This document type.
    As(Arc<Document>),
    /// It bears the marks of several alike, so that somebody must say which it is.
    Several(Vec<String>),
    /// It bears the marks of none.
    No,
}

/// The document type that an input is of. Where one of our own and one that is shipped fit alike, ours counts.
#[must_use]
pub fn recognise(library: &Library, bytes: &[u8], has_ended: bool) -> Recognised {
    if let Some(told) = library.is_told() {
        return Recognised::As(told.clone());
    }
    let start = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(bytes);
    let documents = &library.laid_out().documents;
    let marks = documents.iter().filter_map(|(document, _)| document.layout()).flat_map(|layout| &layout.marks);
    let pointers = marks.filter_map(|mark| match mark {
        Mark::Pointer(pointer, _) => Some(pointer.as_str()),
        _ => None,
    });
    let pointed = pointed(start, &pointers.collect::<Vec<_>>());
    let fit = |document: &Document| -> Option<usize> {
        let layout = document.layout().filter(|layout| !layout.marks.is_empty())?;
        let fits = layout.marks.iter().map(|mark| match mark {
            Mark::Header => titles_fit(document, start, has_ended),
            Mark::Text(at, text) => text_fits(layout, (*at, text), start, has_ended),
            Mark::Pointer(pointer, meant) => pointer_fits(&pointed, pointer, meant.as_deref()),
        });
        fits.sum()
    };
    let fits = documents.iter().filter_map(|(document, is_own)| Some(((fit(document)?, *is_own), document)));
    let fits: Vec<((usize, bool), &Arc<Document>)> = fits.collect();
    let Some(best) = fits.iter().map(|(fit, _)| *fit).max() else { return Recognised::No };
    let best: Vec<&Arc<Document>> =
        fits.iter().filter(|(fit, _)| *fit == best).map(|(_, document)| *document).collect();
    match best.as_slice() {
        [one] => Recognised::As((*one).clone()),
        several => {
            let name = |one: &&Arc<Document>| format!("{}/{}/{}", one.standard, one.version, one.kind);
            Recognised::Several(several.iter().map(name).collect())
        }
    }
}

fn pointer_fits(pointed: &Pointed, pointer: &str, meant: Option<&str>) -> Option<usize> {
    match pointed.at(pointer) {
        Some(found) => meant.is_none_or(|meant| found == meant).then_some(pointer.len() * FIT),
        // What is broken is told to be so, where all names on the way stand in it.
        None => pointed.may_stand(pointer).then_some(FIT),
    }
}
