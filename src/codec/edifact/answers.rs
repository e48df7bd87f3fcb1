//! CONTRL read, when a partner sends it. What it refers to is found by the ledger.

use crate::codec::segment::{Answer, Answered, Verdict, place_word, text};
use crate::tree::Run;

/// 0083: rejects this level and all below.
const REJECTED: &str = "4";
/// 0083: the interchange came, and nobody has looked into it yet.
const RECEIVED: &str = "8";

/// The element of codes of faults.
const SYNTAX_ERROR: &str = "0085";

/// What a CONTRL says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contrl {
    /// One answer for the interchange, then one for each group or document it names.
    pub answers: Vec<Answer>,
    /// The interchange came (0083 is 8); of its documents nothing is said yet.
    pub only_received: bool,
}

/// Reads a CONTRL: one answer for the interchange, one for each group or document it names. `meant` says what a code of an element
/// means, by its number.
#[must_use]
pub fn answers(run: &Run<'_>, meant: impl Fn(&str, &str) -> Option<String>) -> Contrl {
    let mut found: Vec<Answer> = Vec::new();
    let mut interchange = Answered::default();
    let mut group = Answered::default();
    let (mut only_received, mut at) = (false, String::new());
    for segment in run.segments() {
        let field = |element: usize, component: usize| text(&segment, (element, component)).into_owned();
        let code = |element: usize| Some(field(element, 1)).filter(|code| !code.is_empty()).into_iter().collect();
        let (about, action, codes) = match segment.tag() {
            b"UCI" => {
                only_received = field(4, 1) == RECEIVED;
                interchange = Answered { interchange_control_number: field(1, 1), ..Answered::default() };
                group = interchange.clone();
                (interchange.clone(), field(4, 1), code(5))
            }
            b"UCF" => {
                group = Answered { group_control_number: field(1, 1), ..interchange.clone() };
                (group.clone(), field(4, 1), code(5))
            }
            b"UCM" => {
                let about =
                    Answered { document_control_number: field(1, 1), document_type: field(2, 1), ..group.clone() };
                (about, field(3, 1), code(4))
            }
            b"UCS" | b"UCD" => {
                if let Some(open) = found.last_mut() {
                    // Acknowledged, with remarks.
                    open.verdict = open.verdict.max(Verdict::AcceptedWithErrors);
                    let code = |code: String| match meant(SYNTAX_ERROR, &code) {
                        Some(words) => format!("code {code} ({words})"),
                        None => format!("code {code}"),
                    };
                    let word = |element: usize, component: usize| place_word(&field(element, component));
                    if segment.tag() == b"UCS" {
                        open.notes.push(format!("segment {}: {}", field(1, 1), code(field(2, 1))));
                        at = format!("segment {}", word(1, 1));
                        let found = word(2, 1);
                        // One without a code is the place of what follows.
                        if !found.is_empty() {
                            open.faults.push(format!("{at}: {}", code(found)));
                        }
                        continue;
                    }
                    open.notes.push(format!("element {}: {}", field(2, 1), code(field(1, 1))));
                    let component = Some(word(2, 2)).filter(|word| !word.is_empty());
                    let component = component.map(|word| format!(", component {word}")).unwrap_or_default();
                    let of_segment = if at.is_empty() { String::new() } else { format!("{at}, ") };
                    open.faults.push(format!("{of_segment}element {}{component}: {}", word(2, 1), code(word(1, 1))));
                }
                continue;
            }
            _ => continue,
        };
        found.push(Answer {
            kind: "contrl",
            about,
            verdict: verdict_of(&action),
            codes,
            claimed: None,
            notes: Vec::new(),
            faults: Vec::new(),
        });
        at.clear();
    }
    Contrl { answers: found, only_received }
}

/// 0083: 4 rejects; 7 acknowledges; 8 says the interchange came.
fn verdict_of(action: &str) -> Verdict {
    if action == REJECTED { Verdict::Rejected } else { Verdict::Accepted }
}
