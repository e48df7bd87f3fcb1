//! Acknowledgments as partners and people meet them: what is sent when an interchange comes again or is held, and what
//! becomes of answers that are awaited. The rules of each kind on the wire are held by `tests/acknowledge.rs`.

use super::edi::{self, Order, control_of, order};
use super::peer::{Peer, Post};
use super::stage::{Stage, resources};
use serde_json::Value;

async fn stage() -> (Stage, Peer, Peer) {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    (stage, retailer, supplier)
}

/// The agreement of what North Stores sends, with other keys.
fn orders_in(keys: &str) -> String {
    format!(
        "kind: agreement\nname: northstores-orders\nway: in\npartner: northstores\ndocument: x12/004010/850\n{keys}\n"
    )
}

const ALWAYS: &str = "ack: { functional: always, channel: northstores-out }";

/// An instance where the agreement of what comes in has these keys.
async fn stage_with(keys: &str) -> (Stage, Peer, Peer) {
    let (stage, retailer, supplier) = stage().await;
    stage.apply(&orders_in(keys));
    (stage, retailer, supplier)
}

fn text(post: &Post) -> String {
    String::from_utf8_lossy(&post.body).replace('\n', "")
}

/// What a partner got, once there are so many posts.
async fn posts(stage: &Stage, peer: &Peer, count: usize) -> Vec<Post> {
    let found = || async { Some(peer.posts()).filter(|posts| posts.len() == count) };
    stage.until(&format!("{count} posts"), found).await
}

#[tokio::test]
async fn rule_9_a_repeat_is_refused_by_ta1_025_and_gets_no_second_997() {
    let (stage, retailer, supplier) = stage_with(ALWAYS).await;
    let first = stage.send(order("4711", 1)).await;
    stage.reaches(&first, "split").await;
    let again = stage.send(order("4711", 1)).await;
    let shown = stage.reaches(&again, "duplicate").await;
    assert_eq!(shown["transmission"]["duplicate_of"], first.as_str(), "{shown:#}");
    let posts = posts(&stage, &retailer, 2).await;
    let ta1 = posts.iter().map(text).find(|text| text.contains("~TA1*")).expect("a TA1");
    assert!(ta1.contains("~TA1*000000001*261124*0915*R*025~IEA*0*"), "{ta1}");
    assert_eq!(supplier.orders().len(), 1);
    stage.balanced().await;
}

#[tokio::test]
async fn rule_9_a_repeat_may_be_answered_with_the_stored_acknowledgment() {
    let (stage, retailer, supplier) = stage_with(&format!("{ALWAYS}\nduplicate: answer")).await;
    let first = stage.send(order("4711", 1)).await;
    stage.reaches(&first, "split").await;
    stage.deliveries("delivered", 2).await;
    for round in 2..=3 {
        let again = stage.send(order("4711", 1)).await;
        stage.reaches(&again, "duplicate").await;
        posts(&stage, &retailer, round).await;
        stage.deliveries("delivered", round + 1).await;
    }
    let posts = retailer.posts();
    assert!(posts.iter().all(|post| post.body == posts[0].body), "the same bytes");
    let keys: std::collections::BTreeSet<&str> = posts.iter().map(Post::key).collect();
    assert_eq!(keys.len(), 3, "each by a delivery of its own");
    assert_eq!(supplier.orders().len(), 1);
    stage.balanced().await;
}

#[tokio::test]
async fn rule_9_a_repeat_may_go_on_with_a_warning() {
    let (stage, retailer, supplier) = stage_with(&format!("{ALWAYS}\nduplicate: warn")).await;
    let first = stage.send(order("4711", 1)).await;
    stage.reaches(&first, "split").await;
    let again = stage.send(order("4711", 1)).await;
    let shown = stage.reaches(&again, "split").await;
    assert!(shown.to_string().contains("X12-INTERCHANGE-DUPLICATE"), "{shown:#}");
    let posts = posts(&stage, &retailer, 2).await;
    let noted = posts.iter().map(text).find(|text| text.contains("~TA1*")).expect("a TA1");
    assert!(noted.contains("*E*025~GS*FA*") && noted.contains("~AK9*A*1*1*1~"), "{noted}");
    stage.until("both orders", || async { (supplier.orders().len() == 2).then_some(()) }).await;
    stage.balanced().await;
}

#[tokio::test]
async fn rule_9_where_control_numbers_repeat_the_content_tells_a_repeat() {
    let keys = format!("{ALWAYS}\nduplicate_key: content\nduplicate_window_days: \"30\"");
    let (stage, _retailer, supplier) = stage_with(&keys).await;
    for (number, state) in [("4711", "split"), ("4712", "split"), ("4711", "duplicate")] {
        let id = stage.send(order(number, 1)).await;
        stage.reaches(&id, state).await;
    }
    stage.until("both orders", || async { (supplier.orders().len() == 2).then_some(()) }).await;
    stage.balanced().await;
}

#[tokio::test]
async fn rule_9_an_edifact_repeat_is_refused_by_contrl_26() {
    let (stage, retailer, supplier) = stage().await;
    stage.apply(
        "{kind: channel, name: lamps-in, transport: http, way: in, auth: token, partners: [lamps]}\n---\n\
         {kind: agreement, name: lamps-in, way: in, partner: lamps, document: edifact/d96a/ORDERS, \
         ack: {channel: lamps-out}}\n---\n\
         {kind: agreement, name: stores-out, way: out, partner: northstores, document: x12/004010/850, \
         channel: northstores-out, envelope: {sender: \"ZZ:PORTOLAN\", receiver: \"ZZ:NORTHSTORES\"}}\n---\n\
         {kind: route, name: back, from: lamps-in, to: stores-out}\n",
    );
    let token = stage.new_token("lamps-in");
    stage.send(order("4711", 1)).await;
    let orders = posts(&stage, &supplier, 1).await.remove(0);
    let (us, them) = ("4098765000003:14", "4012345000030:14");
    let back = text(&orders).replace(&format!("{us}+{them}"), &format!("{them}+{us}"));
    for _ in 0..2 {
        let url = format!("{}/in/lamps-in", stage.partner);
        let answer = stage.client.post(url).bearer_auth(&token).body(back.clone()).send().await.expect("an answer");
        let id = answer.json::<Value>().await.expect("JSON")["transmission"].as_str().expect("an id").to_owned();
        let rests =
            |shown: &Value| ["split", "duplicate"].contains(&shown["transmission"]["state"].as_str().unwrap_or(""));
        let path = format!("/api/v1/transmissions/{id}");
        stage.until("an end", || async { Some(stage.get(&path).await).filter(rests) }).await;
    }
    let posts = posts(&stage, &supplier, 3).await;
    let refused = posts.iter().map(text).find(|text| text.contains("+4+26")).expect("a CONTRL");
    assert!(refused.contains("+4+26+UNB+6'UNT+3+1'"), "{refused}");
    assert!(posts.iter().map(text).any(|text| text.contains("+7'UNT+3+1'")), "the first was accepted");
    stage.until("one order back", || async { (retailer.orders().len() == 1).then_some(()) }).await;
    stage.balanced().await;
}

#[tokio::test]
async fn an_interchange_for_somebody_else_is_refused_by_ta1_009() {
    let (stage, retailer, supplier) = stage_with(&format!("{ALWAYS}\nenvelope: {{ receiver: \"ZZ:US\" }}")).await;
    let id = stage.send(order("4711", 1)).await;
    let shown = stage.reaches(&id, "split").await;
    assert_eq!(shown["documents"][0]["code"], "X12-INTERCHANGE-RECEIVER", "{shown:#}");
    let ta1 = text(&posts(&stage, &retailer, 1).await[0]);
    assert!(ta1.contains("*R*009~IEA*0*"), "{ta1}");
    assert!(supplier.orders().is_empty());
    stage.balanced().await;
}

#[tokio::test]
async fn rule_10_a_held_interchange_is_not_answered_and_alarms_before_the_senders_clock_ends() {
    let keys = "ack: { functional: always, channel: northstores-out, within_minutes: \"60\" }";
    let (stage, retailer, _supplier) = stage_with(keys).await;
    let body = edi::written(&Order { sender: "SOUTHSTORES", ..Order::default() });
    let id = stage.send(body).await;
    stage.reaches(&id, "held").await;
    let status = stage.get("/api/v1/status").await;
    let held = &status["unanswered"][0];
    assert_eq!((held["transmission_id"].as_str(), held["urgency"].as_str()), (Some(&*id), Some("alarm")), "{status:#}");
    let metrics = stage.client.get(format!("{}/metrics", stage.admin)).send().await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    assert!(metrics.contains("portolan_held_unanswered{urgency=\"alarm\"} 1"), "{metrics}");
    assert!(stage.done(&["status"], "").contains(&format!("{id} is held (PARTNER-UNKNOWN)")));
    stage.apply(&orders_in(ALWAYS));
    stage.reaches(&id, "held").await;
    let status = stage.get("/api/v1/status").await;
    assert_eq!(status["unanswered"][0]["urgency"], "waiting", "a day is the default: {status:#}");
    assert!(retailer.posts().is_empty());
}

#[tokio::test]
async fn rule_10_a_repeat_that_a_person_lets_go_on_is_not_answered_a_second_time() {
    let (stage, retailer, supplier) = stage_with(&format!("{ALWAYS}\nduplicate: hold")).await;
    let first = stage.send(order("4711", 1)).await;
    stage.reaches(&first, "split").await;
    let again = stage.send(order("4711", 1)).await;
    stage.reaches(&again, "held").await;
    stage.done(&["transmission", "release", &again], "");
    stage.reaches(&again, "split").await;
    stage.until("both orders", || async { (supplier.orders().len() == 2).then_some(()) }).await;
    stage.deliveries("delivered", 3).await;
    assert_eq!(retailer.posts().len(), 1, "one 997 for the group");
    stage.balanced().await;
}

#[tokio::test]
async fn rule_7_the_agreement_chooses_when_how_and_for_what() {
    let keys = "ack: { functional: on_error, technical: never, accepted_sets: omit, version_suffix: echo, \
                per: document, channel: northstores-out }";
    let (stage, retailer, _supplier) = stage_with(keys).await;
    let good = stage.send(order("4711", 1)).await;
    stage.reaches(&good, "split").await;
    let bad = stage.send(edi::written(&Order { quantity: "12O", control: 2, ..Order::default() })).await;
    stage.reaches(&bad, "split").await;
    let told = text(&posts(&stage, &retailer, 1).await[0]);
    assert!(told.contains("~AK1*PO*2~AK2*850*0001~AK3*PO1*") && told.contains("~AK9*R*1*1*0~"), "{told}");
}

#[tokio::test]
async fn business_findings_reject_only_where_the_agreement_says_so() {
    let wrong_total =
        |control| String::from_utf8(order("4711", control)).expect("ASCII").replace("CTT*1~", "CTT*9~").into_bytes();
    let (stage, retailer, _supplier) = stage_with(ALWAYS).await;
    let id = stage.send(wrong_total(1)).await;
    let shown = stage.reaches(&id, "split").await;
    assert_eq!(shown["documents"][0]["processing"], "failed", "{shown:#}");
    let told = text(&posts(&stage, &retailer, 1).await[0]);
    assert!(told.contains("~AK5*A~AK9*A*1*1*1~"), "{told}");
    stage.apply(&orders_in("ack: { rejects: business, channel: northstores-out }"));
    let id = stage.send(wrong_total(2)).await;
    stage.reaches(&id, "split").await;
    let told = posts(&stage, &retailer, 2).await;
    assert!(told.iter().map(text).any(|told| told.contains("~AK5*R*5~AK9*R*1*1*0~")), "{told:?}");
}

/// The out agreement to the supplier with something expected, and a way back for the supplier.
fn expecting(retailer: &Peer, supplier: &Peer, expect: &str) -> String {
    let yaml = resources(retailer.port, supplier.port);
    let agreement = yaml.split("---\n").find(|one| one.contains("name: lamps-orders")).expect("it").to_owned();
    format!(
        "{agreement}expect: {expect}\n---\n\
         {{kind: channel, name: lamps-in, transport: http, way: in, auth: token, partners: [lamps]}}\n"
    )
}

/// Nobody works today, in the whole zone: an answer is due when work begins again.
#[tokio::test]
async fn a_deadline_is_counted_in_working_time() {
    use portolan::clock::{Clock as _, SystemClock};
    let (stage, retailer, supplier) = stage().await;
    let today = SystemClock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let holidays: Vec<String> =
        std::iter::successors(Some(today), |day| day.tomorrow().ok()).take(2).map(|day| format!("\"{day}\"")).collect();
    let calendar = format!(
        "---\nkind: calendar\nname: rests\ntime_zone: UTC\ndays: [mon, tue, wed, thu, fri, sat, sun]\nfrom: \"09:00\"\n\
         holidays: [{}]\n",
        holidays.join(", ")
    );
    let wanted = "[{ kind: contrl, within_minutes: \"30\", calendar: rests }]";
    let refused = stage.refused(&expecting(&retailer, &supplier, wanted));
    assert!(refused.contains("expect.calendar: calendar rests is not there"), "{refused}");
    stage.apply(&format!("{}{calendar}", expecting(&retailer, &supplier, wanted)));
    stage.send(order("4711", 1)).await;
    let deadline = stage
        .until("its deadline", || async {
            let rows = stage.list("/api/v1/acks?state=waiting&level=functional").await;
            rows.first()?["deadline"].as_i64()
        })
        .await;
    let due = jiff::Timestamp::from_microsecond(deadline).expect("a time").to_zoned(jiff::tz::TimeZone::UTC);
    let first = today.tomorrow().and_then(jiff::civil::Date::tomorrow).expect("a day");
    assert_eq!((due.date(), due.strftime("%H:%M").to_string()), (first, "09:30".to_owned()));
}

#[tokio::test]
async fn what_is_expected_waits_gets_overdue_and_may_still_come() {
    let (stage, retailer, supplier) = stage().await;
    stage.apply(&expecting(&retailer, &supplier, "[{ kind: contrl, within_minutes: \"0\" }]"));
    let token = stage.new_token("lamps-in");
    stage.send(order("4711", 1)).await;
    let orders = posts(&stage, &supplier, 1).await.remove(0);
    assert!(text(&orders).contains("++++1'UNH+"), "UNB 0031 asks for it: {}", text(&orders));
    let overdue = stage
        .until("it to be overdue", || async {
            let rows = stage.list("/api/v1/acks?state=overdue&level=functional").await;
            rows.into_iter().next()
        })
        .await;
    assert!(overdue["deadline"].is_i64() && overdue["kind"] == "contrl", "{overdue:#}");
    let listed = stage.done(&["document", "list", "--ack", "overdue", "--direction", "in"], "");
    assert!(listed.contains("4711"), "{listed}");
    assert!(stage.done(&["status"], "").contains("overdue        1 functional"));
    let metrics = stage.client.get(format!("{}/metrics", stage.admin)).send().await.expect("an answer");
    let metrics = metrics.text().await.expect("text");
    for wanted in ["portolan_acks_overdue_total 1", "portolan_acks{level=\"functional\",state=\"overdue\"} 1"] {
        assert!(metrics.contains(wanted), "{wanted} in\n{metrics}");
    }
    let contrl = format!(
        "UNB+UNOA:2+4012345000030:14+4098765000003:14+261124:1000+1'UNH+1+CONTRL:2:2:UN'\
         UCI+{}+4098765000003:14+4012345000030:14+7'UNT+3+1'UNZ+1+1'",
        control_of(&orders.body)
    );
    let url = format!("{}/in/lamps-in", stage.partner);
    stage.client.post(url).bearer_auth(&token).body(contrl).send().await.expect("an answer");
    let document = stage
        .until("it to be accepted", || async {
            let rows = stage.list("/api/v1/documents?number=4711&direction=in&ack=accepted").await;
            rows.into_iter().next()
        })
        .await;
    for level in ["ack_receipt", "ack_technical", "ack_functional"] {
        assert_eq!(document[level], "accepted", "{level} of {document:#}");
    }
    let id = document["document_id"].as_str().expect("an id");
    let shown = stage.done(&["document", "show", id], "");
    for wanted in ["contrl from them: functional accepted", "http from them: receipt accepted", "997 sent: functional"]
    {
        assert!(shown.contains(wanted), "{wanted} in\n{shown}");
    }
    assert!(supplier.posts().len() == 1, "a CONTRL is answered by nothing");
    stage.balanced().await;
}

/// What a seller answers is its acknowledgment of an order: awaited, overdue, and heard when it comes.
#[tokio::test]
async fn an_order_that_nobody_answers_is_overdue_until_its_response_comes() {
    let (stage, retailer, supplier) = stage().await;
    let wanted = "[{ kind: order_response, within_minutes: \"0\" }]";
    let agreement = expecting(&retailer, &supplier, wanted);
    let refused = stage.refused(&agreement.replace("ORDERS", "INVOIC"));
    assert!(refused.contains("expected order_response with a document of an order only"), "{refused}");
    stage.apply(&format!(
        "{agreement}---\n{{kind: agreement, name: lamps-responses, way: in, partner: lamps, document: edifact/d96a/ORDRSP}}\n\
         ---\n{{kind: agreement, name: northstores-responses, way: out, partner: northstores, document: x12/004010/855, \
         channel: northstores-out, envelope: {{sender: \"ZZ:PORTOLAN\", receiver: \"ZZ:NORTHSTORES\"}}}}\n\
         ---\n{{kind: route, name: responses, from: lamps-responses, to: northstores-responses}}\n"
    ));
    let token = stage.new_token("lamps-in");
    stage.send(order("4711", 1)).await;
    posts(&stage, &supplier, 1).await;
    let overdue = async || stage.list("/api/v1/acks?state=overdue&level=application").await;
    let row = stage.until("it to be overdue", || async { overdue().await.into_iter().next() }).await;
    assert_eq!(row["kind"], "order_response", "{row:#}");
    let respond = async |control: u32, number: &str, line: &str| {
        let response = format!(
            "UNB+UNOC:3+4012345000030:14+4098765000003:14+261125:1015+{control}'UNH+1+ORDRSP:D:96A:UN'\
             BGM+231+A-{control}+9'DTM+137:20261125:102'RFF+ON:{number}'LIN+1+{line}+0012345678905:EN'\
             QTY+21:120:EA'UNS+S'UNT+8+1'UNZ+1+{control}'"
        );
        let url = format!("{}/in/lamps-in", stage.partner);
        let posted = stage.client.post(url).bearer_auth(&token).body(response).send().await.expect("an answer");
        let kept: Value = posted.json().await.expect("JSON");
        let kept = kept["transmission"].as_str().expect("an id").to_owned();
        stage.reaches(&kept, "split").await;
        stage.list("/api/v1/documents?number=4711&direction=in").await.remove(0)["ack_application"].clone()
    };
    // Of another order, which is not ours.
    assert_eq!(respond(1, "4799", "5").await, "overdue");
    assert_eq!(respond(2, "4711", "5").await, "accepted");
    assert!(overdue().await.is_empty());
    assert_eq!(respond(3, "4711", "7").await, "rejected");
    let sent = stage.list("/api/v1/documents?number=4711&direction=out").await.remove(0);
    let shown = stage.done(&["document", "show", sent["document_id"].as_str().expect("an id")], "");
    assert!(shown.contains("order_response from them: application rejected"), "{shown}");
    assert!(stage.list("/api/v1/acks/unmatched").await.is_empty(), "responses to orders of others are no troubles");
    stage.balanced().await;
}

#[tokio::test]
async fn a_repeat_of_an_answer_is_no_later_word() {
    let (stage, retailer, supplier) = stage().await;
    stage.apply(&expecting(&retailer, &supplier, "{ kind: contrl, within_minutes: \"60\" }"));
    stage.send(order("4711", 1)).await;
    let orders = posts(&stage, &supplier, 1).await.remove(0);
    let contrl = |number: u32, action: &str| {
        format!(
            "UNB+UNOA:2+4012345000030:14+4098765000003:14+261124:1000+{number}'UNH+1+CONTRL:2:2:UN'\
             UCI+{}+4098765000003:14+4012345000030:14+{action}'UNT+3+1'UNZ+1+{number}'",
            control_of(&orders.body)
        )
    };
    let stands = async || {
        let made = stage.list("/api/v1/documents?number=4711&direction=out").await.remove(0);
        made["ack_technical"].as_str().unwrap_or_default().to_owned()
    };
    for (number, action, state, comes_to) in [
        (1, "4+29", "split", "rejected"),
        (2, "7", "split", "accepted"),
        (1, "4+29", "duplicate", "accepted"),
        (3, "4+29", "split", "rejected"),
    ] {
        let id = stage.send_over("lamps-in", contrl(number, action)).await;
        stage.reaches(&id, state).await;
        assert_eq!(stands().await, comes_to, "{number} {action}");
    }
    stage.balanced().await;
}

#[tokio::test]
async fn a_2xx_is_the_receipt_and_the_clock_begins_with_it() {
    let (retailer, supplier) = (Peer::start(&[]).await, Peer::start(&[super::peer::Answer::Later(3600)]).await);
    let stage = Stage::with(&retailer, &supplier, "").await;
    stage.apply(&expecting(&retailer, &supplier, "{ kind: contrl, within_minutes: \"60\" }"));
    stage.send(order("4711", 1)).await;
    let waiting = stage.deliveries("retry_wait", 1).await.remove(0);
    let awaited = stage.list("/api/v1/acks?state=waiting").await;
    assert!(awaited.len() == 1 && awaited[0]["deadline"].is_null(), "{awaited:#?}");
    stage.done(&["delivery", "release", waiting["delivery_id"].as_str().expect("an id")], "");
    stage.deliveries("delivered", 2).await;
    let awaited = stage.list("/api/v1/acks?state=waiting").await;
    assert!(awaited[0]["deadline"].is_i64(), "{awaited:#?}");
    let made = stage.list("/api/v1/documents?number=4711&direction=out").await.remove(0);
    assert_eq!((made["ack_receipt"].as_str(), made["ack"].as_str()), (Some("accepted"), Some("waiting")), "{made:#}");
}
