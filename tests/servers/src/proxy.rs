//! A TCP proxy before a server: a test cuts it, stalls it and mends it while clients are in mid-request.

use std::{io, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::{JoinHandle, JoinSet},
};

/// What one read takes.
const CHUNK: usize = 16 * 1024;

#[derive(Clone, Copy, PartialEq)]
enum State {
    Whole,
    Stalled,
    Cut,
}

/// A proxy. Dropped, it is cut for good.
pub struct Proxy {
    address: SocketAddr,
    target: SocketAddr,
    state: watch::Sender<State>,
    serving: Option<JoinHandle<()>>,
}

impl Proxy {
    /// Listens on a free port of the loopback, and forwards to this address.
    pub async fn start(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address");
        let state = watch::Sender::new(State::Whole);
        let serving = Some(tokio::spawn(serve(listener, target, state.subscribe())));
        Self { address, target, state, serving }
    }

    /// Where clients connect; the same after it was mended.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Drops every connection and refuses new ones; both hold when this returns.
    pub async fn cut(&mut self) {
        self.state.send_replace(State::Cut);
        if let Some(serving) = self.serving.take() {
            serving.await.expect("the proxy must not fail");
        }
    }

    /// Accepts, keeps what is open, and forwards nothing.
    pub async fn stall(&mut self) {
        self.listen(State::Stalled).await;
    }

    /// Forwards again, first what was held back.
    pub async fn mend(&mut self) {
        self.listen(State::Whole).await;
    }

    async fn listen(&mut self, state: State) {
        self.state.send_replace(state);
        if self.serving.is_none() {
            let listener = TcpListener::bind(self.address).await.expect("the port of before");
            self.serving = Some(tokio::spawn(serve(listener, self.target, self.state.subscribe())));
        }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.state.send_replace(State::Cut);
    }
}

async fn serve(listener: TcpListener, target: SocketAddr, mut state: watch::Receiver<State>) {
    let mut links = JoinSet::new();
    loop {
        let links_state = state.clone();
        tokio::select! {
            // A proxy that is gone is cut.
            _ = state.wait_for(|state| *state == State::Cut) => break,
            accepted = listener.accept() => {
                if let Ok((client, _)) = accepted {
                    links.spawn(link(client, target, links_state));
                }
            }
            Some(_) = links.join_next() => {}
        }
    }
    drop(listener);
    links.shutdown().await;
}

/// Ends when both sides have ended, or one has failed.
async fn link(client: TcpStream, target: SocketAddr, mut state: watch::Receiver<State>) -> io::Result<()> {
    whole(&mut state).await?;
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(forward(from_client, to_server, state.clone()), forward(from_server, to_client, state))?;
    Ok(())
}

async fn forward(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut state: watch::Receiver<State>,
) -> io::Result<()> {
    let mut chunk = vec![0; CHUNK];
    loop {
        let length = from.read(&mut chunk).await?;
        whole(&mut state).await?;
        if length == 0 {
            return to.shutdown().await;
        }
        to.write_all(&chunk[..length]).await?;
    }
}

async fn whole(state: &mut watch::Receiver<State>) -> io::Result<()> {
    state.wait_for(|state| *state == State::Whole).await.map(drop).map_err(io::Error::other)
}
