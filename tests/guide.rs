//! Guides: what a partner asks beyond the standard, checked on real documents. `fixtures/guides` has for each ready guide a
//! document that follows it and one that breaks it; UPDATE=1 writes what is found in the latter, to be read before it is
//! committed.

use portolan::codec::segment::{Envelope, GuideChoice, Inspection, InterchangeReport, Limits};
use portolan::diagnostic::{Diagnostic, Effect, Severity};
use portolan::engine::Rules;
use portolan::pipeline::configured::Configured;
use portolan::standard::definition::Usage;
use portolan::standard::guide::{Guide, ready};
use portolan::standard::load::Library;
use std::path::Path;
use std::sync::Arc;

fn fixture(path: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(path)).expect("a fixture")
}

fn guide(text: &str) -> Guide {
    Guide::parse(text, &Library::new(None)).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// What a guide finds, the standard's own findings left out.
fn found(guide: Guide, bytes: &[u8]) -> Vec<Diagnostic> {
    let library = Library::new(None);
    let guide = Arc::new(guide);
    let choice: GuideChoice<'_> = Box::new(move |_, _, document| guide.is_for(document).then(|| guide.clone()));
    let reports = Inspection::new(&library).guided(choice).whole(bytes, Limits::default()).expect("memory reads");
    let all = |report: InterchangeReport| report.groups.into_iter().flat_map(|group| group.documents);
    let faults = reports.into_iter().flat_map(all).flat_map(|document| document.faults);
    faults.filter(|fault| fault.fault.info().effect == Effect::Guide).collect()
}

fn words(found: &[Diagnostic]) -> Vec<String> {
    found.iter().map(|one| format!("{} {}", one.code(), one.message())).collect()
}

const PLAIN: &str = "x12/004010/850/plain/in.edi";

#[test]
fn a_document_that_follows_is_clean() {
    let guide = guide(
        "base: x12/004010/850\nrules:\n  BEG02: { codes: [SA, NE] }\n  N1[01=ST]/N4: required\n  PO1: { max: 2 }\n  \
         N1[01=ST]/N4.04: { value: DE }\n  PO1/PO1.02: { length: 1..3 }\n  FOB: unused\n  PO1/PID: optional\nconditions:\n  \
         day: { when: BEG02 = SA, need: \"DTM[01=002]\", message: a stand-alone order names its day }\n",
    );
    assert_eq!(words(&found(guide, &fixture(PLAIN))), [""; 0]);
}

#[test]
fn err_usage_of_segments_elements_and_loops() {
    let guide = guide(
        "name: north\nbase: x12/004010/850\nrules:\n  REF[01=DP]: { usage: required, message: name the department }\n  \
         CUR: unused\n  N1[01=BY]/N4: required\n  PO1: { max: 1 }\n  BEG04: required\n  BEG05: unused\n",
    );
    let found = words(&found(guide, &fixture(PLAIN)));
    assert_eq!(
        found,
        [
            "X12-GUIDE-USAGE ST: not as the guide says: expected REF[01=DP] (guide north: name the department), found nothing",
            "X12-GUIDE-USAGE BEG.04: not as the guide says: expected a value (guide north, rule BEG04), found nothing",
            "X12-GUIDE-USAGE BEG.05: not as the guide says: expected nothing (guide north, rule BEG05), found 20261124",
            "X12-GUIDE-USAGE CUR: not as the guide says: expected not there (guide north, rule CUR), found CUR",
            "X12-GUIDE-USAGE N1: not as the guide says: expected N1[01=BY]/N4 (guide north, rule N1[01=BY]/N4), found nothing",
            "X12-GUIDE-USAGE PO1: not as the guide says: expected at most 1 (guide north, rule PO1), found 2",
        ]
    );
}

#[test]
fn err_codes_lengths_values_and_conditions() {
    let guide = guide(
        "name: n\nbase: x12/004010/850\nseverity: warning\nrules:\n  BEG02: { codes: [NE, KN], severity: error }\n  \
         BEG03: { length: 5..10 }\n  PO1/PO1.03: { value: EA }\nconditions:\n  \
         described: { each: PO1, when: PO103 = CA, need: PID05, message: cases are described }\n",
    );
    let found = found(guide, &fixture(PLAIN));
    assert_eq!(
        words(&found),
        [
            "X12-GUIDE-CODE BEG.02: value not one of the guide's: expected one of NE, KN (guide n, rule BEG02), found SA",
            "X12-GUIDE-LENGTH BEG.03: length not as the guide says: expected 5 to 10 characters (guide n, rule BEG03), found 4 (\"4711\")",
            "X12-GUIDE-CONDITION PO1: condition of the guide broken: expected PID05 when PO103 = CA (guide n: cases are described)",
            "X12-GUIDE-CODE PO1.03: value not one of the guide's: expected EA (guide n, rule PO1/PO1.03), found CA",
        ]
    );
    assert_eq!(found[0].severity, Severity::Error);
    assert!(found[1..].iter().all(|one| one.severity == Severity::Warning));
}

#[test]
fn edifact_places_reach_components() {
    let guide = guide(
        "base: edifact/d96a/ORDERS\nrules:\n  DTM[01.1=137].01.3: { value: '203' }\n  NAD[01=BY].02.3: { codes: ['9'] }\n",
    );
    let found = found(guide, &fixture("edifact/d96a/ORDERS/plain/in.edi"));
    assert!(!found.is_empty() && found.iter().all(|one| one.place.contains('.')), "{found:?}");
}

/// Codes that an agency adds are told by no one while its guide is followed; others are.
#[test]
fn codes_that_a_guide_adds_are_no_fault() {
    let text = String::from_utf8(fixture("guides/eancom-d96a-desadv/follows.edi")).expect("text");
    let with = |guide: Option<Guide>, text: &str| {
        let library = Library::new(None);
        let guide = guide.map(Arc::new);
        let choice: GuideChoice<'_> = Box::new(move |_, _, _| guide.clone());
        let reports = Inspection::new(&library).guided(choice).whole(text.as_bytes(), Limits::default());
        let groups = reports.expect("memory reads").into_iter().flat_map(|report| report.groups);
        let found: Vec<_> = groups.flat_map(|group| group.documents).flat_map(|document| document.faults).collect();
        found.iter().map(|one| format!("{} {}", one.code(), one.value)).collect::<Vec<_>>()
    };
    let adds = || guide("base: edifact/d96a/DESADV\nadds:\n  \"4233\": { 33E: marked with its SSCC }\n");
    assert_eq!(with(None, &text), ["EDIFACT-CODE-UNKNOWN 33E"]);
    assert_eq!(with(Some(adds()), &text), [""; 0]);
    assert_eq!(with(Some(adds()), &text.replace("33E", "44E")), ["EDIFACT-CODE-UNKNOWN 44E"]);
    // Of this list only: it is no party qualifier.
    assert_eq!(with(Some(adds()), &text.replace("NAD+DP", "NAD+33E")), ["EDIFACT-CODE-UNKNOWN 33E"]);
}

/// Places of XML are names: of elements that are segments of their own and of those that are not, attributes, selectors.
#[test]
fn places_of_xml_are_names() {
    let follows = fixture("guides/peppol-invoice/follows.xml");
    let sound = guide(
        "base: ubl/2.1/Invoice\nrules:\n  AccountingSupplierParty/Party/PartyTaxScheme[TaxScheme/ID=VAT]: { usage: required, max: 1 }\n  \
         AccountingSupplierParty/Party/PartyTaxScheme[TaxScheme/ID=VAT]/CompanyID: { length: \"11\" }\n  \
         AccountingSupplierParty/Party/EndpointID[@schemeID=0088]: { length: \"13\" }\n  \
         InvoiceLine/InvoicedQuantity@unitCode: { value: C62 }\nconditions:\n  \
         price: { each: InvoiceLine, when: Item/Name = Desk lamp, need: Price/PriceAmount@currencyID = EUR }\n",
    );
    assert_eq!(words(&found(sound, &follows)), [""; 0]);
    let broken = guide(
        "name: n\nbase: ubl/2.1/Invoice\nrules:\n  Note: required\n  InvoiceLine/Note: { codes: [a, b] }\n  \
         PaymentTerms/Note: { codes: [none] }\n  AccountingSupplierParty/Party/PartyTaxScheme[TaxScheme/ID=GST]: required\n  \
         InvoiceLine/InvoicedQuantity@unitCode: { value: EA }\nconditions:\n  \
         price: { each: InvoiceLine, when: InvoicedQuantity = 10, need: Note }\n",
    );
    assert_eq!(
        words(&found(broken, &follows)),
        [
            "XML-GUIDE-USAGE /Invoice: not as the guide says: expected Note (guide n, rule Note), found nothing",
            "XML-GUIDE-USAGE /Invoice/AccountingSupplierParty/Party: not as the guide says: expected AccountingSupplierParty/Party/PartyTaxScheme[TaxScheme/ID=GST] (guide n, rule AccountingSupplierParty/Party/PartyTaxScheme[TaxScheme/ID=GST]), found nothing",
            "XML-GUIDE-CODE /Invoice/PaymentTerms[1]/Note[1]: value not one of the guide's: expected one of none (guide n, rule PaymentTerms/Note), found 30 days net",
            "XML-GUIDE-CONDITION /Invoice/InvoiceLine[1]: condition of the guide broken: expected Note when InvoicedQuantity = 10 (guide n, rule price)",
            "XML-GUIDE-CODE /Invoice/InvoiceLine[1]/InvoicedQuantity@unitCode: value not one of the guide's: expected EA (guide n, rule InvoiceLine/InvoicedQuantity@unitCode), found C62",
        ]
    );
}

#[test]
fn err_names_that_are_not_there() {
    let errors = Guide::parse(
        "base: ubl/2.1/Invoice\nrules:\n  InvoiceLine/Itm: required\n  ID@scheme: required\n  ID/Name: required\n  \
         InvoiceLine[ID]: required\nconditions:\n  c: { each: ID, need: Note }\n  d: { each: InvoiceLine, need: Nam }\n",
        &Library::new(None),
    )
    .expect_err("wrong");
    let text: Vec<_> = errors.iter().map(ToString::to_string).collect();
    for part in [
        "did you mean Item?",
        "did you mean schemeID?",
        "nothing behind",
        "[ELEMENT=VALUE]",
        "each: expected",
        "found Nam",
    ] {
        assert!(text.iter().any(|one| one.contains(part)), "{part} in {text:#?}");
    }
    assert_eq!(text.len(), 6, "{text:#?}");
}

/// What each asks is what its fixtures show: one follows without any finding, of the standard or the guide; in the other
/// all is found that is listed beside it.
#[test]
fn ready_guides_are_sound_and_say_what_they_ask() {
    let library = Library::new(None);
    let mut differing = Vec::new();
    for name in ready::names() {
        let guide = Guide::load(name, &library, |_| None).unwrap_or_else(|errors| panic!("{name}: {errors:?}"));
        let [standard, version, kind] = guide.parts().expect("a document type");
        let document = library.document(standard, version, kind).expect("packed");
        let directory = library.directory(standard, version).expect("packed");
        assert_eq!(guide.lint(&document, &directory), [], "{name}");
        assert!(!guide.title.is_empty() && !guide.selects.is_empty(), "{name}");
        assert!(ready::text(name).expect("packed").contains(&format!("\nkind: guide\nname: {name}\n")), "{name}");
        let end = if document.markup.is_some() { "xml" } else { "edi" };
        let all = |case: &str| {
            let guide = Arc::new(guide.clone());
            let choice: GuideChoice<'_> = Box::new(move |_, _, _| Some(guide.clone()));
            let bytes = fixture(&format!("guides/{name}/{case}.{end}"));
            let reports = Inspection::new(&library).guided(choice).whole(&bytes[..], Limits::default());
            let reports = reports.expect("memory reads");
            let outer = reports.iter().flat_map(|one| one.faults.iter()).cloned().collect::<Vec<_>>();
            let groups = reports.into_iter().flat_map(|one| one.groups).flat_map(|group| group.documents);
            outer.into_iter().chain(groups.flat_map(|one| one.faults)).collect::<Vec<_>>()
        };
        assert_eq!(words(&all("follows")), [""; 0], "{name}");
        let line = |one: &Diagnostic| format!("{:?} {} {}\n", one.severity, one.code(), one.message());
        let said: String = all("breaks").iter().map(line).collect();
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/guides/{name}/breaks.txt"));
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &said).expect("fixtures are writable");
        }
        if std::fs::read_to_string(&file).unwrap_or_default() != said {
            differing.push(format!("{name}:\n{said}"));
        }
    }
    assert!(differing.is_empty(), "read these, then UPDATE=1\n{}", differing.join("\n"));
}

/// An agreement may name a ready guide, or one of its own over it.
#[test]
fn agreements_name_ready_guides() {
    let resources = |guide: &str| {
        format!(
            "kind: partner\nname: north\nparty_ids: [\"ZZ:NORTH\"]\n---\nkind: agreement\nname: north-850\npartner: north\n\
             way: in\ndocument: x12/004010/850\nguide: {guide}\n---\nkind: guide\nname: own\nbase: vics-850\nrules:\n  \
             CUR: unused\n"
        )
    };
    let chosen = |name: &str| {
        let resources = portolan::partner::parse("guides.yaml", &resources(name)).unwrap_or_else(|e| panic!("{e:?}"));
        let directory = portolan::partner::Directory::new(&resources).map_err(|errors| errors[0].to_string())?;
        let rules = Rules::new(None, None);
        let configured = Configured::new(&rules, &directory, &resources).unwrap_or_else(|errors| panic!("{errors:?}"));
        let definition = rules.library.document("x12", "004010", "850").expect("packed");
        let found = configured.guide_for(&directory, Some("north-850"), &Envelope::default(), &definition);
        Ok::<_, String>(found.map(|guide| (guide.name.clone(), guide.rules.len())))
    };
    let (name, rules) = chosen("vics-850").expect("resources").expect("a guide");
    assert_eq!(name, "vics-850");
    assert_eq!(chosen("own"), Ok(Some(("own".to_owned(), rules + 1))));
    assert!(chosen("vics-805").is_err_and(|error| error.contains("did you mean vics-850?")));
}

#[test]
fn what_selects_a_guide_does_not_select_what_stands_on_it() {
    let base = "name: grocers\nbase: x12/004010/850\nselects: [GROC]\nrules:\n  CUR: unused\n";
    assert_eq!(guide(&format!("kind: guide\n{base}")).selects, ["GROC"]);
    assert_eq!(guide(&format!("kind: guide\nname: north\nbase: grocers\n---\n{base}")).selects, [""; 0]);
    let own = format!("kind: guide\nname: north\nbase: grocers\nselects: [NORTH]\n---\n{base}");
    assert_eq!(guide(&own).selects, ["NORTH"]);
}

#[test]
fn a_guide_stands_on_a_guide_and_says_what_it_changes() {
    let guide = guide(
        "kind: guide\nname: north\nbase: grocers\nrules:\n  BEG02: { codes: [SA] }\n  CUR: none\n---\nname: grocers\n\
         base: x12/004010/850\nrules:\n  BEG02: { codes: [SA, NE] }\n  CUR: unused\n",
    );
    assert_eq!((guide.document.as_str(), guide.rules.len()), ("x12/004010/850", 1));
    let told: Vec<_> = guide.overrides.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        ["rules.BEG02.codes: [\"SA\",\"NE\"] → [\"SA\"] (north)", "rules.CUR: unused → taken away (north)"]
    );
    assert_eq!(words(&found(guide, &fixture(PLAIN))), [""; 0]);
}

#[test]
fn err_all_that_is_wrong_with_a_file_is_told() {
    let errors = Guide::parse(
        "base: x12/004010\nruls: {}\nrules:\n  BEG02: needed\n  beg: required\n  BEG: { codes: [A] }\nconditions:\n  c: {}\n",
        &Library::new(None),
    )
    .expect_err("wrong");
    let text: Vec<_> = errors.iter().map(ToString::to_string).collect();
    for part in [
        "base: expected a document type",
        "ruls",
        "rules.BEG02: expected required",
        "rules.beg: expected a segment",
        "found a segment",
        "conditions.c: need",
    ] {
        assert!(text.iter().any(|one| one.contains(part)), "{part} in {text:?}");
    }
    let circle = Guide::parse("name: a\nbase: b\n---\nname: b\nbase: a\n", &Library::new(None)).expect_err("a circle");
    assert!(circle[0].message.contains("a ← b ← a"), "{circle:?}");
}

#[test]
fn err_a_guide_that_does_not_fit_its_definition_is_linted() {
    let library = Library::new(None);
    let document = library.document("x12", "004010", "850").expect("an 850");
    let directory = library.directory("x12", "004010").expect("004010");
    let guide = guide(
        "base: x12/004010/850\nrules:\n  BEG: unused\n  BEG02: { codes: [XX] }\n  BEG03: { length: 1..99 }\n  SDQ: required\n  \
         ZZZ: required\n  BEG99: required\nconditions:\n  c: { each: XX, need: BEG }\n",
    );
    let problems: Vec<_> =
        guide.lint(&document, &directory).iter().map(|one| format!("{}: {}", one.key, one.message)).collect();
    for part in ["rules.BEG: usage", "found XX", "found 99", "PO1/SDQ", "ZZZ", "elements of BEG", "a loop of 850"] {
        assert!(problems.iter().any(|one| one.contains(part)), "{part} in {problems:#?}");
    }
}

#[test]
fn a_definition_is_narrowed_where_the_guide_means_all_occurrences() {
    let library = Library::new(None);
    let document = library.document("x12", "004010", "850").expect("an 850");
    let guide = guide("base: x12/004010/850\nrules:\n  CUR: { usage: required, max: 1 }\n  N1[01=ST]: required\n");
    let narrowed = guide.narrowed(&document);
    let differing: Vec<_> = document.nodes.iter().zip(&narrowed.nodes).filter(|(one, other)| one != other).collect();
    let [(_, currency)] = differing[..] else { panic!("{differing:?}") };
    assert_eq!((currency.tag.as_str(), currency.usage), ("CUR", Usage::Required));
}

/// The envelope chooses a guide where no agreement does: ST03 and the suffix of GS08 in X12, 0057 in EDIFACT.
#[test]
fn the_envelope_chooses_a_guide() {
    let resources = "kind: guide\nname: vics\nbase: x12/004010/850\nselects: [VICS]\n---\n\
                     kind: guide\nname: claims\nbase: x12/005010/837\nselects: [005010X222A1]\n---\n\
                     kind: guide\nname: eancom\nbase: edifact/d96a/ORDERS\nselects: [EAN008]\n";
    let resources = portolan::partner::parse("guides.yaml", resources).unwrap_or_else(|errors| panic!("{errors:?}"));
    let directory = portolan::partner::Directory::new(&resources).unwrap_or_else(|errors| panic!("{errors:?}"));
    let rules = Rules::new(None, None);
    let configured = Configured::new(&rules, &directory, &resources).unwrap_or_else(|errors| panic!("{errors:?}"));
    let chosen = |guide: &str, implementation: &str, document: [&str; 3]| {
        let envelope = Envelope { guide: guide.into(), implementation: implementation.into(), ..Envelope::default() };
        let definition = rules.library.document(document[0], document[1], document[2]).expect("packed");
        configured.guide_for(&directory, None, &envelope, &definition).map(|guide| guide.name.clone())
    };
    assert_eq!(chosen("VICS", "", ["x12", "004010", "850"]).as_deref(), Some("vics"));
    assert_eq!(chosen("", "005010X222A1", ["x12", "005010", "837"]).as_deref(), Some("claims"));
    assert_eq!(chosen("EAN008", "", ["edifact", "d96a", "ORDERS"]).as_deref(), Some("eancom"));
    assert_eq!(chosen("EAN008", "", ["edifact", "d96a", "INVOIC"]), None, "a guide of another type");
    assert_eq!(chosen("EAN010", "", ["edifact", "d01b", "ORDERS"]), None);
}
