//! Folders of this machine.

use super::*;

fn pickup(ground: &Ground, pickup: &str) -> String {
    let folder = ground.path("in");
    orders_in(&format!("transport: folder\nfolder: {}\npickup: {{ every_seconds: 1, {pickup} }}\n", folder.display()))
}

async fn stage(ground: &Ground, said: &str) -> Stage {
    let stage = Stage::bare(&ground.section()).await;
    stage.apply(&pickup(ground, said));
    stage
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lies_in_a_folder_is_taken_once_and_removed() {
    let ground = Ground::new();
    ground.file("order.edi", &order("4711", 1));
    ground.file("note.txt", b"not meant");
    std::fs::write(ground.path("in").join("half.edi.part"), b"half").expect("written");
    let stage = stage(&ground, "names: [\"*.edi\"], then: delete").await;
    assert_eq!(came(&stage, 1).await, ["order.edi"]);
    until_names(&stage, &ground.path("in"), &["note.txt", "half.edi.part"]).await;
    let rows = transmissions(&stage).await;
    // It is looked at like what comes in by any other way; no route leads on here.
    let known = stage.reaches(rows[0]["transmission_id"].as_str().expect("an id"), "held").await;
    assert_eq!(known["transmission"]["code"], "ROUTE-MISSING", "{known:#}");
    // The same name with other content, and at last the same content again: each is a new file.
    ground.file("order.edi", &order("4712", 2));
    came(&stage, 2).await;
    until_names(&stage, &ground.path("in"), &["note.txt", "half.edi.part"]).await;
    ground.file("order.edi", &order("4712", 2));
    came(&stage, 3).await;
    until_names(&stage, &ground.path("in"), &["note.txt", "half.edi.part"]).await;
    assert_eq!(numbers(&stage).await, ["4711", "4712", "4712"]);
    let now = state(&stage).await;
    assert_eq!((now["last"]["name"].as_str(), now["unsettled"].as_i64()), (Some("order.edi"), Some(0)), "{now:#}");
    assert_eq!(now["last"]["settled"], "removed");
    assert!(!stage.log().contains("order.edi"), "no name of a partner in the log");
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_channel_that_is_paused_does_not_look() {
    let ground = Ground::new();
    let stage = stage(&ground, "then: delete").await;
    looked_twice(&stage).await;
    stage.done(&["pause", "channel", "northstores-in"], "");
    tokio::time::sleep(Duration::from_millis(1500)).await;
    ground.file("order.edi", &order("4711", 1));
    tokio::time::sleep(Duration::from_millis(3500)).await;
    assert_eq!(ground.names("in"), BTreeSet::from(["order.edi".to_owned()]), "it lies there");
    assert!(transmissions(&stage).await.is_empty());
    stage.done(&["resume", "channel", "northstores-in"], "");
    assert_eq!(came(&stage, 1).await, ["order.edi"]);
    until_names(&stage, &ground.path("in"), &[]).await;
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_still_grows_is_not_taken() {
    let ground = Ground::new();
    let stage = stage(&ground, "then: delete").await;
    looked_twice(&stage).await;
    let whole = order("4711", 1);
    let path = ground.path("in").join("slow.edi");
    // A look each second finds it changed each time.
    for part in 1..=8 {
        std::fs::write(&path, &whole[..whole.len() * part / 8]).expect("written");
        assert!(part == 8 || transmissions(&stage).await.is_empty(), "taken in half");
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    came(&stage, 1).await;
    assert_eq!(transmissions(&stage).await[0]["size"], whole.len());
    assert_eq!(numbers(&stage).await, ["4711"]);
    stage.balanced().await;
}

/// Killed when a file was taken and lies there still: who writes another under its name is waited for like anybody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_grows_under_the_name_of_one_that_was_taken_is_not_taken() {
    let ground = Ground::new();
    let mut stage = stage(&ground, "then: delete").await;
    stage.kill();
    stage.start_again(&[("PORTOLAN_FAIL_POINT", "pickup.after_commit:1")]);
    ground.file("order.edi", &order("4711", 1));
    stage.dies("pickup.after_commit").await;
    let (whole, path) = (order("4712", 2), ground.path("in").join("order.edi"));
    std::fs::write(&path, &whole[..whole.len() / 8]).expect("written");
    stage.start_again(&[]);
    for part in 2..=8 {
        tokio::time::sleep(Duration::from_millis(400)).await;
        assert_eq!(transmissions(&stage).await.len(), 1, "taken in half");
        std::fs::write(&path, &whole[..whole.len() * part / 8]).expect("written");
    }
    came(&stage, 2).await;
    until_names(&stage, &ground.path("in"), &[]).await;
    assert_eq!(numbers(&stage).await, ["4711", "4712"]);
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_waits_for_its_mark_and_both_go() {
    let ground = Ground::new();
    let stage = stage(&ground, "done: .done, then: delete").await;
    ground.file("order.edi", &order("4711", 1));
    looked_twice(&stage).await;
    assert!(transmissions(&stage).await.is_empty(), "without its mark it does not count");
    ground.file("order.edi.done", b"");
    assert_eq!(came(&stage, 1).await, ["order.edi"], "and the mark is no file of its own");
    until_names(&stage, &ground.path("in"), &[]).await;
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_moved_or_kept_is_not_taken_again() {
    let ground = Ground::new();
    let stage = stage(&ground, "then: { move: archive }").await;
    for (number, count) in [("4711", 1), ("4712", 2)] {
        ground.file("order.edi", &order(number, count));
        came(&stage, count as usize).await;
        until_names(&stage, &ground.path("in"), &[]).await;
    }
    until_names(&stage, &ground.path("in/archive"), &["order.edi", "order-2.edi"]).await;
    stage.apply(&pickup(&ground, "then: keep"));
    ground.file("stay.edi", &order("4713", 3));
    came(&stage, 3).await;
    looked_twice(&stage).await;
    // Touched, it is the same; with other content it is a new one.
    std::fs::write(ground.path("in").join("stay.edi"), order("4713", 3)).expect("written");
    looked_twice(&stage).await;
    looked_twice(&stage).await;
    came(&stage, 3).await;
    let mut stage = stage;
    stage.kill();
    stage.start_again(&[]);
    looked_twice(&stage).await;
    looked_twice(&stage).await;
    came(&stage, 3).await;
    std::fs::write(ground.path("in").join("stay.edi"), order("4714", 4)).expect("written");
    came(&stage, 4).await;
    assert_eq!(ground.names("in"), ["stay.edi".to_owned()].into());
    assert_eq!(numbers(&stage).await, ["4711", "4712", "4713", "4714"]);
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_taken_is_told_once_and_holds_up_nothing() {
    let ground = Ground::new();
    let stage = Stage::bare(&ground.section()).await;
    let said = pickup(&ground, "then: delete");
    stage.apply(&format!("{said}body_bytes: 2000\n"));
    ground.file("large.edi", &vec![b'x'; 2001]);
    std::os::unix::fs::symlink("/etc/passwd", ground.path("in").join("link.edi")).expect("a link");
    ground.file("order.edi", &order("4711", 1));
    assert_eq!(came(&stage, 1).await, ["order.edi"]);
    looked_twice(&stage).await;
    let now = state(&stage).await;
    let troubles = now["state"]["troubles"].as_array().expect("troubles");
    assert_eq!(troubles.len(), 1, "{now:#}");
    assert!(troubles[0]["reason"].as_str().is_some_and(|told| told.contains("2000 bytes at most")), "{now:#}");
    assert_eq!(stage.log().matches("waits for somebody").count(), 1);
    assert_eq!(ground.names("in"), ["large.edi".to_owned(), "link.edi".to_owned()].into());
    // A folder that is not there, or not to be used, is told with what to do.
    stage.apply(&orders_in("transport: folder\nfolder: /etc\npickup: { every_seconds: 1, then: keep }\n"));
    let told = stage
        .until("it fails", || async {
            let now = state(&stage).await;
            now["state"]["reason"].as_str().map(str::to_owned)
        })
        .await;
    assert!(told.contains("roots of [folder]"), "{told}");
    came(&stage, 1).await;
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_are_not_meant_keep_no_others_out() {
    let ground = Ground::new();
    for number in 0..40_000 {
        std::fs::write(ground.path("in").join(format!("note-{number}.txt")), "").expect("written");
    }
    for number in 1..=20 {
        ground.file(&format!("order-{number:03}.edi"), &order(&format!("B-{number:03}"), number));
    }
    let stage = stage(&ground, "names: [\"*.edi\"], then: delete").await;
    came(&stage, 20).await;
    looked_twice(&stage).await;
    let now = state(&stage).await;
    assert_eq!((now["state"]["cut_since"].is_null(), now["state"]["listed"].as_i64()), (true, Some(0)), "{now:#}");
    assert_eq!(ground.names("in").len(), 40_000);
    stage.balanced().await;
}

/// The codes of the alarms of pick-ups that stand.
async fn alarms(stage: &Stage) -> BTreeSet<String> {
    let rows = stage.list("/api/v1/alarms?alert=pickup&standing=true").await;
    rows.iter().map(|one| one["code"].as_str().unwrap_or_default().to_owned()).collect()
}

async fn until_alarms(stage: &Stage, expected: &[&str]) {
    let expected: BTreeSet<String> = expected.iter().map(|&code| code.to_owned()).collect();
    stage.until(&format!("alarms {expected:?}"), || async { (alarms(stage).await == expected).then_some(()) }).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_never_seen_or_has_no_fit_name_is_told_until_it_is_over() {
    let ground = Ground::new();
    let stage = Stage::bare(&format!("{}[alert]\nlook_seconds = 1\n", ground.section())).await;
    stage.apply("kind: alert\nname: pickup\nwatch: pickup\nminutes: \"0\"\n");
    let unfit: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(b"caf\xE9.edi");
    let unfit = [ground.path("in").join(unfit), ground.path("in").join("order\t2.edi")];
    for (path, number) in unfit.iter().zip(1..) {
        std::fs::write(path, order(&format!("U-{number}"), number)).expect("written");
    }
    std::fs::write(ground.path("in").join("a\tnote.txt"), "not meant").expect("written");
    stage.apply(&pickup(&ground, "names: [\"*.edi\"], then: delete"));
    until_alarms(&stage, &["FILES"]).await;
    let shown = stage.done(&["channel", "pickups"], "");
    assert!(shown.contains("caf\\xe9.edi: expected a name in UTF-8") && shown.contains("order\\t2.edi:"), "{shown}");
    assert!(!shown.contains("note"), "{shown}");
    assert_eq!(stage.log().matches("waits for somebody").count(), 2, "each once");
    assert!(transmissions(&stage).await.is_empty());
    for (path, number) in unfit.iter().zip(1..) {
        std::fs::rename(path, ground.path("in").join(format!("u-{number}.edi"))).expect("renamed");
    }
    came(&stage, 2).await;
    until_alarms(&stage, &[]).await;
    // Files without their mark are never taken, and those behind are not seen.
    for number in 0..20_001 {
        std::fs::write(ground.path("in").join(format!("{number}.edi")), "").expect("written");
    }
    stage.apply(&pickup(&ground, "names: [\"*.edi\"], done: .done, then: delete"));
    until_alarms(&stage, &["LISTING-CUT"]).await;
    let shown = stage.done(&["channel", "pickups"], "");
    assert!(shown.contains("LISTING-CUT since") && shown.contains("more than 20000 files"), "{shown}");
    assert_eq!(stage.log().matches("than are listed at once").count(), 1);
    std::fs::remove_file(ground.path("in").join("7.edi")).expect("removed");
    until_alarms(&stage, &[]).await;
    assert!(!stage.done(&["channel", "pickups"], "").contains("LISTING-CUT"));
    stage.balanced().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_files_come_in_once_each() {
    let ground = Ground::new();
    for number in 1..=200 {
        ground.file(&format!("order-{number:03}.edi"), &order(&format!("B-{number:03}"), number));
    }
    let stage = stage(&ground, "then: delete").await;
    came(&stage, 200).await;
    until_names(&stage, &ground.path("in"), &[]).await;
    let expected: Vec<String> = (1..=200).map(|number| format!("B-{number:03}")).collect();
    assert_eq!(numbers(&stage).await, expected);
    stage.balanced().await;
}
