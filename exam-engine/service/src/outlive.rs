//! Work that its caller waits for, and that goes on when the caller does not.

use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::runtime::Handle;

/// Polled where its caller is polled; dropped unfinished, as when a client hangs up, it goes on in a task of
/// its own. A task for every piece of work would cost each of them a hop between threads.
pub(crate) struct Outlive<F: Future<Output: Send> + Send + 'static>(Option<Pin<Box<F>>>);

impl<F: Future<Output: Send> + Send + 'static> Outlive<F> {
    pub(crate) fn new(work: F) -> Self {
        Self(Some(Box::pin(work)))
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for Outlive<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        // Nobody polls again what was ready.
        let Some(work) = &mut self.0 else { return Poll::Pending };
        let polled = work.as_mut().poll(cx);
        if polled.is_ready() {
            self.0 = None;
        }
        polled
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Outlive<F> {
    fn drop(&mut self) {
        // Work that panicked cannot go on, and without a runtime nothing does.
        if let Some(work) = self.0.take()
            && !std::thread::panicking()
            && let Ok(runtime) = Handle::try_current()
        {
            drop(runtime.spawn(work));
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tokio::sync::oneshot;

    #[tokio::test]
    async fn what_is_dropped_goes_on_and_what_is_waited_for_is_answered() {
        assert_eq!(Outlive::new(async { 1 }).await, 1);
        let ((go, going), (done, finished)) = (oneshot::channel::<()>(), oneshot::channel());
        let mut work = Outlive::new(async move {
            going.await.unwrap();
            done.send(2).unwrap();
        });
        let polled = std::future::poll_fn(|cx| Poll::Ready(Pin::new(&mut work).poll(cx))).await;
        assert!(polled.is_pending());
        drop(work);
        go.send(()).unwrap();
        assert_eq!(finished.await.unwrap(), 2);
    }
}
