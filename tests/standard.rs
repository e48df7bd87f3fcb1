//! The committed definitions are what the importer makes of its sources, with the counts that are known of them from
//! elsewhere, and they read back as what was imported; a version that is not there gives way to its nearest.

use portolan::codec::segment::{DocumentReport, Inspection, Limits, Reader};
use portolan::diagnostic::{Diagnostic, Fault, Severity};
use portolan::engine::Rules;
use portolan::engine::canonicalise::canonicalise;
use portolan::standard::definition::{Area, Document, Node};
use portolan::standard::import::{self, Counts, Imported};
use portolan::standard::load::{Library, LoadError};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn source() -> Option<PathBuf> {
    let folder =
        std::env::var_os("PORTOLAN_STANDARDS_SOURCE").map_or_else(|| root().join("../shared/standards"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!("{} is not there: the committed definitions are not compared with their sources", folder.display());
    None
}

/// The UN releases that are committed.
const RELEASES: [&str; 7] = ["d93a", "d96a", "d97a", "d99b", "d01b", "d20b", "d21b"];

/// A release as it was imported: D.93A takes the code lists of D.96A.
fn release(folder: &Path, version: &str) -> Imported {
    let zip = |version: &str| folder.join(version).with_extension("zip");
    let like = (version == "d93a").then(|| zip("d96a"));
    import::edifact::import(&zip(version), 3, &[], like.as_deref()).unwrap_or_else(|error| panic!("{version}: {error}"))
}

/// Compares what an importer makes with the committed files of a version.
fn is_committed(imported: &Imported) {
    let standard = &imported.directory.standard;
    let folder = root().join("standards").join(standard).join(&imported.directory.version);
    for (name, content) in import::write(&imported.documents, &imported.directory) {
        let committed = fs::read_to_string(folder.join(&name)).unwrap_or_default();
        assert!(committed == content, "{}/{name} is not what the importer writes: import it again", folder.display());
    }
    let library = Library::new(None);
    for document in &imported.documents {
        let read = library.document(standard, &document.version, &document.kind).expect("packed");
        assert!(*read == *document, "{}/{} reads back otherwise", document.version, document.kind);
    }
    let types = library.list().into_iter().filter(|row| row[0] == *standard && row[1] == imported.directory.version);
    assert_eq!(types.count(), imported.documents.len(), "{}: types of another import", folder.display());
    let directory = library.directory(standard, &imported.directory.version).expect("packed");
    assert!(directory.segments == imported.directory.segments, "{}: segments", folder.display());
    assert!(directory.composites == imported.directory.composites, "{}: composites", folder.display());
    assert!(directory.codes == imported.directory.codes, "{}: codes", folder.display());
    assert_eq!(directory.elements.len(), imported.directory.elements.len(), "{}: elements", folder.display());
}

#[test]
fn committed_x12_is_the_importers_output_with_the_counts_known_from_elsewhere() {
    let Some(source) = source() else { return };
    let counts =
        |[types, entries, segments, positions, composites, elements, coded, codes, nameless, conditions]: [usize;
             10]| {
            Counts {
                types,
                entries,
                segments,
                positions,
                composites,
                elements,
                coded,
                codes,
                nameless,
                conditions,
                ..Counts::default()
            }
        };
    // Conditions of RCD that the tables garble are left out, two and one: `conditions_none.tsv` says why.
    for (version, known) in [
        ("004010", counts([293, 11_017, 975, 7_882, 23, 1_338, 746, 31_826, 2_318, 1_465 - 2])),
        ("005010", counts([318, 12_363, 1_009, 8_219, 32, 1_368, 767, 36_192, 2_251, 1_527 - 1])),
    ] {
        let imported = import::x12::import(&source.join("x12").join(version), &[]).expect("the tables import");
        assert_eq!(imported.counts, known, "{version}");
        assert_eq!(imported.anomalies, Vec::<String>::new(), "{version}");
        assert_eq!(imported.documents.len(), known.types + 1, "{version}: the sets and TA1");
        is_committed(&imported);
    }
}

#[test]
fn committed_edifact_is_the_importers_output() {
    let Some(source) = source() else { return };
    let folder = source.join("edifact");
    for version in RELEASES {
        is_committed(&release(&folder, version));
    }
    for syntax in 1..=4 {
        let service = folder.join("service");
        let alone = import::edifact::import_syntax(&service, syntax).expect("the tables import");
        assert_eq!(alone.anomalies, Vec::<String>::new());
        is_committed(&alone);
        let messages = import::edifact::import_service(&service, syntax).expect("the tables import");
        assert_eq!(messages.anomalies, Vec::<String>::new());
        if messages.documents.is_empty() {
            assert!(syntax < 3, "syntax {syntax} has service messages");
        } else {
            is_committed(&messages);
        }
    }
}

/// The table of `edifact/README.md`, row by row. Codes were counted there by layout, and may be off by a few.
#[test]
fn releases_import_with_the_counts_known_from_elsewhere() {
    let Some(source) = source() else { return };
    for (version, messages, entries, parts, codes, interactive) in [
        ("d93a", 55, 5_255, [89, 121, 344], [0, 0], [0, 0, 0]),
        ("d96a", 125, 8_882, [127, 161, 462], [207, 6_149], [0, 0, 0]),
        ("d97a", 145, 10_384, [136, 174, 535], [227, 6_853], [2, 33, 57]),
        ("d99b", 189, 14_223, [152, 194, 622], [258, 9_635], [9, 63, 87]),
        ("d01b", 208, 16_164, [158, 200, 641], [268, 10_228], [14, 75, 95]),
        ("d20b", 210, 18_056, [156, 199, 649], [272, 11_485], [15, 77, 96]),
        ("d21b", 210, 18_082, [156, 199, 649], [272, 11_603], [15, 77, 96]),
    ] {
        let begun = Instant::now();
        let imported = release(&source.join("edifact"), version);
        assert!(begun.elapsed() < Duration::from_secs(10), "{version} takes {:?}", begun.elapsed());
        let counts = imported.counts;
        assert_eq!((counts.types, counts.entries), (messages, entries), "{version}");
        assert_eq!([counts.segments, counts.composites, counts.elements], parts, "{version}");
        let found = [counts.interactive, counts.interactive_segments, counts.interactive_composites];
        assert_eq!(found, interactive, "{version}");
        assert_eq!(imported.documents.len(), messages - interactive[0], "{version}: batch messages");
        // TDT's of D.20B and D.21B is the only dependency note of all releases.
        assert_eq!(counts.conditions, usize::from(["d20b", "d21b"].contains(&version)), "{version}: dependency notes");
        assert_eq!(counts.coded, codes[0], "{version}: elements with codes");
        let off = counts.codes.abs_diff(codes[1]);
        assert!(off <= CODES_OFF_MAX, "{version}: {} codes, and {} are known", counts.codes, codes[1]);
        let known: &[&str] = if version == "d99b" { &["BOPBNK line 356: 1 groups are open, not 2"] } else { &[] };
        assert_eq!(imported.anomalies, known, "{version}");
        let words = |document: &Document| document.name.split(' ').count();
        let nameless: Vec<_> = imported.documents.iter().filter(|one| words(one) < 2).map(|one| &one.kind).collect();
        assert!(nameless.is_empty(), "{version}: no name for {nameless:?}");
    }
}

/// How far the two counts of a release's codes may be apart.
const CODES_OFF_MAX: usize = 5;

/// D.24A is at hand as tables only. They know no sections, so that those are D.21B's.
#[test]
fn the_tables_of_d24a_import_cleanly() {
    let Some(source) = source() else { return };
    let folder = source.join("edifact");
    let like = folder.join("d21b.zip");
    let imported = import::edifact::import_tables(&folder.join("d24a"), 3, &[], Some(&like)).expect("they import");
    assert_eq!(imported.anomalies, Vec::<String>::new());
    let counts = imported.counts;
    assert_eq!((counts.types, counts.segments, counts.composites, counts.elements), (195, 156, 199, 649));
    assert_eq!(counts.codes, 11_765);
    is_committed(&imported);
    let older = release(&folder, "d21b");
    let bare = |document: &Document| {
        let mut nodes = document.nodes.clone();
        without_positions(&mut nodes);
        nodes
    };
    let differ: Vec<&str> = (imported.documents.iter().zip(&older.documents))
        .filter(|(one, other)| bare(one) != bare(other))
        .map(|(one, _)| one.kind.as_str())
        .collect();
    assert_eq!(differ, ["GOVCBR", "IFTSTA"], "messages that changed since D.21B");
}

fn without_positions(nodes: &mut [Node]) {
    for node in nodes {
        node.position.clear();
        node.body.iter_mut().for_each(|body| without_positions(body.nodes.changeable()));
    }
}

/// What the sources are known to stumble over, on the releases themselves; `import/edifact` has the small cases.
#[test]
fn the_traps_of_the_releases() {
    let Some(source) = source() else { return };
    let folder = source.join("edifact");
    let [d93a, d96a, d97a, d01b] = ["d93a", "d96a", "d97a", "d01b"].map(|version| release(&folder, version));
    // SGP begins with SG and is a segment; so are segments marked for deletion.
    let has = |imported: &Imported, tag: &str| imported.directory.segments.contains_key(tag);
    assert!(has(&d96a, "SGP") && has(&d93a, "AGR") && has(&d93a, "QVA") && has(&d93a, "API"));
    // An element that is marked, and one that repeats by a note, or by a number from D.99B on.
    let places = |imported: &Imported, tag: &str, id: &str| {
        let elements = imported.directory.segments[tag].elements.iter().filter(|place| place.id == id);
        elements.map(|place| place.max).collect::<Vec<_>>()
    };
    assert_eq!(places(&d96a, "ALI", "4183"), [1; 5]);
    assert_eq!(places(&d01b, "ADR", "C819"), [5]);
    assert_eq!(places(&d97a, "ARR", "C770"), [1; 100], "by the note in ARR");
    // The composite's own table decides, not the list in its segment.
    let composite = &d93a.directory.composites["C002"];
    assert_eq!(
        composite.components.iter().map(|place| &*place.id).collect::<Vec<_>>(),
        ["1001", "1131", "3055", "1000"]
    );
    assert_eq!(places(&d93a, "BGM", "C002"), [1]);
    assert_eq!(places(&d93a, "BGM", "1001"), [0; 0]);
    // A maximum of more than five digits, a trigger that occurs once in its group.
    let most = |nodes: &[Node]| nodes.iter().filter_map(|node| node.max).max();
    let orders = d01b.documents.iter().find(|one| one.kind == "INVOIC").expect("INVOIC");
    assert_eq!(most(&orders.nodes), Some(9_999_999));
    for document in d93a.documents.iter().chain(&d01b.documents) {
        triggers_are_required_once(document, &document.nodes);
    }
    // The only dependency note.
    let conditions = release(&folder, "d21b").directory.segments["TDT"].conditions.clone();
    assert_eq!(conditions.iter().map(ToString::to_string).collect::<Vec<_>>(), ["D5(04,03)"]);
    // D.93A has no code lists, and D.96A's two files are both read.
    assert!(d93a.directory.codes["1001"].contains_key("220") && d93a.directory.codes["8053"].contains_key("CN"));
    assert!(d96a.directory.codes["1001"].contains_key("220") && d96a.directory.codes["8053"].contains_key("CN"));
    // Incoterms are UNECE's recommendation 5: the two codes of the directory do not close the element.
    assert!(!d01b.directory.codes.contains_key("4053") && d01b.directory.elements.contains_key("4053"));
    // Tables without sections: UNS says where they begin.
    for (imported, kind, detail, summary) in
        [(&d93a, "ORDERS", "LIN", "UNS"), (&d93a, "DELFOR", "UNS", "UNS"), (&d93a, "PARTIN", "UNS", "UNT")]
    {
        let document = imported.documents.iter().find(|one| one.kind == kind).expect("it");
        let first = |area: Area| document.nodes.iter().find(|node| node.area == area).map(|node| node.tag.as_str());
        assert_eq!(first(Area::Detail), Some(detail), "{kind}");
        assert_eq!(first(Area::Summary).or(Some("UNT")), Some(summary), "{kind}");
    }
}

fn triggers_are_required_once(document: &Document, nodes: &[Node]) {
    for body in nodes.iter().filter_map(|node| node.body.as_ref()) {
        let trigger = &body.nodes[0];
        // D.93A's SANCRT says of one trigger that it occurs nine times.
        let most = if [&*document.version, &*document.kind, &*body.label] == ["d93a", "SANCRT", "SG5"] { 9 } else { 1 };
        let fits = trigger.max == Some(most) && trigger.usage.letter() == 'R' && trigger.body.is_none();
        assert!(fits, "{} {}: {trigger:?}", document.kind, body.path);
        triggers_are_required_once(document, &body.nodes);
    }
}

#[test]
fn every_listed_type_loads_with_loops_of_names_of_their_own() {
    let library = Library::new(None);
    let all = library.list();
    assert!(all.len() > 1_800, "only {} types packed", all.len());
    for [standard, version, kind] in all {
        let document = library.document(&standard, &version, &kind).unwrap_or_else(|error| panic!("{error}"));
        let directory = library.directory(&standard, &version).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(library.name(&standard, &version, &kind), Ok(document.name.clone()), "{version}/{kind}");
        assert!(!document.name.is_empty(), "{version}/{kind} has no name");
        if document.markup.is_some() {
            continue; // its nodes are made of contents without end, which `tests/contents.rs` walks
        }
        let mut paths = BTreeSet::new();
        loops(&document.nodes, &mut |node| {
            let body = node.body.as_ref().expect("a loop");
            assert!(paths.insert((node.area, body.path.clone())), "{version}/{kind}: {} twice", body.path);
        });
        segments(&document.nodes, &mut |tag| {
            assert!(directory.segments.contains_key(tag), "{version}/{kind}: {tag} is not defined");
        });
    }
}

fn loops(nodes: &[Node], each: &mut impl FnMut(&Node)) {
    for node in nodes.iter().filter(|node| node.body.is_some()) {
        each(node);
        node.body.iter().for_each(|body| loops(&body.nodes, each));
    }
}

fn segments(nodes: &[Node], each: &mut impl FnMut(&str)) {
    for node in nodes {
        each(&node.tag);
        node.body.iter().for_each(|body| segments(&body.nodes, each));
    }
}

#[test]
fn the_second_look_at_a_definition_reads_nothing() {
    let library = Library::new(None);
    for (standard, version, kind) in [("x12", "005010", "837"), ("edifact", "d21b", "GOVCBR")] {
        let first = library.in_syntax(standard, version, kind, "3").expect("packed");
        let second = library.in_syntax(standard, version, kind, "3").expect("packed");
        assert!(Arc::ptr_eq(&first.0, &second.0) && Arc::ptr_eq(&first.1, &second.1));
    }
}

#[test]
fn a_first_document_reads_only_the_definitions_it_asks_for() {
    for (file, standard, version) in
        [("x12/004010/850/plain", "x12", "004010"), ("edifact/d96a/ORDERS/plain", "edifact", "d96a")]
    {
        let library = Library::new(None);
        let bytes = fs::read(root().join("fixtures").join(file).join("in.edi")).expect("a fixture");
        let reports = Inspection::new(&library).whole(&bytes[..], Limits::default()).expect("memory reads");
        assert!(!reports.is_empty());
        let directory = library.directory(standard, version).expect("packed");
        for (what, read, all) in [
            ("segments", directory.segments.read(), directory.segments.len()),
            ("elements", directory.elements.read(), directory.elements.len()),
            ("code lists", directory.codes.read(), directory.codes.len()),
        ] {
            assert!(read > 0 && read * 4 < all, "{file}: {read} of {all} {what} were read");
        }
    }
    let library = Library::new(None);
    let order = library.document("ubl", "2.1", "Order").expect("packed");
    let contents = &order.markup.as_ref().expect("XML").contents;
    let read = contents.read();
    let all = contents.all().count();
    assert!(read > 0 && read * 2 < all, "{read} of {all} contents were read");
}

#[test]
fn err_unknown_and_malformed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path: &Path = &folder.path().join("x12/004010");
    fs::create_dir_all(path).expect("a folder");
    fs::write(
        path.join("850.yaml"),
        "standard: x12\nversion: \"004010\"\ntype: \"850\"\nname: Order\nheading:\n  - ST M 1\n",
    )
    .expect("a file");
    let library = Library::new(Some(folder.path()));
    let error = library.document("x12", "004010", "850").expect_err("M is no usage of the notation");
    assert_eq!(error.to_string(), "x12/004010/850.yaml: ST M 1: expected a usage (R, O, C or U), found M");
    let error = library.document("x12", "004010", "codes").expect_err("no document type");
    assert_eq!(error, LoadError::Unknown("x12/004010/codes".into()));
}

/// The first document of an interchange, judged.
fn judged(text: &str) -> DocumentReport {
    let library = Library::new(None);
    let reports = Inspection::new(&library).whole(text.as_bytes(), Limits::default()).expect("memory reads");
    let documents = reports.into_iter().flat_map(|report| report.groups).flat_map(|group| group.documents);
    documents.into_iter().next().expect("a document")
}

fn x12(version: &str, kind: &str) -> String {
    format!(
        "ISA*00*          *00*          *ZZ*A              *ZZ*B              *261124*0915*U*00401*000000001*0*P*>~\
         GS*PO*A*B*20261124*0915*1*X*{version}~ST*{kind}*0001~SE*2*0001~GE*1*1~IEA*1*000000001~"
    )
}

fn edifact(syntax: &str, header: &str) -> String {
    format!("UNB+UNOC:{syntax}+A+B+261124:0915+1'UNH+{header}'BGM+220+1'UNT+3+1'UNZ+1+1'")
}

fn of(report: &DocumentReport, fault: Fault) -> Vec<&Diagnostic> {
    report.faults.iter().filter(|one| one.fault == fault).collect()
}

#[test]
fn a_version_that_is_not_there_gives_way_to_the_nearest_and_it_is_told() {
    let orders = |version: &str| edifact("3", &format!("1+ORDERS:{version}:UN"));
    for (text, used, asked) in [
        (x12("003040", "850"), "004010", Some("003040")),
        (x12("004010", "850"), "004010", None),
        (x12("004010VICS", "850"), "004010", None),
        (x12("004030", "850"), "004010", Some("004030")),
        (x12("005010X222A1", "837"), "005010", None),
        (x12("006020", "850"), "005010", Some("006020")),
        (orders("S:93A"), "d93a", Some("s93a")),
        (orders("1:911"), "d93a", Some("1911")),
        (orders("2:912"), "d93a", Some("2912")),
        (orders("D:96A"), "d96a", None),
        (orders("D:96B"), "d96a", Some("d96b")),
        (orders("D:05A"), "d01b", Some("d05a")),
        (orders("D:21B"), "d21b", None),
        (orders("D:24A"), "d24a", None),
        (orders("D:25A"), "d24a", Some("d25a")),
        (edifact("3", "1+GOVCBR:D:01B:UN"), "d20b", Some("d01b")),
    ] {
        let report = judged(&text);
        assert_eq!(report.version, used, "{text}");
        let told = of(&report, Fault::VersionNearest);
        assert_eq!(told.first().map(|one| one.found.as_str()), asked, "{text}");
        if let Some(warning) = told.first() {
            assert_eq!((told.len(), warning.severity), (1, Severity::Warning));
            assert!(warning.expected.contains(used), "{}", warning.message());
        }
        let releases = report.faults.iter().filter(|one| one.fault == Fault::CodeUnknown && one.tag == "UNH");
        assert_eq!(releases.count(), 0, "no release is refused as a code: {text}");
    }
}

#[test]
fn err_unknown_type_names_the_near_ones() {
    for (text, near) in [
        (x12("004010", "85O"), "did you mean 85"),
        (edifact("3", "1+ORDRES:D:96A:UN"), "did you mean ORDERS?"),
        (edifact("3", "1+QWERTZ:D:96A:UN"), "there are APERAK"),
    ] {
        let report = judged(&text);
        let [unknown] = of(&report, Fault::DocumentTypeUnknown)[..] else { panic!("{:?}", report.faults) };
        assert!(unknown.message().contains(near), "{}", unknown.message());
    }
}

#[test]
fn the_header_of_a_message_is_as_its_syntax_version_has_it() {
    let faults = |syntax: &str, header: &str| {
        let report = judged(&edifact(syntax, header));
        let in_header = report.faults.into_iter().filter(|one| one.tag == "UNH" && one.severity == Severity::Error);
        in_header.map(|one| (one.fault, one.place)).collect::<Vec<_>>()
    };
    let scenario = "1+ORDERS:D:01B:UN:EAN010:7:AA++1+SUBSET:1+GUIDE:1";
    assert_eq!(faults("4", scenario), []);
    let too_many = |place: &str| (Fault::ElementTooMany, place.to_owned());
    let surplus = ["UNH.02.6", "UNH.02.7", "UNH.05", "UNH.06"].map(too_many);
    for syntax in ["1", "2", "3"] {
        assert_eq!(faults(syntax, scenario), surplus, "syntax {syntax}");
    }
    // The release (0054) may be left out in syntax 1 alone.
    assert_eq!(faults("1", "1+ORDERS:2::UN"), []);
    for syntax in ["2", "3", "4"] {
        assert_eq!(
            faults(syntax, "1+ORDERS:2::UN"),
            [(Fault::ElementMissing, "UNH.02.3".to_owned())],
            "syntax {syntax}"
        );
    }
}

/// C076 occurs three times in COM from D.99B on: separated by `*` in syntax 4, as elements of their own before.
#[test]
fn the_last_element_repeats_as_the_syntax_version_repeats() {
    let faults = |syntax: &str, numbers: &str| {
        let text = format!(
            "UNB+UNOC:{syntax}+A+B+261124:0915+1'UNH+1+ORDERS:D:01B:UN'BGM+220+1+9'DTM+137:20261124:102'NAD+BY+1::9'\
             CTA+IC'COM+{numbers}'UNT+7+1'UNZ+1+1'"
        );
        let found = judged(&text).faults.into_iter().filter(|one| one.tag == "COM" && one.severity == Severity::Error);
        found.map(|one| (one.fault, one.place)).collect::<Vec<_>>()
    };
    assert_eq!(faults("3", "1:TE+2:TE+3:TE"), []);
    assert_eq!(faults("3", "1:TE+2:TE+3:TE+4:TE"), [(Fault::ElementTooMany, "COM.04".to_owned())]);
    assert_eq!(faults("3", "1:TE+2:QQ"), [(Fault::CodeUnknown, "COM.02.2".to_owned())]);
    assert_eq!(faults("4", "1:TE*2:TE*3:TE"), []);
    assert_eq!(faults("4", "1:TE*2:TE*3:TE*4:TE"), [(Fault::RepetitionTooMany, "COM.01".to_owned())]);
    assert_eq!(faults("4", "1:TE+2:TE"), [(Fault::ElementTooMany, "COM.02".to_owned())]);
}

/// D.97A has no mapping: its orders are read as D.96A's, which is the nearest that has one, and it is told.
#[test]
fn a_version_without_a_mapping_is_read_by_the_nearest_that_has_one() {
    let rules = Rules::new(None, None);
    let bytes = fs::read(root().join("fixtures/edifact/d96a/ORDERS/plain/in.edi")).expect("a fixture");
    let mapped = String::from_utf8(bytes).expect("UTF-8");
    let unmapped = mapped.replace("ORDERS:D:96A", "ORDERS:D:97A");
    let read = |text: &str| {
        let (mut inspection, mut found) = (Inspection::new(&rules.library), None);
        let mut reader = Reader::new(text.as_bytes(), Limits::default());
        while let Some(piece) = reader.next().expect("memory reads") {
            if let Some(placed) = inspection.take(&piece) {
                found = Some((placed.document.version.clone(), canonicalise(&rules, &placed, &piece.run)));
            }
        }
        found.expect("a document")
    };
    let ((version, (entities, findings)), (other, (same, more))) = (read(&mapped), read(&unmapped));
    assert_eq!([version.as_str(), other.as_str()], ["d96a", "d97a"]);
    assert_eq!(entities.len(), 1);
    assert_eq!(entities, same);
    let told: Vec<_> = more.iter().filter(|one| one.fault == Fault::VersionNearest).collect();
    assert_eq!((told.len(), findings.len() + 1), (1, more.len()));
    assert!(told[0].message().contains("d96a, whose mapping was used"), "{}", told[0].message());
}
