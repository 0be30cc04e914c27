//! A stream whose other end has to take what is written to it. Who takes nothing for a while is cut off, so that what was
//! written for nobody does not stay: nothing in HTTP ends such a connection.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Time that a caller may take nothing of what is written to him.
const PATIENCE: Duration = Duration::from_secs(60);

/// See the module.
pub(super) struct Patient<S> {
    stream: S,
    patience: Duration,
    /// Runs while there is something to be written and nothing of it is taken.
    left: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S) -> Self {
        Self { stream, patience: PATIENCE, left: None }
    }

    /// What came of writing, or that it took too long.
    fn in_time<T>(&mut self, cx: &mut Context<'_>, came: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if came.is_ready() {
            self.left = None;
            return came;
        }
        let patience = self.patience;
        let left = self.left.get_or_insert_with(|| Box::pin(sleep(patience)));
        left.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let came = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.in_time(cx, came)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let came = Pin::new(&mut self.stream).poll_write_vectored(cx, slices);
        self.in_time(cx, came)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let came = Pin::new(&mut self.stream).poll_flush(cx);
        self.in_time(cx, came)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let came = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.in_time(cx, came)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;
    use futures_util::stream;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use std::convert::Infallible;
    use std::sync::Arc;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
    use tokio::time::timeout;

    /// Longer than any machine takes: it only keeps a test that fails from hanging.
    const AT_MOST: Duration = Duration::from_secs(60);

    /// A connection that asked for something without an end; what its answer holds as long as it is there; and whether it
    /// ended well.
    async fn endless(patience: Duration) -> (DuplexStream, Arc<()>, impl Future<Output = bool>) {
        let (near, mut far) = duplex(1024);
        let held = Arc::new(());
        let place = held.clone();
        let service = service_fn(move |_| {
            let place = place.clone();
            let pieces = stream::repeat_with(move || {
                let _ = &place;
                Ok::<_, Infallible>(vec![b'x'; 4096])
            });
            async { Ok::<_, Infallible>(http::Response::new(Body::from_stream(pieces))) }
        });
        let stream = Patient { patience, ..Patient::new(near) };
        let connection = super::super::connection::http().serve_connection(TokioIo::new(stream), service);
        far.write_all(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
        (far, held, async { connection.await.is_ok() })
    }

    #[tokio::test]
    async fn who_takes_nothing_is_cut_off_and_what_was_held_for_him_is_free() {
        let (_far, held, connection) = endless(Duration::from_millis(50)).await;
        assert!(!timeout(AT_MOST, connection).await.expect("it ends"));
        assert_eq!(Arc::strong_count(&held), 1, "the answer is gone");
    }

    #[tokio::test]
    async fn who_takes_a_little_now_and_then_is_not() {
        let patience = Duration::from_secs(1);
        let (mut far, _held, connection) = endless(patience).await;
        let reading = async {
            for _ in 0..30 {
                tokio::time::sleep(patience / 20).await;
                far.read_u8().await.unwrap();
            }
        };
        tokio::select! {
            well = connection => panic!("it ended: {well}"),
            () = reading => {}
        }
    }
}
