//! The file `.env`: `NAME=value` lines, as shells and Docker write them. A value stands as it
//! is written: `$` means nothing in it, for a password may have one.

use std::{
    collections::HashMap,
    env, fs, io,
    path::{Path, PathBuf},
};

const NAME: &str = ".env";

/// The `.env` of this folder, or of the nearest one above it.
///
/// # Errors
/// Every mistake, with the file's name, and without its lines' text, which may be a password.
pub fn read() -> Result<HashMap<String, String>, Vec<String>> {
    let Some(path) = env::current_dir().ok().and_then(|folder| nearest(&folder)) else {
        return Ok(HashMap::new());
    };
    let named = |what: String| format!("{}: {what}", path.display());
    let bytes = fs::read(&path).map_err(|error| vec![named(error.to_string())])?;
    let text = String::from_utf8(bytes)
        .map_err(|_| vec![named("it is not UTF-8 text: save it as UTF-8".to_owned())])?;
    parse(&text).map_err(|mistakes| mistakes.into_iter().map(named).collect())
}

fn nearest(folder: &Path) -> Option<PathBuf> {
    let there = |path: &PathBuf| match fs::metadata(path) {
        Ok(found) => found.is_file(),
        // Reading it reports what is wrong.
        Err(error) => {
            !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
        }
    };
    folder.ancestors().map(|folder| folder.join(NAME)).find(there)
}

/// Reads the text of such a file. A name that is given twice has its last value.
fn parse(text: &str) -> Result<HashMap<String, String>, Vec<String>> {
    let mut values = HashMap::new();
    let mut mistakes = Vec::new();
    // Editors of Windows begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (number, line) in (1..).zip(text.lines()) {
        match parse_line(line.trim()) {
            Ok(Some((name, value))) => drop(values.insert(name, value)),
            Ok(None) => {}
            Err(mistake) => mistakes.push(format!("line {number}: {mistake}")),
        }
    }
    if mistakes.is_empty() { Ok(values) } else { Err(mistakes) }
}

fn parse_line(line: &str) -> Result<Option<(String, String)>, &'static str> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = match line.strip_prefix("export") {
        Some(rest) if rest.starts_with([' ', '\t']) => rest,
        _ => line,
    };
    let (name, value) = line.split_once('=').ok_or("it is not NAME=value")?;
    let name = name.trim();
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if name.is_empty() || !name.chars().all(fits) {
        return Err("the text before = is not a name");
    }
    let value = value.trim_start();
    let value = match value.chars().next() {
        Some(quote @ ('"' | '\'')) => quoted(&value[1..], quote)?,
        _ => bare(value),
    };
    Ok(Some((name.to_owned(), value)))
}

/// Up to the quote that ends it; only a comment may follow.
fn quoted(text: &str, quote: char) -> Result<String, &'static str> {
    let mut value = String::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            _ if c == quote => {
                let rest = chars.as_str().trim_start();
                return if rest.is_empty() || rest.starts_with('#') {
                    Ok(value)
                } else {
                    Err("something follows the quote that ends the value")
                };
            }
            '\\' if quote == '"' => match chars.next() {
                Some('n') => value.push('\n'),
                Some(c) => push_escaped(&mut value, c),
                None => value.push('\\'),
            },
            _ => value.push(c),
        }
    }
    Err("the quote that begins the value is not ended on this line")
}

/// Up to a comment, which has a space before it: passwords have # in them.
fn bare(text: &str) -> String {
    let mut value = String::new();
    let mut chars = text.chars();
    let mut after_space = true;
    while let Some(c) = chars.next() {
        match c {
            '#' if after_space => break,
            '\\' => match chars.next() {
                Some(c) => push_escaped(&mut value, c),
                None => value.push('\\'),
            },
            _ => value.push(c),
        }
        after_space = c == ' ' || c == '\t';
    }
    value.trim_end().to_owned()
}

/// A backslash counts before what shells want it before, and stands for itself elsewhere.
fn push_escaped(value: &mut String, c: char) {
    if !matches!(c, '\\' | '\'' | '"' | '$' | ' ' | '#') {
        value.push('\\');
    }
    value.push(c);
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_stands_as_it_is_written() {
        for (line, value) in [
            ("A=b", "b"),
            ("export A=b", "b"),
            ("  A = b  ", "b"),
            ("A=", ""),
            ("A=   # a comment", ""),
            ("A=b # a comment", "b"),
            ("A=b#c", "b#c"),
            ("A=pa$$word", "pa$$word"),
            ("A=$HOME", "$HOME"),
            ("A=${HOME}x", "${HOME}x"),
            (r"A=pa\$\\x\y", r"pa$\x\y"),
            ("A='pa$\\word' # c", "pa$\\word"),
            (r#"A="a \"b\" $c\nd""#, "a \"b\" $c\nd"),
            ("A=a b=c", "a b=c"),
            ("A=redis://:a'b\"c@h", "redis://:a'b\"c@h"),
            ("\u{feff}A=b", "b"),
            ("A=b\r", "b"),
            ("A=b\nA=c", "c"),
        ] {
            assert_eq!(parse(line).unwrap()["A"], value, "{line}");
        }
        for nothing in ["", "\u{feff}", "# A=b", " \t", "\u{feff}# A=b\r\n"] {
            assert!(parse(nothing).unwrap().is_empty(), "{nothing:?}");
        }
    }

    #[test]
    fn every_line_that_makes_no_sense_is_named_and_not_shown() {
        let text = "A=b\nSECRET\n=SECRET\nA B=SECRET\nA=\"SECRET\nA='x'SECRET";
        let mistakes = parse(text).unwrap_err();
        let lines = mistakes.iter().map(|mistake| mistake.split(':').next().unwrap());
        assert!(lines.eq(["line 2", "line 3", "line 4", "line 5", "line 6"]), "{mistakes:?}");
        assert!(!mistakes.concat().contains("SECRET"), "{mistakes:?}");
    }

    #[test]
    fn the_nearest_file_counts_and_a_folder_of_that_name_is_none() {
        let top = env::temp_dir().join(format!("pedidos-env-{:032x}", rand::random::<u128>()));
        let inner = top.join("a").join("b");
        fs::create_dir_all(inner.join(NAME)).unwrap();
        fs::write(top.join(NAME), "A=b").unwrap();
        assert_eq!(nearest(&inner).unwrap(), top.join(NAME));
        fs::write(top.join("a").join(NAME), "A=b").unwrap();
        assert_eq!(nearest(&inner).unwrap(), top.join("a").join(NAME));
        fs::remove_dir_all(top).unwrap();
    }

    proptest! {
        #[test]
        fn no_file_is_too_strange(text in "(\\PC|[\r\n\t=#'\"\\\\$]){0,80}") {
            if let Err(mistakes) = parse(&text) {
                prop_assert!(!mistakes.is_empty());
            }
        }

        #[test]
        fn single_quotes_keep_everything(value in "[^'\r\n]{0,40}") {
            prop_assert_eq!(&parse(&format!("A='{value}'")).unwrap()["A"], &value);
        }
    }
}
