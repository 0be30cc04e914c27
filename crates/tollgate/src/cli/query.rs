//! What exports and reports are asked for alike: days, filters, the cut; and what the API's parameters are called here.

use crate::failure::Failure;
use clap::Args;

/// Which rows are meant.
#[derive(Debug, Args)]
pub(super) struct Asked {
    /// The first day, in the integration's time zone
    #[arg(long, value_name = "YYYY-MM-DD")]
    from: Option<String>,
    /// The last day, included
    #[arg(long, value_name = "YYYY-MM-DD")]
    to: Option<String>,
    /// A condition, as in status=approved or 'revenue[gte]=0.5'; may be repeated
    #[arg(long = "filter", value_name = "FIELD[OP]=VALUE")]
    filters: Vec<String>,
    /// The seq of an earlier cut: what came later is left out
    #[arg(long, value_name = "SEQ")]
    as_of: Option<u64>,
}

impl Asked {
    /// Whether an earlier cut is asked for.
    pub(super) fn has_cut(&self) -> bool {
        self.as_of.is_some()
    }

    /// The same by the names that the API has for it.
    pub(super) fn parameters(&self) -> Result<Vec<(String, String)>, Failure> {
        let mut pairs = Vec::new();
        for (name, given) in [("start_date", &self.from), ("end_date", &self.to)] {
            pairs.extend(given.iter().map(|day| (name.to_owned(), day.clone())));
        }
        for filter in &self.filters {
            pairs.push(condition(filter)?);
        }
        pairs.extend(self.as_of.map(|seq| ("as_of".to_owned(), seq.to_string())));
        Ok(pairs)
    }
}

/// A filter as a parameter: `status=approved` as `filter[status]`, `asn[gte]=5` as `filter[asn][gte]`.
fn condition(filter: &str) -> Result<(String, String), Failure> {
    let misuse =
        || Failure::misuse(format!("--filter must be FIELD=VALUE or FIELD[OP]=VALUE, not `{filter}`"));
    let (what, value) = filter.split_once('=').filter(|(what, _)| !what.is_empty()).ok_or_else(misuse)?;
    let (field, operator) = match what.split_once('[') {
        None => (what, String::new()),
        Some((field, rest)) => (field, format!("[{}]", rest.strip_suffix(']').ok_or_else(misuse)?)),
    };
    Ok((format!("filter[{field}]{operator}"), value.to_owned()))
}

/// The flag that a parameter of the API comes from.
pub(super) fn flag(parameter: &str) -> String {
    if let Some(condition) = parameter.strip_prefix("filter[") {
        return format!("--filter {}", condition.replacen(']', "", 1));
    }
    match parameter {
        "start_date" => "--from".to_owned(),
        "end_date" => "--to".to_owned(),
        "integration_id" => "--integration".to_owned(),
        "group_by" => "--by".to_owned(),
        "page[size]" => "--limit".to_owned(),
        "page[number]" => "--page".to_owned(),
        "page[after]" => "--after".to_owned(),
        other => format!("--{}", other.replace('_', "-")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_are_parameters_and_errors_name_flags() {
        let pair = |filter| condition(filter).map_err(|failure| failure.message);
        assert_eq!(pair("status=approved").unwrap(), ("filter[status]".into(), "approved".into()));
        assert_eq!(
            pair("user_agent[contains]=a=b]").unwrap(),
            ("filter[user_agent][contains]".into(), "a=b]".into())
        );
        for wrong in ["status", "=x", "asn[gte=5"] {
            assert!(pair(wrong).unwrap_err().contains("--filter must be"), "{wrong}");
        }
        assert_eq!(flag("filter[asn][gte]"), "--filter asn[gte]");
        assert_eq!(flag("filter[status]"), "--filter status");
        assert_eq!(
            (flag("end_date"), flag("extra_parameters")),
            ("--to".into(), "--extra-parameters".into())
        );
    }
}
