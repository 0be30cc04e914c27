//! A connection that speaks just enough HTTP/1.1 for the tests, and says honestly when an answer did not come whole.

use serde_json::Value;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// What HTTP is spoken on.
pub trait Stream: Read + Write + Send {}
impl<T: Read + Write + Send> Stream for T {}

pub struct Connection {
    reader: BufReader<Box<dyn Stream>>,
    host: String,
}

#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// A stream to an address that does not wait for ever.
pub fn stream(address: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(Duration::from_secs(60)))?;
    Ok(stream)
}

impl Connection {
    pub fn open(address: &str) -> io::Result<Self> {
        Ok(Self::over(stream(address)?, address))
    }

    /// Over a stream that is open already.
    pub fn over(stream: impl Stream + 'static, host: &str) -> Self {
        Self { reader: BufReader::new(Box::new(stream)), host: host.to_owned() }
    }

    pub fn get(&mut self, path: &str, api_key: &str) -> Reply {
        self.send("GET", path, &[("API-KEY", api_key)], b"").unwrap()
    }

    /// Sends a request and reads its whole answer; an error means that no whole answer came.
    pub fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> io::Result<Reply> {
        let mut request =
            format!("{method} {path} HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n", self.host, body.len());
        for (name, value) in headers {
            request += &format!("{name}: {value}\r\n");
        }
        request += "\r\n";
        let stream = self.reader.get_mut();
        stream.write_all(&[request.as_bytes(), body].concat())?;
        self.read()
    }

    fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.reader.read_line(&mut line)?;
        if !line.ends_with('\n') {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(line.trim_end().to_owned())
    }

    fn read(&mut self) -> io::Result<Reply> {
        let status = self.line()?.split(' ').nth(1).and_then(|code| code.parse().ok());
        let mut headers = Vec::new();
        loop {
            let line = self.line()?;
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        let mut reply =
            Reply { status: status.ok_or(io::ErrorKind::InvalidData)?, headers, body: Vec::new() };
        if reply.header("transfer-encoding") == Some("chunked") {
            loop {
                let size = u64::from_str_radix(&self.line()?, 16).map_err(|_| io::ErrorKind::InvalidData)?;
                self.take(size, &mut reply.body)?;
                self.line()?;
                if size == 0 {
                    return Ok(reply);
                }
            }
        }
        let length = reply.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        self.take(length, &mut reply.body)?;
        Ok(reply)
    }

    fn take(&mut self, size: u64, body: &mut Vec<u8>) -> io::Result<()> {
        match self.reader.by_ref().take(size).read_to_end(body)? as u64 {
            read if read == size => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }
}
