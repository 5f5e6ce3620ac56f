//! Asks a running program whether it lives: for the health check of a container, which has no other program to ask with.

use std::{net::SocketAddr, process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use reqwest::{Client, Url};

use crate::{cli::Health, config::Config, output};

/// How long an answer may take: health checks run every few seconds, and a program that is alive answers at once.
const PATIENCE: Duration = Duration::from_secs(3);
/// Where the API answers if nothing else is said.
const USUAL_API: &str = "127.0.0.1:8787";

/// Exit status 0 if it answers 200, else 1 and why.
///
/// # Errors
/// No HTTP client can be made.
pub(super) async fn run(config: &Config, args: Health) -> Result<ExitCode> {
    let urls = match args.url {
        Some(url) => vec![url],
        None => usual(config)?,
    };
    let client = client()?;
    let mut problems = Vec::new();
    for url in urls {
        match ask(&client, url).await {
            Ok(()) => return Ok(ExitCode::SUCCESS),
            Err(error) => problems.push(format!("{error:#}")),
        }
    }
    bail!("{}", problems.join("; "))
}

/// Where this configuration lets a process of it answer: a gateway or a worker on `http.listen`, the API on `api.listen`.
fn usual(config: &Config) -> Result<Vec<Url>> {
    let api = if config.api.listen.is_empty() { USUAL_API } else { &config.api.listen };
    let listens = [config.http.listen.as_str(), api];
    listens.into_iter().filter(|listen| !listen.is_empty()).map(reach).collect()
}

/// The question for a process of this machine that listens there.
fn reach(listen: &str) -> Result<Url> {
    let host = match listen.parse::<SocketAddr>() {
        Ok(mut address) => {
            if address.ip().is_unspecified() {
                let loopback: std::net::IpAddr = match address.ip() {
                    std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                    std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
                };
                address.set_ip(loopback);
            }
            address.to_string()
        }
        Err(_) => listen.to_owned(),
    };
    Url::parse(&format!("http://{host}/livez")).with_context(|| format!("{listen} is no address to ask"))
}

/// A client that goes nowhere but where it is told to: by no proxy, and after no redirection.
fn client() -> Result<Client> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder().timeout(PATIENCE).no_proxy().redirect(reqwest::redirect::Policy::none());
    // Only http:// is asked, so no authority need be known.
    Ok(builder.tls_certs_only([]).build()?)
}

async fn ask(client: &Client, url: Url) -> Result<()> {
    let answer = client.get(url.clone()).send().await.map_err(reqwest::Error::without_url);
    let answer = answer.with_context(|| format!("{url} does not answer"))?;
    if answer.status() == reqwest::StatusCode::OK {
        output::say(&format!("{url} answers"));
        return Ok(());
    }
    let (status, text) = (answer.status(), answer.text().await.unwrap_or_default());
    bail!("{url} answers {status}: {}", text.trim());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_that_listens_everywhere_is_asked_by_the_loopback_address() {
        let reach = |listen| reach(listen).unwrap().to_string();
        assert_eq!(reach("0.0.0.0:8080"), "http://127.0.0.1:8080/livez");
        assert_eq!(reach("[::]:8080"), "http://[::1]:8080/livez");
        assert_eq!(reach("192.0.2.7:80"), "http://192.0.2.7/livez");
        assert_eq!(reach("localhost:9"), "http://localhost:9/livez");
    }

    #[test]
    fn what_is_no_address_is_told() {
        assert!(reach("no address").unwrap_err().to_string().contains("no address to ask"));
    }
}
