//! A process that only receives: the product's way from a request to a commit, without workers.

use portolan::clock::{Clock as _, SystemClock};
use portolan::config::Config;
use portolan::engine::Rules;
use portolan::id::SystemRandom;
use portolan::pipeline::receive::HttpReceiver;
use portolan::pipeline::state::Service;
use portolan::store::Store;
use portolan::transport::http::receive::{Pace, ReceiveLimits, router};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// The listener on this data directory, until it is killed.
pub fn serve(data: &str) -> std::process::ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let config = Config::load(Path::new(data)).expect("the instance's configuration");
        let (database, random) = (config.database.clone(), Arc::new(SystemRandom));
        let now = SystemClock.now();
        let opened = Store::open(Path::new(data), database.as_ref(), random, "intake", now).await;
        let (store, _) = opened.expect("the ledger is free");
        let limits = config.limits.clone();
        let service = Service::new(store, Rules::new(None, None), Arc::new(SystemClock), config).await.expect("rules");
        let pace = Pace {
            idle: Duration::from_secs(limits.body_idle_seconds),
            bytes_per_second: limits.body_bytes_per_second,
        };
        let limits = ReceiveLimits { bodies_at_once: limits.bodies_at_once, header_bytes: limits.header_bytes, pace };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        println!("http://{}", listener.local_addr().expect("an address"));
        axum::serve(listener, router(Arc::new(HttpReceiver(service)), None, &limits)).await.expect("it serves");
    });
    0.into()
}
