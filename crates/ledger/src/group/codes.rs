//! Codes for the values of keys, the same in all threads.

use super::{Key, KeyValue};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tollgate_domain::Day;

/// What stands for no value.
pub(crate) const NONE: u32 = 0;

/// Texts by their codes, from 1 on. One dictionary serves all keys.
#[derive(Default)]
pub(crate) struct Dictionary {
    texts: Mutex<Texts>,
}

#[derive(Default)]
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

    /// Every text, the first one's code is 1.
    pub(crate) fn texts(&self) -> Vec<Arc<str>> {
        self.texts.lock().unwrap_or_else(PoisonError::into_inner).all.clone()
    }
}

impl Key {
    /// What a code of this key stands for, by the texts of a dictionary.
    pub(crate) fn value(self, code: u32, texts: &[Arc<str>]) -> KeyValue {
        match self {
            Self::Date => KeyValue::Date(Day::from_number(code as i32)),
            Self::Hour => KeyValue::Hour(code as u8),
            Self::Integration | Self::Rejection | Self::Text(_) => text_of(code, texts),
        }
    }
}

fn text_of(code: u32, texts: &[Arc<str>]) -> KeyValue {
    match (code as usize).checked_sub(1).and_then(|at| texts.get(at)) {
        Some(text) => KeyValue::Text(text.as_ref().to_owned()),
        None => KeyValue::None,
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
