//! Parameters of filters as data: name, type, default, range and meaning. Validation, the JSON Schema and the typed
//! reading in a filter's compile step all come from the same declaration, so nothing is listed twice.
//!
//! A declaration is a constant of one of the types here; a filter lists them as [`Param`]s. Reading never fails: what
//! is absent reads as the default, and what is illegal was refused before.

use serde_json::{Map, Value};
use tollgate_domain::{Country, Invalid};

/// A true-or-false parameter.
pub struct Flag {
    /// Its name.
    pub name: &'static str,
    /// What absent means.
    pub default: bool,
    /// What it does, in one sentence.
    pub about: &'static str,
}

/// A whole number within inclusive bounds.
pub struct Integer {
    /// Its name.
    pub name: &'static str,
    /// What absent means.
    pub default: i64,
    /// Smallest legal value.
    pub min: i64,
    /// Largest legal value.
    pub max: i64,
    /// What it does, in one sentence, with its unit.
    pub about: &'static str,
}

/// A percentage from 0 to 100, with up to two decimals.
pub struct Percent {
    /// Its name.
    pub name: &'static str,
    /// What absent means, in hundredths of a percent.
    pub default: u32,
    /// What it does, in one sentence.
    pub about: &'static str,
}

/// One of a few words.
pub struct Choice {
    /// Its name.
    pub name: &'static str,
    /// What absent means.
    pub default: &'static str,
    /// The legal words.
    pub options: &'static [&'static str],
    /// What it does, in one sentence.
    pub about: &'static str,
}

/// A set of a few words, without repetition.
pub struct Choices {
    /// Its name.
    pub name: &'static str,
    /// What absent means.
    pub default: &'static [&'static str],
    /// The legal words.
    pub options: &'static [&'static str],
    /// The fewest that may be chosen.
    pub min_items: usize,
    /// What it does, in one sentence.
    pub about: &'static str,
}

/// A list of texts of 1 to 255 bytes; absent is empty.
pub struct Texts {
    /// Its name.
    pub name: &'static str,
    /// The most it may hold.
    pub max_items: usize,
    /// What it does, in one sentence.
    pub about: &'static str,
}

/// A list of countries; absent is empty.
pub struct Countries {
    /// Its name.
    pub name: &'static str,
    /// What it does, in one sentence.
    pub about: &'static str,
}

/// Parameters of their own, under one name.
pub struct Object {
    /// Its name.
    pub name: &'static str,
    /// What it holds.
    pub params: &'static [Param],
    /// What it does, in one sentence.
    pub about: &'static str,
}

/// Any parameter's declaration.
pub enum Param {
    /// True or false.
    Flag(&'static Flag),
    /// A whole number.
    Integer(&'static Integer),
    /// A percentage.
    Percent(&'static Percent),
    /// One word.
    Choice(&'static Choice),
    /// Several words.
    Choices(&'static Choices),
    /// Free texts.
    Texts(&'static Texts),
    /// Country codes.
    Countries(&'static Countries),
    /// Nested parameters.
    Object(&'static Object),
    /// One that must be given.
    Required(&'static Param),
    /// One of a form that only few filters have.
    Special(&'static dyn Special),
}

/// A parameter of a form that only few filters have, declared where those need it.
pub trait Special: Sync {
    /// Its name.
    fn name(&self) -> &'static str;

    /// What it does, in one sentence.
    fn about(&self) -> &'static str;

    /// Appends what is wrong with `value`, which stands at `path`.
    fn check(&self, path: &str, value: &Value, errors: &mut Vec<Invalid>);

    /// Its JSON Schema, with the default that absent means but without a description.
    fn schema(&self) -> Value;
}

/// The longest text a list may hold, in bytes.
pub const MAX_TEXT: usize = 255;

impl Param {
    /// The parameter's name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Flag(p) => p.name,
            Self::Integer(p) => p.name,
            Self::Percent(p) => p.name,
            Self::Choice(p) => p.name,
            Self::Choices(p) => p.name,
            Self::Texts(p) => p.name,
            Self::Countries(p) => p.name,
            Self::Object(p) => p.name,
            Self::Required(p) => p.name(),
            Self::Special(p) => p.name(),
        }
    }

    /// What the parameter does.
    pub fn about(&self) -> &'static str {
        match self {
            Self::Flag(p) => p.about,
            Self::Integer(p) => p.about,
            Self::Percent(p) => p.about,
            Self::Choice(p) => p.about,
            Self::Choices(p) => p.about,
            Self::Texts(p) => p.about,
            Self::Countries(p) => p.about,
            Self::Object(p) => p.about,
            Self::Required(p) => p.about(),
            Self::Special(p) => p.about(),
        }
    }

    /// Whether it must be given.
    pub fn is_required(&self) -> bool {
        matches!(self, Self::Required(_))
    }

    /// Appends what is wrong with `value`, which stands at `path`.
    fn check(&self, path: &str, value: &Value, errors: &mut Vec<Invalid>) {
        let mut refuse = |message: String| errors.push(Invalid::new(path, message));
        match self {
            Self::Flag(_) if !value.is_boolean() => refuse("must be true or false".into()),
            Self::Flag(_) => {}
            Self::Integer(p) => {
                if !value.as_i64().is_some_and(|n| (p.min..=p.max).contains(&n)) {
                    refuse(format!("must be a whole number from {} to {}", p.min, p.max));
                }
            }
            Self::Percent(_) => {
                if !value.as_f64().is_some_and(is_percentage) {
                    refuse("must be a number from 0 to 100 with at most two decimals".into());
                }
            }
            Self::Choice(p) => {
                if !value.as_str().is_some_and(|text| p.options.contains(&text)) {
                    refuse(format!("must be one of {}", p.options.join(", ")));
                }
            }
            Self::Choices(p) => check_choices(p, path, value, errors),
            Self::Texts(p) => check_list(path, value, p.max_items, errors, |text| {
                (text.is_empty() || text.len() > MAX_TEXT)
                    .then(|| format!("must be a text of 1 to {MAX_TEXT} bytes"))
            }),
            Self::Countries(_) => check_list(path, value, Country::all().count(), errors, |text| {
                let unknown = text.parse::<Country>().is_err();
                unknown.then(|| "must be an upper-case ISO 3166-1 alpha-2 country code".into())
            }),
            Self::Object(p) => match value.as_object() {
                Some(values) => check_all(p.params, path, values, errors),
                None => refuse("must be an object".into()),
            },
            Self::Required(p) => p.check(path, value, errors),
            Self::Special(p) => p.check(path, value, errors),
        }
    }
}

/// Appends what is wrong with `values`, the parameters at `path`, as `params` declares them.
pub(crate) fn check_all(
    params: &[Param],
    path: &str,
    values: &Map<String, Value>,
    errors: &mut Vec<Invalid>,
) {
    let missing = params.iter().filter(|param| param.is_required() && !values.contains_key(param.name()));
    errors.extend(missing.map(|param| Invalid::new(format!("{path}.{}", param.name()), "is required")));
    for (name, value) in values {
        let path = format!("{path}.{name}");
        match params.iter().find(|param| param.name() == name) {
            Some(param) => param.check(&path, value, errors),
            None if params.is_empty() => {
                errors.push(Invalid::new(path, "is not known; this filter has no parameters"));
            }
            None => {
                let known: Vec<_> = params.iter().map(Param::name).collect();
                errors.push(Invalid::new(path, format!("is not known; known are {}", known.join(", "))));
            }
        }
    }
}

/// Finer steps would be rounded, at worst to the 0 that means something else.
fn is_percentage(number: f64) -> bool {
    // The number that is next to some hundredths is written as they are; any other has more decimals.
    (0.0..=100.0).contains(&number) && number == (number * 100.0).round() / 100.0
}

fn check_choices(param: &Choices, path: &str, value: &Value, errors: &mut Vec<Invalid>) {
    check_list(path, value, param.options.len(), errors, |text| {
        let unknown = !param.options.contains(&text);
        unknown.then(|| format!("must be one of {}", param.options.join(", ")))
    });
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    if items.len() < param.min_items && value.is_array() {
        errors.push(Invalid::new(path, format!("must name at least {}", param.min_items)));
    }
    for (index, item) in items.iter().enumerate() {
        if items[..index].contains(item) {
            errors.push(Invalid::new(format!("{path}[{index}]"), "is named twice"));
        }
    }
}

/// Appends what is wrong with a list of at most `max_items` texts; `wrong` says what is with one.
pub(crate) fn check_list(
    path: &str,
    value: &Value,
    max_items: usize,
    errors: &mut Vec<Invalid>,
    wrong: impl Fn(&str) -> Option<String>,
) {
    let Some(items) = value.as_array() else {
        return errors.push(Invalid::new(path, "must be an array"));
    };
    if items.len() > max_items {
        return errors.push(Invalid::new(path, format!("must hold at most {max_items}")));
    }
    for (index, item) in items.iter().enumerate() {
        // What is not a text is refused like an empty one.
        if let Some(message) = wrong(item.as_str().unwrap_or_default()) {
            errors.push(Invalid::new(format!("{path}[{index}]"), message));
        }
    }
}

/// A filter's parameters as given, read by their declarations.
#[derive(Clone, Copy)]
pub struct Params<'a> {
    values: Option<&'a Map<String, Value>>,
}

impl<'a> Params<'a> {
    /// Reads `values`.
    pub fn new(values: &'a Map<String, Value>) -> Self {
        Self { values: Some(values) }
    }

    /// What was given under a name.
    pub(crate) fn value(&self, name: &str) -> Option<&'a Value> {
        self.values?.get(name)
    }

    /// The flag's value.
    pub fn flag(&self, param: &Flag) -> bool {
        self.value(param.name).and_then(Value::as_bool).unwrap_or(param.default)
    }

    /// The number, within its bounds.
    pub fn integer(&self, param: &Integer) -> i64 {
        let value = self.value(param.name).and_then(Value::as_i64).unwrap_or(param.default);
        value.clamp(param.min, param.max)
    }

    /// The number as `u32`; for parameters whose bounds fit.
    pub fn count(&self, param: &Integer) -> u32 {
        u32::try_from(self.integer(param)).unwrap_or(0)
    }

    /// Hundredths of a percent, 0 to 10,000.
    pub fn hundredths(&self, param: &Percent) -> u32 {
        match self.value(param.name).and_then(Value::as_f64) {
            Some(percent) => (percent.clamp(0.0, 100.0) * 100.0).round() as u32,
            None => param.default,
        }
    }

    /// The chosen word.
    pub fn choice(&self, param: &Choice) -> &'a str
    where
        'static: 'a,
    {
        self.value(param.name).and_then(Value::as_str).unwrap_or(param.default)
    }

    /// Whether `option` is among the chosen words.
    pub fn chosen(&self, param: &Choices, option: &str) -> bool {
        match self.value(param.name).and_then(Value::as_array) {
            Some(items) => items.iter().any(|item| item.as_str() == Some(option)),
            None => param.default.contains(&option),
        }
    }

    /// The listed texts.
    pub fn texts(&self, param: &Texts) -> impl Iterator<Item = &'a str> {
        self.items(param.name)
    }

    /// The listed countries.
    pub fn countries(&self, param: &Countries) -> impl Iterator<Item = Country> {
        self.items(param.name).filter_map(|code| code.parse().ok())
    }

    /// The nested parameters; all defaults when absent.
    pub fn object(&self, param: &Object) -> Params<'a> {
        Params { values: self.value(param.name).and_then(Value::as_object) }
    }

    fn items(&self, name: &str) -> impl Iterator<Item = &'a str> + use<'a> {
        let items = self.value(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        items.iter().filter_map(Value::as_str)
    }
}
