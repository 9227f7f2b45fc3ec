//! Ctrl-C and SIGTERM: the work is dropped where it stands, and what it had written is told.

use std::future::Future;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures_util::future::{Either, select};
use promotion_core::Tag;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use crate::app::App;
use crate::error::{Failure, Id};
use crate::exit::Exit;
use crate::progress::Written;

/// How long work that cannot be dropped (it reads stdin, or waits for git) may go on.
const GRACE: Duration = Duration::from_millis(500);

/// Runs work until it ends or somebody interrupts it.
pub(crate) fn until_interrupted(
    runtime: Runtime,
    app: &App,
    work: impl Future<Output = Result<Exit, Failure>>,
) -> Result<Exit, Failure> {
    let (interrupt, interrupted) = oneshot::channel();
    // Dropped when the work has stopped: then nobody needs to stop the process.
    let (_stopped, stopped) = mpsc::channel::<()>();
    let (out, written) = (app.out.clone(), app.written.clone());
    thread::spawn(move || {
        if !wait_for_signal() {
            return;
        }
        let _ = interrupt.send(());
        if stopped.recv_timeout(GRACE) == Err(mpsc::RecvTimeoutError::Timeout) {
            out.failure(&failure(&written));
            std::process::exit(Exit::Interrupted as i32);
        }
    });
    let ended = runtime.block_on(async {
        match select(std::pin::pin!(work), interrupted).await {
            Either::Left((ended, _)) => ended,
            Either::Right((Ok(()), _)) => Err(failure(&app.written)),
            // No signal can be waited for here, so none will come.
            Either::Right((Err(_), work)) => work.await,
        }
    });
    // A thread that waits for a file lock would be waited for.
    runtime.shutdown_background();
    ended
}

fn failure(written: &Written) -> Failure {
    let names = |tags: Vec<Tag>| tags.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let (tags, perhaps) = (names(written.tags()), names(written.under_way()));
    let done = match (tags.is_empty(), perhaps.is_empty()) {
        (true, true) => "no tag was written".to_owned(),
        (true, false) => format!("perhaps written: {perhaps}; no other tag"),
        (false, true) => format!("already written: {tags}"),
        (false, false) => format!("already written: {tags}; perhaps: {perhaps}"),
    };
    Failure::new(Exit::Interrupted, Id::INTERRUPTED, "finish", format!("interrupted; {done}"))
        .fix("run it again: it goes on where it stopped")
}

/// Waits for the first signal that asks to stop; false where signals cannot be waited for.
fn wait_for_signal() -> bool {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build();
    runtime.is_ok_and(|runtime| runtime.block_on(signal()).is_ok())
}

#[cfg(unix)]
async fn signal() -> std::io::Result<()> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    select(std::pin::pin!(terminate.recv()), std::pin::pin!(interrupt.recv())).await;
    Ok(())
}

#[cfg(not(unix))]
async fn signal() -> std::io::Result<()> {
    tokio::signal::ctrl_c().await
}
