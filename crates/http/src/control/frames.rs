//! The answer to a command that takes long, in frames: a byte that says what it is, the payload's length as u32 (little
//! endian), the payload. An answer without its last frame was broken off.

use bytes::{BufMut, Bytes, BytesMut};
use hyper::body;
use serde::Serialize;
use std::convert::Infallible;
use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// Frames under way.
const IN_FLIGHT: usize = 16;
/// The longest payload that is read.
const MAX_PAYLOAD: u32 = 16 << 20;

const DATA: u8 = b'd';
const SHARE: u8 = b's';
const END: u8 = b'e';
const ERROR: u8 = b'x';

/// A part of an answer.
#[derive(Debug, PartialEq)]
pub enum Frame {
    /// Bytes of what was asked for.
    Data(Vec<u8>),
    /// The part of the work that is done, from 0 to 1.
    Share(f64),
    /// What was done, as JSON. Nothing comes after it.
    End(Vec<u8>),
    /// Why it was not done. Nothing comes after it.
    Error(String),
}

/// The next frame of an answer.
pub fn read_frame(answer: &mut impl Read) -> io::Result<Frame> {
    let malformed = || io::Error::new(io::ErrorKind::InvalidData, "the answer is malformed");
    let mut head = [0; 5];
    answer.read_exact(&mut head)?;
    let length = u32::from_le_bytes([head[1], head[2], head[3], head[4]]);
    if length > MAX_PAYLOAD {
        return Err(malformed());
    }
    let mut payload = vec![0; length as usize];
    answer.read_exact(&mut payload)?;
    match head[0] {
        DATA => Ok(Frame::Data(payload)),
        SHARE => Ok(Frame::Share(f64::from_le_bytes(payload.try_into().map_err(|_| malformed())?))),
        END => Ok(Frame::End(payload)),
        ERROR => Ok(Frame::Error(String::from_utf8(payload).map_err(|_| malformed())?)),
        _ => Err(malformed()),
    }
}

/// An answer's frames, and whoever makes them.
pub(super) fn answer() -> (Teller, Frames) {
    let (frames, answer) = mpsc::channel(IN_FLIGHT);
    (Teller { frames, share: 0.0 }, Frames(answer))
}

/// Makes frames, on a thread that may wait until they are taken.
pub(super) struct Teller {
    frames: mpsc::Sender<Bytes>,
    share: f64,
}

fn tell(frames: &mpsc::Sender<Bytes>, what: u8, payload: &[u8]) -> io::Result<()> {
    let mut frame = BytesMut::with_capacity(5 + payload.len());
    frame.put_u8(what);
    // Payloads are pieces that were made here, far below 4 GiB.
    frame.put_u32_le(payload.len() as u32);
    frame.put_slice(payload);
    let gone = |_| io::Error::from(io::ErrorKind::BrokenPipe);
    frames.blocking_send(frame.freeze()).map_err(gone)
}

impl Teller {
    /// Makes frames of the bytes that were asked for.
    pub(super) fn bytes(&self) -> Data {
        Data(self.frames.clone())
    }

    /// Tells how much is done, where that is worth telling. Breaks the work off when nobody waits for it any more.
    pub(super) fn share(&mut self, share: f64) -> ControlFlow<()> {
        if share - self.share < 0.001 && !self.frames.is_closed() {
            return ControlFlow::Continue(());
        }
        self.share = share;
        match tell(&self.frames, SHARE, &share.to_le_bytes()) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }

    /// Tells what came of it.
    pub(super) fn end(self, result: Result<impl Serialize, String>) {
        let json = result.and_then(|done| serde_json::to_vec(&done).map_err(|error| error.to_string()));
        // Nobody is told when the caller is gone.
        let _ = match json {
            Ok(json) => tell(&self.frames, END, &json),
            Err(error) => tell(&self.frames, ERROR, error.as_bytes()),
        };
    }
}

/// The bytes that were asked for, a frame to each write.
pub(super) struct Data(mpsc::Sender<Bytes>);

impl Write for Data {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let part = &bytes[..bytes.len().min(MAX_PAYLOAD as usize)];
        tell(&self.0, DATA, part)?;
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The frames as a body.
pub(super) struct Frames(mpsc::Receiver<Bytes>);

impl body::Body for Frames {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<body::Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|frame| frame.map(|frame| Ok(body::Frame::data(frame))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_read_back_as_they_were_told_and_a_cut_answer_is_no_whole_one() {
        let (mut teller, Frames(mut frames)) = answer();
        teller.bytes().write_all(b"abc").unwrap();
        assert!(teller.share(0.0005).is_continue() && teller.share(0.5).is_continue());
        teller.end(Ok("done"));
        let mut bytes = Vec::new();
        while let Ok(frame) = frames.try_recv() {
            bytes.extend_from_slice(&frame);
        }
        let mut rest = &bytes[..];
        let expected = [Frame::Data(b"abc".to_vec()), Frame::Share(0.5), Frame::End(b"\"done\"".to_vec())];
        for frame in expected {
            assert_eq!(read_frame(&mut rest).unwrap(), frame);
        }
        assert!(read_frame(&mut rest).is_err() && read_frame(&mut &bytes[..6]).is_err());
        let (mut teller, frames) = answer();
        drop(frames);
        assert!(teller.share(0.0).is_break(), "nobody waits");
    }
}
