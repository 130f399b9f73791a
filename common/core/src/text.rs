//! Text that a person reads in a terminal.
//!
//! What comes from a server is in most of what the programs print, and a server repeats what
//! others told it: no character of it may steer a terminal, or make a text look like another.

/// A count with thousands separators.
#[must_use]
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Replaces the characters that are not visible, except for line ends and tabs.
#[must_use]
pub fn printable(text: &str) -> String {
    text.chars().map(|c| if is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// Replaces line ends and tabs too, so that no part of the text looks like a line of its own.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || is_hidden(c) { '\u{fffd}' } else { c }).collect()
}

/// Control characters, characters that change the direction of a text, and those of no width.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        '\u{ad}'
        | '\u{34f}'
        | '\u{61c}'
        | '\u{115f}'..='\u{1160}'
        | '\u{17b4}'..='\u{17b5}'
        | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}'
        | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{3164}'
        | '\u{fe00}'..='\u{fe0f}'
        | '\u{feff}'
        | '\u{ffa0}'
        | '\u{fff0}'..='\u{fffb}'
        | '\u{1bca0}'..='\u{1bca3}'
        | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0000}'..='\u{e0fff}' => true,
        c => c.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_thousands_separators() {
        let counts = [0, 7, 999, 1_000, 12_345, 1_000_000].map(count);
        assert_eq!(counts, ["0", "7", "999", "1,000", "12,345", "1,000,000"]);
    }

    #[test]
    fn what_steers_a_terminal_or_hides_is_not_printed() {
        for c in [
            '\u{1b}',
            '\u{9b}',
            '\u{7}',
            '\u{8}',
            '\r',
            '\u{0}',
            '\u{7f}',
            '\u{202e}',
            '\u{2066}',
            '\u{200b}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            assert_eq!(printable(&format!("a{c}b\n\tc")), "a\u{fffd}b\n\tc", "{:x}", c as u32);
            assert_eq!(one_line(&format!("a{c}\nb")), "a\u{fffd}\u{fffd}b", "{:x}", c as u32);
        }
        let text = "Ação · ━╸─ │ ┆ ✓ ü 注文 \u{1f4e6}";
        assert_eq!(printable(text), text);
    }
}
