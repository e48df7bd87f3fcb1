//! Loops between LS and LE: LS01 names the loop that begins, LE01 repeats the name where it ends (X12.6, 3.9.2.2).
//! Whether both are there, and what stands between them, the order of the document type says.

use super::{At, Check};
use crate::diagnostic::{Diagnostic, Fault, Syntax, keep, shortened};
use crate::standard::definition::Directory;
use crate::standard::place::Placement;
use crate::tree::Run;

/// Appends the trailers that name another loop than their headers.
pub(super) fn check(directory: &Directory, run: &Run<'_>, placement: &Placement, faults: &mut Vec<Diagnostic>) {
    let mut open: Vec<String> = Vec::new();
    // Most segments are neither, which their first bytes tell.
    let begins = |start: u32| matches!(run.bytes.get(start as usize..), Some([b'L', b'S' | b'E', ..]));
    let marks = run.index.segments.iter().enumerate().filter(|(_, mark)| begins(mark.start));
    for segment in marks.filter_map(|(ordinal, _)| run.segment(ordinal)) {
        let Some(name) = segment.element(1).map(|value| value.text().into_owned()) else { continue };
        match segment.tag() {
            b"LS" => open.push(name),
            b"LE" => {
                let Some(begun) = open.pop().filter(|begun| *begun != name) else { continue };
                let home = placement.homes.get(segment.ordinal()).copied().flatten();
                let loop_path = home.map_or("", |(_, home)| placement.path(home));
                let (syntax, occurrence, value) = (Syntax::X12, None, segment.element(1));
                let check = Check { directory, syntax, run, segment, occurrence, loop_path, faults: Vec::new() };
                let at = At { element: 1, component: 0, repetition: 0 };
                let finding = check.finding(Fault::LoopBounds, Some(at), value);
                keep(faults, finding.because(format!("{} as in the LS before it", shortened(begun)), name));
            }
            _ => {}
        }
    }
}
