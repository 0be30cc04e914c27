//! The socket in a data directory: commands ask the server that uses the directory through it. Where no server does, a
//! command opens the directory itself and asks that.

use crate::compose::House;
use crate::config::Config;
use crate::data_dir::{self, DataDir};
use crate::failure::Failure;
use crate::upload::{Body, Refused, exchange, said};
use std::fs;
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use tollgate_http::control::{self, Control, Frame, read_frame};

/// The socket of a running server. While it is there, it can be connected to.
#[derive(Debug)]
pub(crate) struct Socket(PathBuf);

impl Socket {
    /// Lets commands connect. A server runs without it where the file system has no sockets or the path is too long.
    pub(crate) fn open(config: &Config, house: &House) -> Option<Self> {
        let path = data_dir::socket(house.root());
        let open = || -> io::Result<()> {
            // Whoever made it is gone: the directory is ours.
            let _ = fs::remove_file(&path);
            let listener = UnixListener::bind(&path)?;
            fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
            let _inside = house.runtime.enter();
            house.runtime.spawn(control::serve(listener, answering(house, config.report_rows))?);
            Ok(())
        };
        match open() {
            Ok(()) => Some(Self(path)),
            Err(error) => {
                let path = path.display();
                tracing::warn!(%path, %error, "commands cannot ask this server through its directory");
                None
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // What cannot be removed is removed by the next server.
        let _ = fs::remove_file(&self.0);
    }
}

fn answering(house: &House, report_rows: u64) -> Control {
    let ledger = house.intake.ledger().clone();
    let folders = (data_dir::ledger(house.root()), data_dir::privacy(house.root()));
    Control::new(house.catalog.clone(), ledger, folders, report_rows)
}

/// Who answers for a data directory.
pub(crate) enum Access {
    /// The server that uses it, under this name.
    Server { socket: PathBuf, holder: String },
    /// This process, which reads so many events at most for a grouped report.
    Own { house: Box<House>, report_rows: u64 },
}

impl Access {
    /// Finds out who uses the directory, and opens it when nobody does.
    pub(crate) fn open(config: &Config, purpose: &str) -> Result<Self, Failure> {
        let root = config.data_dir()?;
        let holder = data_dir::holder(root).map_err(Failure::because(root.display()))?;
        if let Some(holder) = holder.filter(|_| data_dir::catalog(root).exists()) {
            return Ok(Self::Server { socket: data_dir::socket(root), holder });
        }
        let house = Box::new(House::open(config, DataDir::open(root, purpose)?)?);
        Ok(Self::Own { house, report_rows: config.report_rows })
    }

    /// Sends a request, begun with method and path, with a JSON body; answers the body of a 2xx. Errors call a parameter what
    /// `named` calls it.
    pub(crate) fn ask(
        &self,
        line: &str,
        body: &str,
        named: impl Fn(&str) -> String,
    ) -> Result<Body<BufReader<UnixStream>>, Failure> {
        self.ask_once(line, None, body, named)
    }

    /// The same of a request that is carried out once however often it is sent with this key, which is visible ASCII.
    pub(crate) fn ask_once(
        &self,
        line: &str,
        key: Option<&str>,
        body: &str,
        named: impl Fn(&str) -> String,
    ) -> Result<Body<BufReader<UnixStream>>, Failure> {
        let key = key.map_or(String::new(), |key| format!("Idempotency-Key: {key}\r\n"));
        let head = format!(
            "{line} HTTP/1.1\r\nHost: tollgate\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\
             {key}Connection: close\r\n\r\n",
            body.len()
        );
        let answer = exchange(self.connect()?, &head, body.as_bytes());
        match answer.map_err(Failure::because("the server does not answer"))? {
            Ok(body) => Ok(body),
            Err(Refused { status: 400, body }) => Err(Failure::misuse(said(&body, named))),
            Err(Refused { body, .. }) => Err(Failure::new(said(&body, named))),
        }
    }

    fn connect(&self) -> Result<UnixStream, Failure> {
        match self {
            Self::Server { socket, holder } => UnixStream::connect(socket).map_err(|error| {
                let socket = socket.display();
                Failure::new(format!(
                    "the data directory is in use by {holder}, which cannot be asked through {socket}: {error}"
                ))
            }),
            Self::Own { house, report_rows } => {
                let pair = || -> io::Result<UnixStream> {
                    let (ours, theirs) = UnixStream::pair()?;
                    let _inside = house.runtime.enter();
                    house.runtime.spawn(control::serve_one(theirs, answering(house, *report_rows))?);
                    Ok(ours)
                };
                pair().map_err(Failure::because("no connection can be made"))
            }
        }
    }

    /// Closes the directory, if it was opened.
    pub(crate) fn close(self) {
        if let Self::Own { house, .. } = self {
            house.close();
        }
    }
}

/// Reads an answer in frames to its end, which is answered. `out` gets the bytes that were asked for, `share` hears of the
/// part of the work that is done, from 0 to 1.
pub(crate) fn follow(
    mut answer: impl Read,
    out: &mut dyn Write,
    share: &mut dyn FnMut(f64),
) -> Result<serde_json::Value, Failure> {
    loop {
        let frame = read_frame(&mut answer).map_err(|error| match error.kind() {
            io::ErrorKind::UnexpectedEof => Failure::new("the server stopped in the middle of it"),
            _ => Failure::new(format!("the server's answer cannot be read: {error}")),
        })?;
        match frame {
            Frame::Data(bytes) => out.write_all(&bytes).map_err(Failure::because("it cannot be written"))?,
            Frame::Share(done) => share(done),
            Frame::End(json) => return serde_json::from_slice(&json).map_err(Failure::new),
            Frame::Error(why) => return Err(Failure::new(why)),
        }
    }
}

/// The directory as an absolute path, whoever reads it.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf, Failure> {
    std::path::absolute(path).map_err(Failure::because(path.display()))
}
