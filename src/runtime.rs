//! The tokio runtime of the library.

use std::sync::OnceLock;
use std::thread;

use tokio::runtime::{Builder, Runtime};

/// Signalling is little work; more threads than this would only cost memory.
const MAX_WORKERS: usize = 4;

/// The one runtime that all clients and servers of the process share. It is started when it is first
/// needed, with threads named `saltyrtc`, and stays.
///
/// # Panics
///
/// If the operating system does not let the process start threads or create an event queue.
pub(crate) fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        let workers = thread::available_parallelism().map_or(2, |n| n.get().min(MAX_WORKERS));
        Builder::new_multi_thread()
            .worker_threads(workers)
            .thread_name("saltyrtc")
            .enable_all()
            .build()
            .expect("the process may start threads and open file descriptors")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_runtime_and_its_threads_have_names() {
        assert!(std::ptr::eq(runtime(), runtime()));
        let (sender, receiver) = std::sync::mpsc::channel();
        runtime().spawn(async move { sender.send(thread::current().name().map(str::to_owned)) });
        assert_eq!(receiver.recv().unwrap().as_deref(), Some("saltyrtc"));
    }
}
