//! Resources that change what documents mean: own mappings, lookup tables with what they lack, guides, validity.

use super::edi::{number_of, order};
use super::peer::Peer;
use super::stage::{Stage, resources};

/// Order numbers go through a table; the mapping is the group's, and the partner belongs to it.
fn with_table(retailer: u16, supplier: u16, table: &str) -> String {
    let partner = "name: northstores\nparty_ids: [ZZ:NORTHSTORES]\n";
    let all = resources(retailer, supplier).replace(partner, &format!("{partner}groups: [grocers]\n"));
    assert!(all.contains("grocers"));
    format!(
        "{all}---\nkind: mapping\nname: grocers-850\nbase: x12/004010/850\ngroup: grocers\nrules:\n  \
         number: BEG03 | lookup(orders, theirs, ours)\n---\n{table}"
    )
}

const TABLE: &str =
    "kind: table\nname: orders\ncolumns: [theirs, ours]\ndirections: [theirs to ours, ours to theirs]\n";

#[tokio::test]
async fn a_missing_row_holds_is_listed_and_goes_on_when_the_table_has_it() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    let text = |rows: &str| with_table(retailer.port, supplier.port, &format!("{TABLE}missing: hold\nrows: {rows}\n"));
    let plan = stage.apply(&text("[[4710, OURS-0]]"));
    assert!(plan.contains("over its base: rules.number: BEG03 → BEG03 | lookup(orders, theirs, ours)"), "{plan}");
    let id = stage.send(order("4711", 1)).await;
    let held = stage.reaches(&id, "held").await;
    assert_eq!(held["transmission"]["code"], "LOOKUP-MISSING");
    let reason = held["transmission"]["reason"].as_str().expect("a reason");
    assert!(reason.contains("table orders has no ours for theirs 4711"), "{reason}");
    let listed = stage.done(&["lookups"], "");
    assert!(listed.contains("orders") && listed.contains("4711") && listed.contains("transmissions wait"), "{listed}");
    let rows = stage.list("/api/v1/lookups/missing?table=orders").await;
    assert_eq!((rows.len(), &rows[0]["last_seen_in"]), (1, &serde_json::json!(id)));
    assert!(supplier.orders().is_empty() && retailer.posts().is_empty(), "nothing of it went on");

    stage.apply(&text("[[4710, OURS-0], [4711, OURS-1]]"));
    stage.reaches(&id, "split").await;
    stage.until("the order", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    assert_eq!(number_of(&supplier.orders()[0].body).as_deref(), Some("OURS-1"));
    assert_eq!(stage.done(&["lookups"], ""), "nothing is missing\n");
    stage.balanced().await;
}

#[tokio::test]
async fn rows_come_from_a_file_beside_and_ambiguous_ones_are_refused() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    let file = stage.file(
        "table.yaml",
        &with_table(retailer.port, supplier.port, &format!("{TABLE}missing: error\nrows_file: orders.csv\n")),
    );
    stage.file("orders.csv", "theirs,ours\n4711,A\n4712,A\n");
    let refused = stage.cli(&["apply", &file], "");
    let words = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(3), "{words}");
    assert!(
        words.contains("ambiguous from ours to theirs: ours A is theirs 4711 in row 1 and 4712 in row 2"),
        "{words}"
    );
    stage.file("orders.csv", "theirs,ours\n4711,A\n4712,B\n");
    stage.done(&["apply", &file], "");
    assert!(stage.done(&["export"], "").contains("ours: B"), "the ledger has the rows");
    assert_eq!(stage.done(&["export", "--rows", "orders"], ""), "theirs,ours\n4711,A\n4712,B\n", "and gives them back");
    stage.send(order("4712", 1)).await;
    stage.until("the order", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    assert_eq!(number_of(&supplier.orders()[0].body).as_deref(), Some("B"));
    // Not in the table, and not worth waiting for: the document fails, and the work list says so.
    let id = stage.send(order("4999", 2)).await;
    let split = stage.reaches(&id, "split").await;
    let document = &split["documents"][0];
    assert_eq!(
        (&document["processing"], &document["code"]),
        (&"failed".into(), &"X12-LOOKUP-MISSING".into()),
        "{split:#}"
    );
    let rows = stage.list("/api/v1/lookups/missing").await;
    assert_eq!(rows[0]["first_seen_in"], document["document_id"]);
    stage.file("orders.csv", "theirs,ours\n4711,A\n4712,C\n4999,D\n");
    let plan = stage.done(&["plan", &file], "");
    assert!(plan.contains("rows.4712.ours: B → C") && plan.contains("+ rows.4999.ours: D"), "{plan}");
    stage.done(&["apply", &file], "");
    assert!(stage.list("/api/v1/lookups/missing").await.is_empty());
}

#[tokio::test]
async fn an_agreements_guide_is_followed_or_the_document_fails() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    let text = |severity: &str| {
        let document = "partner: northstores\ndocument: x12/004010/850\n";
        let all = resources(retailer.port, supplier.port).replace(document, &format!("{document}guide: north\n"));
        format!(
            "{all}---\nkind: guide\nname: north\nbase: grocers\nrules:\n  BEG02: {{ codes: [SA, NE] }}\n---\nkind: guide\n\
             name: grocers\nbase: x12/004010/850\nseverity: {severity}\nrules:\n  REF[01=DP]: {{ usage: required, message: \
             name the department }}\n"
        )
    };
    let plan = stage.apply(&text("error"));
    assert!(plan.contains("over its base: rules.BEG02.codes: new: [\"SA\",\"NE\"] (north)"), "{plan}");
    let id = stage.send(order("4711", 1)).await;
    let split = stage.reaches(&id, "split").await;
    let document = &split["documents"][0];
    assert_eq!(
        (&document["processing"], &document["code"]),
        (&"failed".into(), &"X12-GUIDE-USAGE".into()),
        "{split:#}"
    );
    assert!(document["reason"].as_str().is_some_and(|reason| reason.contains("name the department")), "{document:#}");
    stage.apply(&text("warning"));
    stage.send(order("4712", 2)).await;
    stage.until("the order", || async { (supplier.orders().len() == 1).then_some(()) }).await;
}

#[tokio::test]
async fn mistakes_in_mappings_and_guides_name_the_line_of_the_key() {
    let stage = Stage::bare("").await;
    let cases = [
        (
            "kind: mapping\nname: m\nbase: x12/004010/850\nrules:\n  number: BEG03 | dat\n",
            ":5: mapping/m: rules.number",
        ),
        ("kind: mapping\nname: m\nbase: x12/004010/85\n", ":3: mapping/m: base"),
        ("kind: mapping\nname: m\nbase: m\n", "circle: m ← m"),
        ("kind: mapping\nname: m\nbase: x12/004010/850\nrules:\n  number: BEG03 | lookup(t, a, b)\n", "no table t"),
        (
            "kind: guide\nname: g\nbase: x12/004010/850\nrules:\n  BEG: required\n  SDQ: required\n",
            ":6: guide/g: rules.SDQ",
        ),
        ("kind: table\nname: t\ncolumns: [a, b]\ndirections: [a to c]\nrows: []\n", ":4: table/t: directions[1]"),
        ("kind: table\nname: t\ncolumns: [a, b]\nrows_file: gone.csv\n", "gone.csv, which is not there"),
    ];
    for (text, expected) in cases {
        let output = stage.cli(&["plan", &stage.file("wrong.yaml", text)], "");
        let words = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{text}\n{words}");
        assert!(words.contains(expected), "expected {expected:?} for\n{text}\nin {words}");
    }
}

#[tokio::test]
async fn the_envelope_is_written_as_agreed() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let mut stage = Stage::bare("").await;
    let profile = "sender: \"14:4098765000003\", receiver: \"14:4012345000030\", una: never, line_end: none, \
                   password: { secret: lamps-edi }, password_qualifier: AA, application_reference: ORDERS, \
                   priority: A, agreement_id: LAMPS-1, association_code: EAN008, request_ack: 'yes', \
                   first_number: 1000, number_width: 8, document_number_width: 6, receiver_internal: HALL2, \
                   file_name: '{type}-{number}.edi'";
    let plain = "sender: \"14:4098765000003\", receiver: \"14:4012345000030\"";
    let all = resources(retailer.port, supplier.port).replace(plain, profile);
    assert!(all.contains("LAMPS-1"));
    stage.done(&["secret", "set", "lamps-edi"], "PW");
    stage.apply(&all);
    stage.token = stage.new_token("northstores-in");
    stage.send(order("4711", 1)).await;
    stage.until("the order", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    let text = String::from_utf8_lossy(&supplier.orders()[0].body).into_owned();
    let expected = "+00001000+PW:AA+ORDERS+A+1+LAMPS-1'UNH+000001+ORDERS:D:96A:UN:EAN008'";
    assert!(
        text.starts_with("UNB+UNOC:3+4098765000003:14+4012345000030:14:HALL2+") && text.contains(expected),
        "{text}"
    );
    let outs = stage.list("/api/v1/transmissions?direction=out").await;
    let names: Vec<_> = outs.iter().filter_map(|one| one["file_name"].as_str()).collect();
    assert_eq!(names, ["ORDERS-00001000.edi"]);
}

#[tokio::test]
async fn numbers_and_history_of_another_system_are_taken_over() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    let said = stage.done(&["agreement", "seed", "lamps-orders", "--interchange", "5000"], "");
    assert!(said.contains("interchange: next is 5000"), "{said}");
    let back = stage.cli(&["agreement", "seed", "lamps-orders", "--interchange", "4999"], "");
    let words = String::from_utf8_lossy(&back.stderr).into_owned();
    assert!(back.status.code() == Some(6) && words.contains("expected 5000 or more, found 4999"), "{words}");
    let line =
        ["agreement", "seen", "northstores-orders", "-", "--sender", "ZZ:NORTHSTORES", "--receiver", "ZZ:PORTOLAN"];
    assert_eq!(stage.done(&line, "7\n000000008\n"), "2 interchanges noted\n");
    let wrong = line.map(|word| if word == "ZZ:NORTHSTORES" { "ZZ:OTHER" } else { word });
    assert_eq!(stage.cli(&wrong, "7\n").status.code(), Some(3));
    for control in [7, 8] {
        let id = stage.send(order("4711", control)).await;
        stage.reaches(&id, "duplicate").await;
    }
    stage.send(order("4712", 9)).await;
    stage.until("the order", || async { (supplier.orders().len() == 1).then_some(()) }).await;
    assert_eq!(super::edi::control_of(&supplier.orders()[0].body), "5000");
    stage.balanced().await;
}

#[tokio::test]
async fn all_mistakes_of_a_file_are_told_at_once_with_the_nearest_name() {
    let stage = Stage::bare("").await;
    let text = "kind: partner\nname: northstores\nparty_ids: [ZZ:N]\n---\nkind: agreement\nname: a\nway: out\n\
                partner: northstore\ndocument: x12/004010/850\nchannel: c\nenvelope:\n  sender: ZZ:US\n  receiver: ZZ:N\n  \
                una: never\n---\nkind: agreement\nname: b\nway: out\npartner: northstores\ndocument: x12/004010/850\nenvelope:\n  \
                recever: ZZ:N\n";
    let output = stage.cli(&["plan", &stage.file("wrong.yaml", text)], "");
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    for expected in [
        "wrong.yaml:8: agreement/a: partner: partner northstore is not there; did you mean northstores?",
        "wrong.yaml:10: agreement/a: channel: channel c is not there; there is none",
        "wrong.yaml:14: agreement/a: envelope.una: expected in EDIFACT only",
        "wrong.yaml:22: agreement/b: envelope.recever: unknown key recever; did you mean receiver?",
    ] {
        assert!(words.contains(expected), "{expected}\nin {words}");
    }
}

#[tokio::test]
async fn err_a_user_in_an_address_is_refused_with_what_to_do_and_shown_nowhere() {
    let stage = Stage::bare("").await;
    let text = "kind: channel\nname: out\ntransport: http\nway: out\nurl: https://ann:hunter2secret@there.example/in\n\
                proxy: { url: \"https://ann:hunter2secret@proxy.example\" }\n---\nkind: recipient\nname: chat\n\
                post: { url: \"https://ann:hunter2secret@chat.example\" }\n---\nkind: auth\nname: a\noauth2: { client_id: c, \
                client_secret: { secret: s }, token_url: \"https://ann:hunter2secret@token.example\" }\n";
    for command in ["plan", "apply"] {
        let output = stage.cli(&[command, &stage.file("wrong.yaml", text)], "");
        let words = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(!output.status.success(), "{words}");
        for expected in [
            "wrong.yaml:5: channel/out: url: expected an address without a user",
            "name an auth under auth",
            "wrong.yaml:6: channel/out: proxy.url: expected an address without a user",
            "wrong.yaml:10: recipient/chat: post.url: expected an address without a user",
            "auth/a: oauth2.token_url: expected an address without a user",
        ] {
            assert!(words.contains(expected), "{expected}\nin {words}");
        }
        assert!(!words.contains("hunter2secret"), "{words}");
    }
    assert!(!stage.done(&["export"], "").contains("hunter2secret"));
    assert!(!stage.log().contains("hunter2secret"));
}

#[tokio::test]
async fn schemas_are_published_as_they_are_printed() {
    let stage = Stage::bare("").await;
    let printed: serde_json::Value =
        serde_json::from_str(&stage.done(&["export", "--schema", "agreement"], "")).expect("JSON");
    let url = format!("{}/schemas/resource/agreement.json", stage.admin);
    let published = stage.client.get(url).send().await.expect("an answer").json::<serde_json::Value>().await;
    assert_eq!(published.expect("JSON"), printed);
    let url = format!("{}/schemas/resource/pigeon.json", stage.admin);
    assert_eq!(stage.client.get(url).send().await.expect("an answer").status(), 404);
}
