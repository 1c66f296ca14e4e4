//! Work for those who are not known yet, a little at a time.

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;

use tokio::sync::Semaphore;

use crate::runtime;

/// Takes turns with work that anybody who connects can make for the server, and of which a single step can be much:
/// handshakes of TLS.
///
/// While there is work, the runtime looks at the sockets after a number of steps only (`runtime::EVENT_INTERVAL`). When
/// hundreds connect at once, all these steps are theirs, and messages of everybody else wait in their sockets until
/// then. So there are never more steps under way than there are threads, and before each the sockets are looked at.
#[derive(Debug)]
pub(super) struct Turns(Semaphore);

impl Default for Turns {
    fn default() -> Self {
        Self(Semaphore::new(runtime::workers()))
    }
}

impl Turns {
    /// Does the work. Each of its steps waits for a turn. Between them, while it waits for the client, it has none, so
    /// that slow clients are in nobody's way.
    pub(super) async fn work<F: Future>(&self, work: F) -> F::Output {
        let mut work = pin!(work);
        loop {
            // It is never closed, so there is always a turn.
            let mut turn = self.0.acquire().await.ok();
            // Goes on when the sockets have been looked at.
            tokio::task::yield_now().await;
            let step = poll_fn(|context| {
                if turn.is_none() {
                    // What it was waiting for is there, and takes another turn.
                    return Poll::Ready(None);
                }
                let step = work.as_mut().poll(context).map(Some);
                turn = None;
                step
            });
            if let Some(output) = step.await {
                return output;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use tokio::sync::oneshot;

    use super::*;

    fn one_at_a_time() -> Arc<Turns> {
        Arc::new(Turns(Semaphore::new(1)))
    }

    #[tokio::test]
    async fn who_waits_has_no_turn() {
        let turns = one_at_a_time();
        let (tell, told) = oneshot::channel();
        let waiting = tokio::spawn({
            let turns = turns.clone();
            async move { turns.work(told).await }
        });
        for n in 0..3 {
            assert_eq!(turns.work(async { n }).await, n);
        }
        tell.send("now").unwrap();
        assert_eq!(waiting.await.unwrap(), Ok("now"));
        assert_eq!(turns.0.available_permits(), 1);
    }

    #[tokio::test]
    async fn who_is_given_up_leaves_its_turn_to_others() {
        let turns = one_at_a_time();
        for _ in 0..3 {
            let never = turns.work(std::future::pending::<()>());
            let enough = async {
                for _ in 0..5 {
                    tokio::task::yield_now().await;
                }
            };
            tokio::select! {
                () = never => unreachable!(),
                () = enough => {}
            }
        }
        assert_eq!(turns.work(async { 1 }).await, 1);
    }

    /// Fails where the work is done without turns: then all of it comes before the message.
    #[cfg(unix)]
    #[test]
    fn a_message_does_not_wait_for_more_than_a_step_or_two() {
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        const MANY: usize = 100;
        // By itself this runtime would do all of the work before it looks at a socket.
        let runtime = tokio::runtime::Builder::new_current_thread()
            .event_interval(10 * MANY as u32)
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let (mut sender, mut receiver) = tokio::net::UnixStream::pair().unwrap();
            let steps = Arc::new(AtomicUsize::new(0));
            let counted = steps.clone();
            let received = tokio::spawn(async move {
                receiver.read_u8().await.unwrap();
                counted.load(Relaxed)
            });
            // Until it waits for the socket.
            tokio::task::yield_now().await;
            sender.write_u8(1).await.unwrap();
            let turns = one_at_a_time();
            for _ in 0..MANY {
                let (turns, steps) = (turns.clone(), steps.clone());
                tokio::spawn(
                    async move { turns.work(async { steps.fetch_add(1, Relaxed) }).await },
                );
            }
            let before = received.await.unwrap();
            assert!(before <= 2, "{before} of {MANY} came first");
        });
    }
}
