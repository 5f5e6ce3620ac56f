//! The proxy.

use std::{io, net::SocketAddr, time::Duration};

use adjutant_servers::{Postgres, Proxy};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::wire::{ask_at, parts};

/// How long a test waits for something that must come.
const SOON: Duration = Duration::from_secs(60);

async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, future).await.expect("it must come")
}

/// Gives back what it is sent.
async fn echo() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut read, mut write) = stream.split();
                tokio::io::copy(&mut read, &mut write).await
            });
        }
    });
    address
}

async fn round(stream: &mut TcpStream, text: &str) -> io::Result<String> {
    stream.write_all(text.as_bytes()).await?;
    let mut back = vec![0; text.len()];
    stream.read_exact(&mut back).await?;
    Ok(String::from_utf8(back).unwrap())
}

#[tokio::test]
async fn what_is_cut_is_dropped_and_refused_until_it_is_mended() {
    let mut proxy = Proxy::start(echo().await).await;
    let mut before = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(soon(round(&mut before, "one")).await.unwrap(), "one");
    proxy.cut().await;
    assert!(soon(round(&mut before, "two")).await.is_err());
    let refused = TcpStream::connect(proxy.address()).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    proxy.mend().await;
    let mut after = TcpStream::connect(proxy.address()).await.unwrap();
    assert_eq!(soon(round(&mut after, "three")).await.unwrap(), "three");
}

#[tokio::test]
async fn what_is_stalled_is_held_until_it_is_mended() {
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut proxy = Proxy::start(target.local_addr().unwrap()).await;
    let mut open = TcpStream::connect(proxy.address()).await.unwrap();
    let (mut held, _) = soon(target.accept()).await.unwrap();
    proxy.stall().await;
    open.write_all(b"open").await.unwrap();
    let mut new = TcpStream::connect(proxy.address()).await.unwrap();
    new.write_all(b"new").await.unwrap();
    // Who comes past the proxy is the first to be seen: nothing of the new connection has reached the target.
    let direct = TcpStream::connect(target.local_addr().unwrap()).await.unwrap();
    let (_, first) = soon(target.accept()).await.unwrap();
    assert_eq!(first, direct.local_addr().unwrap());
    let unread = held.try_read(&mut [0; 4]).unwrap_err();
    assert_eq!(unread.kind(), io::ErrorKind::WouldBlock);
    proxy.mend().await;
    let mut text = [0; 4];
    soon(held.read_exact(&mut text)).await.unwrap();
    assert_eq!(&text, b"open");
    let (mut late, _) = soon(target.accept()).await.unwrap();
    soon(late.read_exact(&mut text[..3])).await.unwrap();
    assert_eq!(&text[..3], b"new");
}

#[tokio::test]
async fn a_stalled_proxy_can_be_cut_and_the_end_of_one_side_is_passed_on() {
    let mut proxy = Proxy::start(echo().await).await;
    let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
    stream.write_all(b"last").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut all = String::new();
    soon(stream.read_to_string(&mut all)).await.unwrap();
    assert_eq!(all, "last");
    proxy.stall().await;
    let mut stalled = TcpStream::connect(proxy.address()).await.unwrap();
    soon(proxy.cut()).await;
    assert!(soon(round(&mut stalled, "no")).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_goes_away_behind_it_and_comes_back() {
    let (address, database) = parts(&Postgres::shared().database("behind"));
    let mut proxy = Proxy::start(address).await;
    let through = proxy.address();
    let ask = async || {
        let database = database.clone();
        soon(tokio::task::spawn_blocking(move || ask_at(through, &database, "SELECT 1"))).await.unwrap()
    };
    assert_eq!(ask().await.unwrap().unwrap().as_deref(), Some("1"));
    proxy.cut().await;
    assert!(ask().await.is_err());
    proxy.mend().await;
    assert_eq!(ask().await.unwrap().unwrap().as_deref(), Some("1"));
}
