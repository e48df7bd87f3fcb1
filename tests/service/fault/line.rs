//! A line to a server that fails when a test wants it to: cut after so many bytes, stalled, or taken and never answered.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, copy, copy_bidirectional, sink};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of one connection.
#[derive(Debug, Clone, Copy)]
pub enum Fault {
    /// It is taken, and nobody ever answers.
    Silent,
    /// After so many bytes to the server nothing goes either way any more, and it stays open.
    StallsUp(u64),
    /// It ends after so many bytes to the server.
    CutUp(u64),
    /// It ends after so many bytes from the server.
    CutDown(u64),
}

type Hook = Arc<dyn Fn() + Send + Sync>;

/// A port that leads to a server.
#[derive(Clone)]
pub struct Line {
    pub port: u16,
    faults: Arc<Mutex<VecDeque<Fault>>>,
    struck: Arc<AtomicUsize>,
    at_cut: Hook,
}

impl Line {
    /// The next connections fail like this, one after the other; those after them are well.
    pub async fn to(port: u16, faults: &[Fault]) -> Line {
        Line::hooked(port, faults, Arc::new(|| ())).await
    }

    /// The same; `at_cut` is done in the moment of a cut, before the connection ends.
    pub async fn hooked(port: u16, faults: &[Fault], at_cut: Hook) -> Line {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let own = listener.local_addr().expect("an address").port();
        let faults = Arc::new(Mutex::new(faults.iter().copied().collect()));
        let line = Line { port: own, faults, struck: Arc::default(), at_cut };
        let serving = line.clone();
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let line = serving.clone();
                // A connection that breaks is what it is for.
                tokio::spawn(async move { line.carry(near, port).await });
            }
        });
        line
    }

    /// How many faults struck so far.
    pub fn struck(&self) -> usize {
        self.struck.load(Ordering::SeqCst)
    }

    async fn carry(&self, mut near: TcpStream, port: u16) -> std::io::Result<()> {
        let fault = self.faults.lock().expect("no panic held it").pop_front();
        let limits = match fault {
            Some(Fault::Silent) => {
                self.struck.fetch_add(1, Ordering::SeqCst);
                return copy(&mut near, &mut sink()).await.map(drop);
            }
            Some(Fault::CutDown(bytes)) => Some((u64::MAX, bytes)),
            Some(Fault::CutUp(bytes) | Fault::StallsUp(bytes)) => Some((bytes, u64::MAX)),
            None => None,
        };
        let mut far = TcpStream::connect(("127.0.0.1", port)).await?;
        let (Some(fault), Some((up, down))) = (fault, limits) else {
            return copy_bidirectional(&mut near, &mut far).await.map(drop);
        };
        {
            let ((mut near_in, mut near_out), (mut far_in, mut far_out)) = (near.split(), far.split());
            let (mut from_near, mut from_far) = ((&mut near_in).take(up), (&mut far_in).take(down));
            tokio::select! {
                done = copy(&mut from_near, &mut far_out) => done?,
                done = copy(&mut from_far, &mut near_out) => done?,
            };
            let is_over = from_near.limit() > 0 && from_far.limit() > 0;
            if is_over {
                // It was too short to fail; the next one does.
                self.faults.lock().expect("no panic held it").push_front(fault);
                return Ok(());
            }
        }
        self.struck.fetch_add(1, Ordering::SeqCst);
        if let Fault::StallsUp(_) = fault {
            // What is not read fills the windows; the sender sees no end of the connection.
            tokio::time::sleep(super::super::stage::PATIENCE * 2).await;
        }
        (self.at_cut)();
        Ok(())
    }
}
