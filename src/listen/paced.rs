//! A stream that gives up on a client that is too slow with the head of a request, or with taking an answer.
//!
//! hyper has one limit for both waiting between requests and reading a head. A device that polls every minute needs the first to
//! be long, a client that sends one byte a second must not profit from it. So the stream counts the head itself.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep};

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const SERVING: u8 = 2;

/// Where a connection is: between requests, within a head, or serving. Shared by the stream and its service; it starts within a head.
#[derive(Clone)]
pub(super) struct Phase(Arc<AtomicU8>);

impl Default for Phase {
    fn default() -> Self {
        Self(Arc::new(AtomicU8::new(HEAD)))
    }
}

impl Phase {
    /// A head was read.
    pub(super) fn serving(&self) {
        self.0.store(SERVING, Ordering::Relaxed);
    }

    /// An answer is ready.
    pub(super) fn idle(&self) {
        self.0.store(IDLE, Ordering::Relaxed);
    }

    fn first_byte(&self) -> bool {
        self.0.compare_exchange(IDLE, HEAD, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    fn in_head(&self) -> bool {
        self.0.load(Ordering::Relaxed) == HEAD
    }
}

/// `S` with the limit.
pub(super) struct Paced<S> {
    stream: S,
    phase: Phase,
    limit: Duration,
    head: Pin<Box<Sleep>>,
    write: Option<Pin<Box<Sleep>>>,
}

impl<S> Paced<S> {
    /// Counts `limit` for the first head from now.
    pub(super) fn new(stream: S, phase: Phase, limit: Duration) -> Self {
        Self { stream, phase, limit, head: Box::pin(sleep(limit)), write: None }
    }

    fn written<T>(&mut self, context: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.write = None;
            return poll;
        }
        let limit = self.limit;
        let timer = self.write.get_or_insert_with(|| Box::pin(sleep(limit)));
        timer.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Paced<S> {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = buffer.filled().len();
        let poll = Pin::new(&mut this.stream).poll_read(context, buffer);
        if poll.is_ready() {
            if buffer.filled().len() > before && this.phase.first_byte() {
                let deadline = Instant::now() + this.limit;
                this.head.as_mut().reset(deadline);
            }
            return poll;
        }
        if this.phase.in_head() && this.head.as_mut().poll(context).is_ready() {
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Paced<S> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_write(context, bytes);
        this.written(context, poll)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_write_vectored(context, slices);
        this.written(context, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_flush(context);
        this.written(context, poll)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let poll = Pin::new(&mut this.stream).poll_shutdown(context);
        this.written(context, poll)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    #[tokio::test(start_paused = true)]
    async fn a_head_sent_byte_by_byte_is_given_up_while_waiting_between_requests_is_not() {
        let (mut client, server) = tokio::io::duplex(64);
        let phase = Phase::default();
        let mut server = Paced::new(server, phase.clone(), Duration::from_secs(10));
        let mut buffer = [0; 8];
        phase.serving();
        phase.idle();
        let idle = tokio::time::timeout(Duration::from_secs(60), server.read(&mut buffer)).await;
        assert!(idle.is_err(), "idle for a minute is fine");
        client.write_all(b"P").await.unwrap();
        assert_eq!(server.read(&mut buffer).await.unwrap(), 1);
        let slow = server.read(&mut buffer).await;
        assert_eq!(slow.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_nobody_takes_is_given_up() {
        let (_client, server) = tokio::io::duplex(4);
        let mut server = Paced::new(server, Phase::default(), Duration::from_secs(10));
        let stuck = server.write_all(b"0123456789").await;
        assert_eq!(stuck.unwrap_err().kind(), io::ErrorKind::TimedOut);
    }
}
