//! Extra parameters: what callers send beside the known names, kept as one JSON object.

use crate::draft::twice;
use tollgate_domain::Invalid;

/// Most extra parameters of one event, in bytes of JSON.
pub const MAX_EXTRA: usize = 8192;

/// The object in the making.
#[derive(Debug, Default)]
pub(crate) struct Extra {
    json: String,
    members: Vec<Member>,
}

/// Where a member stands, with a hash of its name: names are compared with all before them.
#[derive(Debug, Clone, Copy)]
struct Member {
    hash: u32,
    name: u32,
    value: u32,
    end: u32,
}

impl Extra {
    pub(crate) fn clear(&mut self) {
        self.json.clear();
        self.members.clear();
    }

    pub(crate) fn capacity(&self) -> usize {
        self.json.capacity() + self.members.capacity() * size_of::<Member>()
    }

    /// Takes a member whose value `write` appends as JSON. An equal one is fine, another value under its name is not.
    pub(crate) fn push(&mut self, name: &str, write: impl FnOnce(&mut String)) -> Result<(), Invalid> {
        let start = self.json.len();
        self.json.push(if start == 0 { '{' } else { ',' });
        let name_at = self.json.len();
        push_json_string(&mut self.json, name);
        let value_at = self.json.len() + 1;
        self.json.push(':');
        write(&mut self.json);
        let result = self.check(name, name_at, value_at);
        match result {
            Ok(true) => {
                let at = [name_at, value_at, self.json.len()].map(|at| at as u32);
                self.members.push(Member { hash: hash(name), name: at[0], value: at[1], end: at[2] });
            }
            Ok(false) | Err(_) => self.json.truncate(start),
        }
        result.map(|_| ())
    }

    /// Whether the member just written is new.
    fn check(&self, name: &str, name_at: usize, value_at: usize) -> Result<bool, Invalid> {
        // One more for the brace that closes it.
        if self.json.len() >= MAX_EXTRA {
            let message = format!("extra parameters are limited to {MAX_EXTRA} bytes altogether");
            return Err(Invalid::new(name, message));
        }
        let hash = hash(name);
        let written = &self.json[name_at..value_at];
        let same = |member: &&Member| {
            member.hash == hash && &self.json[member.name as usize..member.value as usize] == written
        };
        match self.members.iter().find(same) {
            None => Ok(true),
            Some(member)
                if self.json[member.value as usize..member.end as usize] == self.json[value_at..] =>
            {
                Ok(false)
            }
            Some(_) => Err(twice(name)),
        }
    }

    /// The whole object; `None` without any member.
    pub(crate) fn finish(&mut self) -> Option<&str> {
        if self.json.is_empty() {
            return None;
        }
        self.json.push('}');
        Some(&self.json)
    }
}

/// FNV-1a.
fn hash(name: &str) -> u32 {
    name.bytes().fold(0x811c_9dc5, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Appends `text` as a JSON string.
pub(crate) fn push_json_string(out: &mut String, text: &str) {
    use std::fmt::Write;
    out.push('"');
    let mut plain = 0;
    for (i, c) in text.char_indices() {
        if c >= ' ' && c != '"' && c != '\\' {
            continue;
        }
        out.push_str(&text[plain..i]);
        plain = i + c.len_utf8();
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            // Writing to a String does not fail.
            _ => drop(write!(out, "\\u{:04x}", c as u32)),
        }
    }
    out.push_str(&text[plain..]);
    out.push('"');
}
