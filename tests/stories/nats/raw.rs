//! A NATS client of a few lines, which does what no well-behaved one would, and tells what the server says to it.

use std::time::Duration;

use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpStream, tcp::OwnedReadHalf, tcp::OwnedWriteHalf},
};

/// How long the server may take to answer a ping.
const PATIENCE: Duration = Duration::from_secs(20);

pub struct Raw {
    user: String,
    read: BufReader<OwnedReadHalf>,
    write: OwnedWriteHalf,
    /// Messages that came: subject and payload.
    pub messages: Vec<(String, String)>,
}

impl Raw {
    pub async fn connect(port: u16, user: &str, password: &str) -> Self {
        let mut raw = Self::dial(port, user, password).await;
        assert_eq!(raw.said().await, Vec::<String>::new(), "{user} may connect");
        raw.subscribe(&format!("_INBOX_{user}.>"), None).await;
        assert_eq!(raw.said().await, Vec::<String>::new(), "{user} has an inbox");
        raw
    }

    /// Says who it is, and does not look what the server has to say to that.
    pub async fn dial(port: u16, user: &str, password: &str) -> Self {
        let (read, write) = TcpStream::connect(("127.0.0.1", port)).await.unwrap().into_split();
        let mut raw = Self { user: user.to_owned(), read: BufReader::new(read), write, messages: Vec::new() };
        let connect = serde_json::json!({ "user": user, "pass": password, "verbose": false, "headers": true,
            "no_responders": true, "protocol": 1 });
        raw.send(&format!("CONNECT {connect}\r\n")).await;
        raw
    }

    async fn send(&mut self, text: &str) {
        self.write.write_all(text.as_bytes()).await.unwrap();
    }

    pub async fn publish(&mut self, subject: &str, reply: Option<&str>, payload: &str) {
        let reply = reply.map(|reply| format!("{reply} ")).unwrap_or_default();
        self.send(&format!("PUB {subject} {reply}{}\r\n{payload}\r\n", payload.len())).await;
    }

    pub async fn subscribe(&mut self, subject: &str, queue: Option<&str>) {
        let queue = queue.map(|queue| format!("{queue} ")).unwrap_or_default();
        self.send(&format!("SUB {subject} {queue}{}\r\n", rand_id())).await;
    }

    /// What the server has against what was sent so far.
    pub async fn said(&mut self) -> Vec<String> {
        self.send("PING\r\n").await;
        let mut said = Vec::new();
        while !self.line(&mut said).await {}
        said
    }

    /// Waits until the server hangs up; what it said before.
    pub async fn hung_up(mut self) -> String {
        let mut said = String::new();
        // A reset is an end, too.
        let all = async { while self.read.read_line(&mut said).await.is_ok_and(|length| length > 0) {} };
        tokio::time::timeout(PATIENCE, all).await.expect("the server must hang up");
        said
    }

    /// Asks, and waits for the answer or a refusal.
    pub async fn ask(&mut self, subject: &str, payload: &str) -> Result<Value, Vec<String>> {
        let inbox = format!("_INBOX_{}.{}", self.user, rand_id());
        self.publish(subject, Some(&inbox), payload).await;
        let said = self.said().await;
        if !said.is_empty() {
            return Err(said);
        }
        let mut said = Vec::new();
        loop {
            if let Some((_, answer)) = self.messages.iter().find(|(subject, _)| *subject == inbox) {
                return Ok(serde_json::from_str(answer).unwrap_or(Value::Null));
            }
            self.line(&mut said).await;
        }
    }

    /// Takes one line in; says whether it was the answer to a ping.
    async fn line(&mut self, said: &mut Vec<String>) -> bool {
        let mut line = String::new();
        let read = tokio::time::timeout(PATIENCE, self.read.read_line(&mut line));
        assert_ne!(read.await.expect("the server must say something").unwrap(), 0, "the server hung up");
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.first().copied() {
            Some("PONG") => return true,
            Some("PING") => self.send("PONG\r\n").await,
            Some("-ERR") => said.push(line.trim().to_owned()),
            Some(verb @ ("MSG" | "HMSG")) => {
                let size: usize = words.last().unwrap().parse().unwrap();
                let skip: usize = if verb == "HMSG" { words[words.len() - 2].parse().unwrap() } else { 0 };
                let mut payload = vec![0; size + 2];
                self.read.read_exact(&mut payload).await.unwrap();
                let text = String::from_utf8_lossy(&payload[skip..size]).into_owned();
                self.messages.push((words[1].to_owned(), text));
            }
            _ => {}
        }
        false
    }
}

/// A number that was not used before.
fn rand_id() -> u64 {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}
