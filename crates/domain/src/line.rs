//! Names that people give and read: one line of text.

use crate::Invalid;

/// Checks a line of 1 to `longest` characters that shows something. Control characters, line ends and characters that
/// turn the direction of writing are refused: they make one name look like another.
pub fn check_line(field: &str, text: &str, longest: usize) -> Result<(), Invalid> {
    if text.is_empty() || text.chars().count() > longest {
        return Err(Invalid::new(field, format!("must have 1 to {longest} characters")));
    }
    if text.chars().any(is_forbidden) {
        return Err(Invalid::new(
            field,
            "must not contain control characters, line ends or characters that turn the direction of writing",
        ));
    }
    if text.chars().all(|c| c.is_whitespace() || is_invisible(c)) {
        return Err(Invalid::new(field, "must not be blank"));
    }
    Ok(())
}

/// What [`check_line`] allows, as a regular expression for documents of the API.
pub const LINE_PATTERN: &str = concat!(
    r"^[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*",
    r"[^\s\u0000-\u001f\u007f-\u009f\u00ad\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]",
    r"[^\u0000-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]*$"
);

fn is_forbidden(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2065}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_show_something_and_nothing_but_themselves() {
        for legal in ["a", " a ", "Ärger", "日本", "👩\u{200d}👩", &"x".repeat(255)] {
            assert_eq!(check_line("title", legal, 255), Ok(()), "{legal:?}");
        }
        let long = "ä".repeat(256);
        for refused in [
            "",
            " ",
            "\u{3000}",
            "\u{200b}",
            "\u{feff} ",
            "a\n",
            "a\tb",
            "a\0",
            "a\u{85}",
            "a\u{202e}b",
            "a\u{2067}",
            &long,
        ] {
            assert_eq!(check_line("title", refused, 255).unwrap_err().field, "title", "{refused:?}");
        }
    }
}
