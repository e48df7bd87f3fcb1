//! Why samples are rejected: the classes of `reasons.yaml`, and which findings of which sample fall into them. It judges
//! nothing itself; a finding that no class explains, or two, and a line that fits nothing come out as complaints.

use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Whose mistake it is, in the order of the page, each with its heading.
const WHOSE: [(&str, &str); 4] = [
    ("sample", "The sample is wrong"),
    ("release", "The sample is of another release"),
    ("agency", "The sample speaks an agency's or a house's own language"),
    ("ours", "Portolan could do better"),
];

/// A class as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Class {
    title: String,
    whose: String,
    rule: String,
    why: String,
    samples: BTreeMap<String, String>,
}

/// The classes, and what was found so far.
pub struct Reasons {
    classes: Vec<Class>,
    /// For each class: samples, and their findings in it.
    seen: Vec<BTreeMap<String, BTreeSet<String>>>,
    /// For each class: rejected documents with a finding in it.
    documents: Vec<usize>,
    used: BTreeSet<(usize, String, String)>,
    complaints: Vec<String>,
}

/// Whether a name fits a pattern in which `*` stands for any letters.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(name) = name.strip_prefix(start) else { return false };
    (0..=name.len()).filter(|at| name.is_char_boundary(*at)).any(|at| fits(rest, &name[at..]))
}

/// `CODE` fits the code at any place, `CODE PLACE` at that place only.
fn says(listed: &str, finding: &str) -> bool {
    finding.strip_prefix(listed).is_some_and(|rest| rest.is_empty() || rest.starts_with(' '))
}

/// `CODE PLACE, PLACE; CODE PLACE`: each code once.
fn by_code(findings: &BTreeSet<String>) -> String {
    let mut places: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (code, place) in findings.iter().map(|one| one.split_once(' ').unwrap_or((one, ""))) {
        places.entry(code).or_default().push(place);
    }
    let words = places.iter().map(|(code, places)| format!("{code} {}", places.join(", ")).trim_end().to_owned());
    words.collect::<Vec<_>>().join("; ")
}

impl Reasons {
    pub fn load() -> Self {
        let node = portolan::yaml::document(include_str!("reasons.yaml")).expect("YAML");
        let classes: Vec<Class> = serde_json::from_value(node.to_json()).expect("classes as the head comment says");
        for class in &classes {
            assert!(WHOSE.iter().any(|(whose, _)| *whose == class.whose), "{}: whose {}", class.title, class.whose);
            let whole = !class.rule.is_empty() && !class.why.is_empty() && !class.samples.is_empty();
            assert!(whole, "{}: a rule, a reason and samples", class.title);
        }
        let (seen, documents) = (vec![BTreeMap::new(); classes.len()], vec![0; classes.len()]);
        Reasons { classes, seen, documents, used: BTreeSet::new(), complaints: Vec::new() }
    }

    /// Takes the errors of one rejected document, each as `CODE PLACE`, the places without occurrences.
    pub fn take(&mut self, sample: &str, findings: &BTreeSet<String>) {
        let mut into = BTreeSet::new();
        for finding in findings {
            let mut found = Vec::new();
            for (at, class) in self.classes.iter().enumerate() {
                for (pattern, listed) in class.samples.iter().filter(|(pattern, _)| fits(pattern, sample)) {
                    for one in listed.split(',').map(str::trim).filter(|one| says(one, finding)) {
                        self.used.insert((at, pattern.clone(), one.to_owned()));
                        found.push(at);
                    }
                }
            }
            if let [at] = found[..] {
                self.seen[at].entry(sample.to_owned()).or_default().insert(finding.clone());
                into.insert(at);
            } else {
                self.complaints.push(format!("{sample}: {finding} is in {} classes, not one", found.len()));
            }
        }
        for at in into {
            self.documents[at] += 1;
        }
    }

    /// What does not come out even.
    pub fn complaints(&self) -> Vec<String> {
        let mut all = self.complaints.clone();
        for (at, class) in self.classes.iter().enumerate() {
            for (pattern, listed) in &class.samples {
                let idle = listed.split(',').map(str::trim);
                let idle = idle.filter(|one| !self.used.contains(&(at, pattern.clone(), (*one).to_owned())));
                all.extend(idle.map(|one| format!("{}: {pattern}: nothing is {one}", class.title)));
            }
        }
        all
    }

    /// The part of the page that explains.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (whose, heading) in WHOSE {
            text.push_str(&format!("\n### {heading}\n"));
            for (at, class) in self.classes.iter().enumerate().filter(|(_, class)| class.whose == whose) {
                let count = self.documents[at];
                let documents = if count == 1 { "document" } else { "documents" };
                // Writing to a string cannot fail.
                let _infallible = write!(
                    text,
                    "\n**{}** ({count} {documents}). {}  \n*Rule:* {}\n\n| sample | findings |\n|---|---|\n",
                    class.title, class.why, class.rule
                );
                for (sample, findings) in &self.seen[at] {
                    let _infallible = writeln!(text, "| {sample} | {} |", by_code(findings));
                }
            }
        }
        text
    }
}

#[test]
fn patterns_fit_what_they_say() {
    assert!(fits("x12/*.edi", "x12/a.b.edi") && fits("x12/a", "x12/a") && fits("*", ""));
    assert!(!fits("x12/*.edi", "x12/a.txt") && !fits("x12/a", "x12/ab"));
    assert!(says("X12-A", "X12-A SE.01") && says("X12-A SE.01", "X12-A SE.01"));
    assert!(!says("X12-A", "X12-AB SE.01") && !says("X12-A SE.0", "X12-A SE.01"));
}
