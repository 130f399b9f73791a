//! `pedidos logs`: the lines of every process, in the order of their times.

use std::time::Duration;

use tokio::{signal::ctrl_c, time::sleep};

use crate::{
    answer::Lines,
    args,
    client::{Client, LogQuery, Result},
    failure::Failure,
    output,
};

const POLL_EVERY: Duration = Duration::from_secs(1);
/// The most that one answer may hold: while following, none shall be skipped.
const MOST_LINES: u32 = 5_000;

/// Prints log lines, and with `--follow` those to come, until Ctrl-C.
pub async fn run(client: &Client, args: &args::Logs) -> Result<()> {
    let query = LogQuery { lines: args.lines, level: args.level.as_deref(), after: None };
    let answer = client.logs(&query).await?;
    print(answer.logs)?;
    if !args.follow {
        return Ok(());
    }
    let Some(cursor) = answer.cursor else {
        return Err(Failure::Failed("this API gives no cursor to follow its logs by".into()));
    };
    tokio::select! {
        failed = follow(client, query, cursor) => failed,
        signal = ctrl_c() => {
            signal?;
            Err(Failure::Interrupted(String::new()))
        }
    }
}

async fn follow(client: &Client, query: LogQuery<'_>, mut cursor: String) -> Result<()> {
    let mut in_trouble = false;
    loop {
        sleep(POLL_EVERY).await;
        let query = LogQuery { lines: Some(MOST_LINES), after: Some(&cursor), ..query };
        match client.logs(&query).await {
            Ok(answer) => {
                in_trouble = false;
                print(answer.logs)?;
                cursor = answer.cursor.unwrap_or(cursor);
            }
            Err(failure) if failure.may_pass() => {
                if !in_trouble {
                    eprintln!("{failure}; still trying");
                }
                in_trouble = true;
            }
            Err(failure) => return Err(failure),
        }
    }
}

fn print(lines: Lines) -> Result<()> {
    merged(lines).iter().try_for_each(|line| output::line(line))
}

/// The three lists as one, by the ISO time that each line begins with. A line
/// without one belongs to the line before it.
fn merged(lines: Lines) -> Vec<String> {
    let mut all = Vec::new();
    for list in [lines.log, lines.warn, lines.error] {
        let mut time = String::new();
        for line in list {
            if let Some(own) = line.split_whitespace().next().filter(|word| is_time(word)) {
                own.clone_into(&mut time);
            }
            all.push((time.clone(), line));
        }
    }
    // Stable: what has the same time stays as it came.
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all.into_iter().map(|(_, line)| line).collect()
}

fn is_time(word: &str) -> bool {
    word.len() >= 20 && word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('T')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::answer::Logs;

    fn lines(log: &[&str], warn: &[&str], error: &[&str]) -> Lines {
        let owned = |list: &[&str]| list.iter().map(|line| (*line).to_owned()).collect();
        Lines { log: owned(log), warn: owned(warn), error: owned(error) }
    }

    #[test]
    fn lines_of_all_levels_are_merged_by_time() {
        let merged = merged(lines(
            &["2026-03-01T12:00:00.100Z INFO a", "2026-03-01T12:00:00.300Z INFO c"],
            &["2026-03-01T12:00:00.200Z WARN b"],
            &["2026-03-01T11:59:59.999Z ERROR z", "2026-03-01T12:00:00.400Z ERROR d"],
        ));
        let last: Vec<_> = merged.iter().filter_map(|line| line.split(' ').next_back()).collect();
        assert_eq!(last, ["z", "a", "b", "c", "d"]);
    }

    #[test]
    fn equal_times_keep_their_order_and_a_line_without_one_stays_with_its_own() {
        let time = "2026-03-01T12:00:00.100Z";
        let (one, two, three) =
            (format!("{time} 1"), format!("{time} 2"), "2026-03-01T12:00:00.200Z 3".to_owned());
        let merged = merged(lines(&[&one, "  at main.rs", &two], &[&three], &[]));
        assert_eq!(merged, [one.as_str(), "  at main.rs", &two, &three]);
    }

    #[test]
    fn nothing_logged_is_nothing_printed() {
        assert!(merged(Lines::default()).is_empty());
    }

    #[test]
    fn an_answer_is_read_with_its_cursor_and_without() {
        let answer = |cursor: &str| {
            let text = format!(
                r#"{{"processLog": {{"phase": "DONE"}}, "queueStatus": {{"waiting": 0}},
                    "logs": {{"logMessages": ["l"], "warnMessages": [], "errorMessages": ["e"]}},
                    "quickStats": {{"processedLines": 2}}{cursor}}}"#
            );
            serde_json::from_str::<Logs>(&text).unwrap()
        };
        assert_eq!(answer(r#", "cursor": "1709294400000-3""#).cursor.unwrap(), "1709294400000-3");
        let older = answer("");
        assert!(older.cursor.is_none() && older.logs.error == ["e"]);
    }
}
