//! The file of refused lines: line number, cause, the line itself, separated by tabs. It is made with the first one.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

/// Where refused lines go.
pub(crate) struct Rejects {
    /// Tried in order.
    places: Vec<PathBuf>,
    open: Option<(PathBuf, BufWriter<File>)>,
}

impl Rejects {
    /// Refused lines of `input`: where the caller says, else beside it, else in `fallback`.
    pub(crate) fn new(input: &Path, chosen: Option<&Path>, fallback: Option<&Path>) -> Self {
        if let Some(chosen) = chosen {
            return Self { places: vec![chosen.to_owned()], open: None };
        }
        let mut name = input.file_name().unwrap_or(input.as_os_str()).to_owned();
        name.push(".rejects");
        let mut places = vec![input.with_file_name(&name)];
        places.extend(fallback.map(|folder| folder.join(&name)));
        Self { places, open: None }
    }

    /// Writes a line down.
    pub(crate) fn write(&mut self, line: u64, cause: &str, text: &[u8]) -> io::Result<()> {
        if self.open.is_none() {
            self.open = Some(self.create()?);
        }
        let Some((_, out)) = &mut self.open else { return Ok(()) };
        write!(out, "{line}\t{}\t", cause.replace(['\t', '\n'], " "))?;
        out.write_all(text)?;
        out.write_all(b"\n")
    }

    fn create(&self) -> io::Result<(PathBuf, BufWriter<File>)> {
        let mut failed = None;
        for (number, place) in self.places.iter().enumerate() {
            let folder = place.parent().filter(|folder| number > 0 && !folder.as_os_str().is_empty());
            let made = folder.map_or(Ok(()), std::fs::create_dir_all).and_then(|()| File::create(place));
            match made {
                Ok(file) => return Ok((place.clone(), BufWriter::new(file))),
                Err(error) => {
                    failed = Some(io::Error::new(error.kind(), format!("{}: {error}", place.display())))
                }
            }
        }
        Err(failed.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
    }

    /// Ends the file; answers where it is, when there is one.
    pub(crate) fn finish(self) -> io::Result<Option<PathBuf>> {
        match self.open {
            Some((path, mut out)) => out.flush().map(|()| Some(path)),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_is_made_where_it_can_be() {
        let dir = tempfile::tempdir().unwrap();
        // A file where a folder should be: nothing can be made beside the input.
        let blocked = dir.path().join("blocked");
        std::fs::write(&blocked, "").unwrap();
        let fallback = dir.path().join("imports");
        let mut rejects = Rejects::new(&blocked.join("in.csv"), None, Some(&fallback));
        assert!(!fallback.exists());
        rejects.write(7, "cut\tshort", b"a,\"b").unwrap();
        let path = rejects.finish().unwrap().unwrap();
        assert_eq!(path, fallback.join("in.csv.rejects"));
        assert_eq!(std::fs::read(path).unwrap(), b"7\tcut short\ta,\"b\n");
        assert_eq!(Rejects::new(Path::new("x"), None, None).finish().unwrap(), None);
    }
}
