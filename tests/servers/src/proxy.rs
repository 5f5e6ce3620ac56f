//! A TCP proxy on loopback that fails as networks fail: it cuts, or it goes silent.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
    sync::watch,
};

/// What the proxy does at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Forward,
    /// New connections are closed at once, those that were open are dropped.
    Cut,
    /// Connections stay open, and nothing comes through.
    Stall,
}

/// A proxy.
pub struct Proxy {
    address: SocketAddr,
    mode: Arc<watch::Sender<Mode>>,
}

impl Proxy {
    /// In front of this port of the machine.
    pub async fn start(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let mode = Arc::new(watch::channel(Mode::Forward).0);
        let modes = mode.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                tokio::spawn(carry(client, port, modes.subscribe()));
            }
        });
        Self { address, mode }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    pub fn cut(&self) {
        self.mode.send_replace(Mode::Cut);
    }

    pub fn stall(&self) {
        self.mode.send_replace(Mode::Stall);
    }

    pub fn mend(&self) {
        self.mode.send_replace(Mode::Forward);
    }
}

async fn carry(mut client: TcpStream, port: u16, mut mode: watch::Receiver<Mode>) {
    if *mode.borrow() == Mode::Cut {
        return;
    }
    if *mode.borrow() == Mode::Stall {
        // What was accepted in silence never comes alive.
        let _ = mode.wait_for(|mode| *mode == Mode::Cut).await;
        return;
    }
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else { return };
    let failed = tokio::select! {
        _ = copy_bidirectional(&mut client, &mut server) => return,
        failed = mode.wait_for(|mode| *mode != Mode::Forward) => failed.map(|mode| *mode),
    };
    if let Ok(Mode::Stall) = failed {
        let _ = mode.wait_for(|mode| *mode == Mode::Cut).await;
    }
}
