//! The client side of a running server: one request over plain HTTP/1.1. The answer of `POST /tollgate/v1/imports` is read
//! line by line.

use crate::cli::Watcher;
use crate::failure::Failure;
use serde::Deserialize;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tollgate_intake::{ImportRequest, Observer, Progress, Summary};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// How long the server may be silent. It reports progress several times a second.
const SILENCE: Duration = Duration::from_secs(300);
/// The longest answer that is read whole.
const MAX_ANSWER: u64 = 64 << 20;
/// The type of a body that is a file, or none.
const BYTES: &str = "application/octet-stream";

/// A line of the answer.
#[derive(Debug, Deserialize)]
struct Line {
    progress: Option<Progress>,
    refused: Option<RefusedText>,
    summary: Option<Summary>,
    error: Option<String>,
}

#[derive(Debug, Deserialize)]
struct RefusedText {
    line: u64,
    cause: String,
    text: String,
}

/// Imports `file` through the server at `server`. Answers the summary, and the error that ended it early.
pub(crate) fn import(
    server: &str,
    api_key: Option<&str>,
    request: &ImportRequest,
    file: &File,
    watcher: &mut Watcher,
) -> Result<(Summary, Option<String>), Failure> {
    let length = file.metadata().map_err(Failure::because("the file cannot be read"))?.len();
    let line = format!("POST {}", path_of(request)?);
    follow(ask(server, api_key, (&line, BYTES), (file, length), str::to_owned)?, watcher)
}

/// The JSON that the server at `server` answers to GET.
pub(crate) fn get(server: &str, api_key: Option<&str>, path: &str) -> Result<serde_json::Value, Failure> {
    json(ask(server, api_key, (&format!("GET {path}"), BYTES), (io::empty(), 0), str::to_owned)?)
}

/// The body that the server at `server` answers to GET. Errors call a parameter what `named` calls it.
pub(crate) fn get_body(
    server: &str,
    api_key: Option<&str>,
    path: &str,
    named: fn(&str) -> String,
) -> Result<impl Read, Failure> {
    ask(server, api_key, (&format!("GET {path}"), BYTES), (io::empty(), 0), named)
}

/// The JSON that the server at `server` answers to POST with a JSON body.
pub(crate) fn post(
    server: &str,
    api_key: Option<&str>,
    path: &str,
    body: &serde_json::Value,
) -> Result<serde_json::Value, Failure> {
    let body = body.to_string();
    let line = format!("POST {path}");
    let sent = (body.as_bytes(), body.len() as u64);
    json(ask(server, api_key, (&line, "application/json"), sent, str::to_owned)?)
}

fn json(body: impl Read) -> Result<serde_json::Value, Failure> {
    let not_understood = Failure::because("the server's answer is not understood");
    serde_json::from_reader(body.take(MAX_ANSWER)).map_err(not_understood)
}

/// Sends a request, begun with method and path, with a type and so many bytes of a body; answers the body of a 2xx.
fn ask(
    server: &str,
    api_key: Option<&str>,
    (line, content_type): (&str, &str),
    (body, length): (impl Read, u64),
    named: fn(&str) -> String,
) -> Result<Body<BufReader<TcpStream>>, Failure> {
    let api_key =
        api_key.ok_or_else(|| Failure::misuse("--server needs --api-key KEY (or TOLLGATE_API_KEY)"))?;
    let host = host_of(server)?;
    if api_key.chars().any(|c| c.is_control()) {
        return Err(Failure::misuse("the API key holds characters that no key has"));
    }
    let failed = || Failure::because::<io::Error>(format!("the server at {server} cannot be reached"));
    let stream = connect(host).map_err(failed())?;
    let head = format!(
        "{line} HTTP/1.1\r\nHost: {host}\r\nAPI-KEY: {api_key}\r\nContent-Type: {content_type}\r\n\
         Content-Length: {length}\r\nConnection: close\r\n\r\n"
    );
    match exchange(stream, &head, body.take(length)).map_err(failed())? {
        Ok(body) => Ok(body),
        Err(Refused { status, body }) => {
            let said = said(&body, named);
            Err(Failure::new(format!("the server refused with {status}: {said}")))
        }
    }
}

/// An answer that is none of 2xx.
pub(crate) struct Refused {
    /// Its status.
    pub(crate) status: u16,
    /// Its body.
    pub(crate) body: String,
}

/// Sends a request's head and body on a fresh connection; answers the body of the answer.
pub(crate) fn exchange<S: Read + Write>(
    mut stream: S,
    head: &str,
    mut body: impl Read,
) -> io::Result<Result<Body<BufReader<S>>, Refused>> {
    // A server that refuses may answer and close before all is sent: what it says matters more than the broken pipe.
    let sent = stream.write_all(head.as_bytes()).and_then(|()| io::copy(&mut body, &mut stream));
    let answer = Answer::read(BufReader::new(stream));
    let mut answer = match (answer, sent) {
        (Ok(answer), _) => answer,
        (Err(_), Err(error)) | (Err(error), Ok(_)) => return Err(error),
    };
    if (200..300).contains(&answer.status) {
        return Ok(Ok(answer.body));
    }
    let mut body = String::new();
    let _ = answer.body.by_ref().take(64 << 10).read_to_string(&mut body);
    Ok(Err(Refused { status: answer.status, body }))
}

/// Reads the answer's lines up to the summary.
fn follow(body: impl Read, watcher: &mut Watcher) -> Result<(Summary, Option<String>), Failure> {
    for line in BufReader::new(body).lines() {
        let line = line
            .map_err(Failure::because("the server's answer broke off; importing again goes on from there"))?;
        let line: Line =
            serde_json::from_str(&line).map_err(Failure::because("the server's answer is not understood"))?;
        if let Some(progress) = line.progress {
            // A watcher of the command line never ends an import.
            let _ = watcher.progress(progress);
        }
        if let Some(refused) = line.refused {
            watcher
                .reject(refused.line, &refused.cause, refused.text.as_bytes())
                .map_err(Failure::because("the refused lines cannot be written down"))?;
        }
        if let Some(summary) = line.summary {
            return Ok((summary, line.error));
        }
    }
    Err(Failure::new("the server's answer broke off; importing again goes on from there"))
}

/// HOST:PORT of a plain URL.
fn host_of(server: &str) -> Result<&str, Failure> {
    let host = server.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
    host.filter(|host| !host.is_empty() && host.bytes().all(|b| b.is_ascii_graphic() && b != b'/'))
        .ok_or_else(|| {
            Failure::misuse(format!("--server must be as in http://127.0.0.1:8080, not `{server}`"))
        })
}

fn connect(host: &str) -> io::Result<TcpStream> {
    use std::net::ToSocketAddrs;
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    let addresses = if has_port { host.to_socket_addrs() } else { (host, 80).to_socket_addrs() }?;
    let mut failed = io::Error::from(io::ErrorKind::NotFound);
    for address in addresses {
        match TcpStream::connect_timeout(&address, CONNECT_TIMEOUT) {
            Ok(stream) => {
                stream.set_read_timeout(Some(SILENCE))?;
                stream.set_write_timeout(Some(SILENCE))?;
                return Ok(stream);
            }
            Err(error) => failed = error,
        }
    }
    Err(failed)
}

fn path_of(request: &ImportRequest) -> Result<String, Failure> {
    let mut query = format!(
        "/tollgate/v1/imports?integration={}&kind={}&format={}",
        request.integration,
        request.kind.name(),
        request.format
    );
    if let Some(map) = &request.map {
        query += &format!("&map={}", encoded(&serde_json::to_string(map).map_err(Failure::new)?));
    }
    for (name, value) in &request.set {
        query += &format!("&set={}", encoded(&format!("{name}={value}")));
    }
    Ok(query)
}

/// Percent-encodes all but what needs it nowhere.
pub(crate) fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out += &format!("%{byte:02X}");
        }
    }
    out
}

/// What an error body says (RFC 9457, or `message`), else the body; a field is called what `named` calls it.
pub(crate) fn said(body: &str, named: impl Fn(&str) -> String) -> String {
    let value: serde_json::Value = serde_json::from_str(body).unwrap_or_default();
    let sentence = value["detail"].as_str().or(value["message"].as_str());
    let mut said = sentence.unwrap_or(body.trim()).to_owned();
    for error in value["errors"].as_array().into_iter().flatten() {
        let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
        said += &format!(" {}: {}.", named(&text("field")), text("message"));
    }
    said
}

/// An answer whose head was read.
struct Answer<R> {
    status: u16,
    body: Body<R>,
}

/// The rest of an answer.
pub(crate) enum Body<R> {
    Plain(io::Take<R>),
    Chunked { reader: R, left: u64, done: bool },
}

impl<R: BufRead> Answer<R> {
    fn read(mut reader: R) -> io::Result<Self> {
        let malformed = || io::Error::new(io::ErrorKind::InvalidData, "the answer is not HTTP");
        let status = line(&mut reader)?;
        let status = status.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
        let status = status.ok_or_else(malformed)?;
        let (mut length, mut chunked) = (u64::MAX, false);
        loop {
            let header = line(&mut reader)?;
            let Some((name, value)) = header.split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "content-length" => length = value.trim().parse().map_err(|_| malformed())?,
                "transfer-encoding" => chunked = value.trim().eq_ignore_ascii_case("chunked"),
                _ => {}
            }
        }
        let body = if chunked {
            Body::Chunked { reader, left: 0, done: false }
        } else {
            Body::Plain(reader.take(length))
        };
        Ok(Self { status, body })
    }
}

fn line(reader: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    match reader.by_ref().take(16 << 10).read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end().to_owned()),
    }
}

impl<R: BufRead> Read for Body<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (reader, left, done) = match self {
            Self::Plain(reader) => return reader.read(buffer),
            Self::Chunked { reader, left, done } => (reader, left, done),
        };
        while *left == 0 && !*done {
            let head = line(reader)?;
            // A chunk's end is an empty line before the next head.
            if head.is_empty() {
                continue;
            }
            let size = head.split(';').next().unwrap_or_default();
            *left = u64::from_str_radix(size.trim(), 16)
                .map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
            *done = *left == 0;
        }
        if *done {
            return Ok(0);
        }
        let read = reader.take(*left).read(buffer)?;
        if read == 0 && !buffer.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        *left -= read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chunked_answers_are_read_whole() {
        let text = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2;x\r\nde\r\n0\r\n\r\n";
        let mut answer = Answer::read(&text[..]).unwrap();
        let mut body = String::new();
        answer.body.read_to_string(&mut body).unwrap();
        assert_eq!((answer.status, body.as_str()), (200, "abcde"));
        let mut cut = Answer::read(&text[..text.len() - 12]).unwrap();
        assert!(cut.body.read_to_string(&mut body).is_err());
    }

    #[test]
    fn errors_are_told_in_full() {
        let body = r#"{"code":"x","detail":"No.","errors":[{"field":"kind","message":"must be"}]}"#;
        assert_eq!(said(body, str::to_owned), "No. kind: must be.");
        assert_eq!(said("plain", str::to_owned), "plain");
        assert!(host_of("https://x").is_err());
        assert_eq!(host_of("http://localhost:8080/").unwrap(), "localhost:8080");
        assert_eq!(encoded("a b=\"é\""), "a%20b%3D%22%C3%A9%22");
    }
}
