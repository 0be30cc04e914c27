//! Codes for the values of keys, the same in all threads.

use super::{Key, KeyValue};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tollgate_domain::Day;

/// What stands for no value.
pub(crate) const NONE: u32 = 0;

/// Texts by their codes, from 1 on. One dictionary serves all keys, and as many questions as it is given to; it only grows.
#[derive(Debug, Default)]
pub struct Dictionary {
    texts: Mutex<Texts>,
}

#[derive(Debug, Default)]
struct Texts {
    codes: HashMap<Arc<str>, u32>,
    all: Vec<Arc<str>>,
}

impl Dictionary {
    fn code(&self, text: &str) -> (Arc<str>, u32) {
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((text, code)) = texts.codes.get_key_value(text) {
            return (text.clone(), *code);
        }
        let text: Arc<str> = text.into();
        texts.all.push(text.clone());
        // Far fewer texts than 2^32 fit into memory.
        let code = texts.all.len() as u32;
        texts.codes.insert(text.clone(), code);
        (text, code)
    }

    /// The value that a key's code stands for.
    pub(crate) fn value(&self, key: Key, code: u32) -> KeyValue {
        match key {
            Key::Date => KeyValue::Date(Day::from_number(code as i32)),
            Key::Hour => KeyValue::Hour(code as u8),
            Key::Integration | Key::Rejection | Key::Text(_) => self.text(code),
        }
    }

    fn text(&self, code: u32) -> KeyValue {
        let texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        match (code as usize).checked_sub(1).and_then(|at| texts.all.get(at)) {
            Some(text) => KeyValue::Text(text.as_ref().to_owned()),
            None => KeyValue::None,
        }
    }
}

/// A thread's own view of the dictionary: it asks for each text once.
pub(crate) struct Codes<'d> {
    dictionary: &'d Dictionary,
    known: HashMap<Arc<str>, u32>,
}

impl<'d> Codes<'d> {
    pub(crate) fn new(dictionary: &'d Dictionary) -> Self {
        Self { dictionary, known: HashMap::new() }
    }

    pub(crate) fn code(&mut self, text: Option<&str>) -> u32 {
        let Some(text) = text else { return NONE };
        if let Some(code) = self.known.get(text) {
            return *code;
        }
        let (text, code) = self.dictionary.code(text);
        self.known.insert(text, code);
        code
    }
}
