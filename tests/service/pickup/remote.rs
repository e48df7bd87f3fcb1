//! Folders of OpenSSH's server, fetched from and put into.

use super::sshd::Sshd;
use super::*;

fn server(sshd: &Sshd, host_key: &str) -> String {
    server_at(sshd.port, host_key)
}

/// The server, reached over a port.
pub fn server_at(port: u16, host_key: &str) -> String {
    let user = std::env::var("USER").ok().filter(|user| !user.is_empty()).unwrap_or_else(|| "root".to_owned());
    format!(
        "{{ host: 127.0.0.1, port: {port}, user: {user}, key: {{ secret: their-key }}, host_keys: [\"{host_key}\"] }}"
    )
}

pub fn pickup(ground: &Ground, sshd: &Sshd, host_key: &str, said: &str) -> String {
    orders_in(&format!(
        "transport: sftp\nserver: {}\nfolder: {}\nallow_networks: [127.0.0.0/8]\npickup: {{ every_seconds: 1, {said} }}\n",
        server(sshd, host_key),
        ground.path("in").display()
    ))
}

pub async fn stage(ground: &Ground, sshd: &Sshd, resources: &str) -> Stage {
    let stage = Stage::bare(&ground.section()).await;
    stage.done(&["secret", "set", "their-key"], &sshd.user_key());
    stage.apply(resources);
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_on_a_server_that_is_not_fit_is_told() {
    let (ground, sshd) = (Ground::new(), Sshd::start());
    let unfit: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"caf\xE9.edi");
    std::fs::write(ground.path("in").join(unfit), order("4711", 1)).expect("written");
    std::fs::write(ground.path("in").join("a\tnote.txt"), "not meant").expect("written");
    ground.file("order.edi", &order("4712", 2));
    let said = pickup(&ground, &sshd, &sshd.host_key(), "names: [\"*.edi\"], then: delete");
    let stage = stage(&ground, &sshd, &said).await;
    assert_eq!(came(&stage, 1).await, ["order.edi"]);
    let now = state(&stage).await;
    let troubles = now["state"]["troubles"].as_array().expect("troubles");
    assert_eq!(troubles.iter().map(|one| one["name"].as_str()).collect::<Vec<_>>(), [Some("caf\\xe9.edi")], "{now:#}");
    std::fs::remove_file(ground.path("in").join(unfit)).expect("removed");
    looked_twice(&stage).await;
    assert_eq!(state(&stage).await["state"]["troubles"], serde_json::json!([]));
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_on_a_server_is_taken_once_and_removed() {
    let (ground, sshd) = (Ground::new(), Sshd::start());
    // More than is under way at once, and not a multiple of a piece.
    let mut large = order("4711", 1);
    large.resize(3_000_001, b'\n');
    ground.file("large.edi", &large);
    std::os::unix::fs::symlink("/etc/passwd", ground.path("in").join("link.edi")).expect("a link");
    let said = pickup(&ground, &sshd, &sshd.host_key(), "names: [\"*.edi\"], then: delete");
    let stage = stage(&ground, &sshd, &said).await;
    assert_eq!(came(&stage, 1).await, ["large.edi"]);
    until_names(&stage, &ground.path("in"), &["link.edi"]).await;
    let id = transmissions(&stage).await[0]["transmission_id"].as_str().expect("an id").to_owned();
    assert!(stage.content(&id).await == large, "byte by byte");
    for number in 2..=41 {
        ground.file(&format!("order-{number}.edi"), &order(&format!("B-{number}"), number));
    }
    came(&stage, 41).await;
    until_names(&stage, &ground.path("in"), &["link.edi"]).await;
    // By its fingerprint as well, and moved.
    let shown = stage.done(&["channel", "host-keys", &format!("127.0.0.1:{}", sshd.port)], "");
    let fingerprint = shown.split_whitespace().last().expect("a fingerprint").to_owned();
    assert!(shown.starts_with(&sshd.host_key()) && fingerprint.starts_with("SHA256:"), "{shown}");
    std::fs::create_dir(ground.path("in").join("archive")).expect("a folder");
    stage.apply(&pickup(&ground, &sshd, &fingerprint, "names: [\"*.edi\"], then: { move: archive }"));
    ground.file("moved.edi", &order("4712", 50));
    came(&stage, 42).await;
    until_names(&stage, &ground.path("in/archive"), &["moved.edi"]).await;
    until_names(&stage, &ground.path("in"), &["link.edi"]).await;
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_key_and_a_server_that_is_away_are_told() {
    let (ground, mut sshd) = (Ground::new(), Sshd::start());
    ground.file("order.edi", &order("4711", 1));
    let other = "SHA256:hGPr+5y/p2cb/JiWkhLuhGNNhyhdTB8t5OoZo0jI+9k";
    let stage = stage(&ground, &sshd, &pickup(&ground, &sshd, other, "then: delete")).await;
    let fails = |code: &'static str| {
        let stage = &stage;
        async move {
            let found = || async {
                let now = state(stage).await["state"].clone();
                (now["code"] == code).then(|| now["reason"].as_str().unwrap_or_default().to_owned())
            };
            stage.until(code, found).await
        }
    };
    let told = fails("HOST-KEY").await;
    assert!(told.contains(&sshd.host_key()), "{told}");
    let right = sshd.host_key();
    stage.done(&["secret", "set", "their-key"], "no key");
    stage.apply(&pickup(&ground, &sshd, &right, "then: delete"));
    fails("KEY-UNFIT").await;
    let stranger = Sshd::start();
    stage.done(&["secret", "set", "their-key"], &stranger.user_key());
    stage.apply(&pickup(&ground, &sshd, &right, "then: delete, names: [\"*\"]"));
    let told = fails("LOGIN-REFUSED").await;
    assert!(told.contains("key refused"), "{told}");
    stage.apply(&pickup(&ground, &sshd, &right, "then: delete").replace("allow_networks: [127.0.0.0/8]\n", ""));
    let told = fails("ADDRESS-REFUSED").await;
    assert!(told.contains("allow_networks"), "{told}");
    assert!(transmissions(&stage).await.is_empty());
    sshd.stop();
    stage.done(&["secret", "set", "their-key"], &sshd.user_key());
    stage.apply(&pickup(&ground, &sshd, &right, "then: delete"));
    fails("NOT-REACHED").await;
    sshd.start_again();
    assert_eq!(came(&stage, 1).await, ["order.edi"]);
    until_names(&stage, &ground.path("in"), &[]).await;
    assert!(!stage.log().contains("PRIVATE KEY"));
    stage.balanced().await;
}

/// Orders come in from a folder here, and go out to a folder `out`, here or on a server.
pub fn passed_on(ground: &Ground, out: &str) -> String {
    let into = orders_in(&format!(
        "transport: folder\nfolder: {}\npickup: {{ every_seconds: 1, done: .done, then: delete }}\n",
        ground.path("in").display()
    ));
    format!(
        "{into}---
kind: partner
name: lamps
party_ids: [\"14:4012345000030\"]
---
kind: channel
name: lamps-out
way: out
{out}
---
kind: agreement
name: lamps-orders
way: out
partner: lamps
document: edifact/d96a/ORDERS
channel: lamps-out
envelope: {{ sender: \"14:4098765000003\", receiver: \"14:4012345000030\" }}
---
kind: route
name: orders-to-lamps
from: northstores-orders
to: lamps-orders
"
    )
}

pub fn drop_in(ground: &Ground, number: &str, control: u32) {
    ground.file(&format!("{number}.edi"), &order(number, control));
    ground.file(&format!("{number}.edi.done"), b"");
}

/// Killed before and after everything that a delivery into a folder passes: it lies there once, whole, and nothing else.
async fn killed_while_it_is_put(ground: &Ground, mut stage: Stage) {
    let points = [
        "dropped_name.before_commit",
        "dropped_name.after_commit",
        "deliver_sending.before_commit",
        "deliver_sending.after_commit",
        "drop.put",
        "drop.renamed",
        "deliver_result.before_commit",
        "deliver_result.after_commit",
    ];
    let mut expected = BTreeSet::new();
    for (control, point) in (1..).zip(points) {
        stage.kill();
        stage.start_again(&[("PORTOLAN_FAIL_POINT", &format!("{point}:1"))]);
        drop_in(ground, &format!("D-{control}"), control);
        stage.dies(point).await;
        stage.start_again(&[]);
        stage.deliveries("delivered", control as usize).await;
        expected.insert(format!("ORDERS_D-{control}_{control}.edi"));
        assert_eq!(ground.names("out"), expected, "after {point}");
    }
    for name in &expected {
        let bytes = std::fs::read(ground.path("out").join(name)).expect("a file");
        assert!(name.contains(&number_of(&bytes).expect("a number")), "{name}");
    }
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_file_is_put_into_a_folder_it_lies_there_once() {
    let ground = Ground::new();
    let stage = Stage::bare(&ground.section()).await;
    stage.apply(&passed_on(&ground, &format!("transport: folder\nfolder: {}", ground.path("out").display())));
    killed_while_it_is_put(&ground, stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_while_a_file_is_put_onto_a_server_it_lies_there_once() {
    let (ground, sshd) = (Ground::new(), Sshd::start());
    let said = format!(
        "transport: sftp\nserver: {}\nfolder: {}\nallow_networks: [127.0.0.0/8]",
        server(&sshd, &sshd.host_key()),
        ground.path("out").display()
    );
    let stage = stage(&ground, &sshd, &passed_on(&ground, &said)).await;
    killed_while_it_is_put(&ground, stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_there_is_never_replaced_and_refusals_are_parked() {
    let (ground, sshd) = (Ground::new(), Sshd::start());
    std::fs::write(ground.path("out").join("order.edi"), "another's").expect("written");
    let out = |host_key: &str| {
        let (server, folder) = (server(&sshd, host_key), ground.path("out").display().to_string());
        format!(
            "transport: sftp\nserver: {server}\nfolder: {folder}\nallow_networks: [127.0.0.0/8]\nfile_name: order.edi"
        )
    };
    let stage = stage(&ground, &sshd, &passed_on(&ground, &out(&sshd.host_key()))).await;
    for (number, control) in [("4711", 1), ("4712", 2)] {
        drop_in(&ground, number, control);
        stage.deliveries("delivered", control as usize).await;
    }
    let expected = ["order-2.edi", "order-3.edi", "order.edi"].map(str::to_owned);
    assert_eq!(ground.names("out"), expected.into());
    assert_eq!(std::fs::read(ground.path("out").join("order.edi")).expect("there"), b"another's");
    stage.apply(&passed_on(&ground, &out("SHA256:hGPr+5y/p2cb/JiWkhLuhGNNhyhdTB8t5OoZo0jI+9k")));
    drop_in(&ground, "4713", 3);
    let parked = stage
        .until("it is parked", || async {
            let rows = stage.list("/api/v1/deliveries?state=parked").await;
            rows.first().cloned()
        })
        .await;
    assert_eq!(parked["code"], "HOST-KEY", "{parked:#}");
    assert_eq!(ground.names("out").len(), 3);
    stage.balanced().await;
}
