//! The program: reads the configuration, starts the role that was asked for, and stops it in good order.

mod cli;
mod config;
mod console;
mod demo;
mod output;
mod roles;
mod run;
mod supervise;
mod telemetry;

use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::cli::Cli;

/// Exit status after a second signal, as a shell has it for an interrupted program.
const INTERRUPTED: i32 = 130;

fn main() -> ExitCode {
    let cli = Cli::parse();
    cli.color.apply();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let status = match runtime {
        Ok(runtime) => {
            let status = runtime.block_on(async {
                let stop = CancellationToken::new();
                tokio::spawn(watch_signals(stop.clone()));
                roles::start(cli, stop).await
            });
            // The prompt's thread may still wait for a key, with the terminal as it needs it.
            runtime.shutdown_background();
            let _ = crossterm::terminal::disable_raw_mode();
            status
        }
        Err(error) => Err(error.into()),
    };
    match status {
        Ok(code) => code,
        Err(error) => {
            output::complain(&format!("adjutant: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// The first signal asks to stop, the second one does not ask.
async fn watch_signals(stop: CancellationToken) {
    let (Ok(mut interrupt), Ok(mut terminate)) =
        (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return warn!("signals cannot be watched");
    };
    let mut asked = false;
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if asked {
            std::process::exit(INTERRUPTED);
        }
        asked = true;
        stop.cancel();
    }
}
