//! `pedidos logs`: the lines of all processes, by time.

use std::time::Duration;

use pedidos_api_types::logs::{LogLines, LogsAnswer};
use tokio::time::sleep;

use crate::{
    args,
    client::{Answer, Client, LogQuery},
    failure::{Failure, Result},
    interrupt, output,
};

const POLL_EVERY: Duration = Duration::from_secs(1);
/// The most that the API answers at once, so that as few lines as possible are skipped.
const MOST_LINES: u32 = 5_000;

pub async fn run(client: &Client, args: &args::Logs) -> Result<()> {
    let query = LogQuery { lines: args.lines, level: args.level.as_deref(), after: None };
    let answer = client.logs(&query).await?;
    let cursor = print(&answer, true)?;
    if !args.follow {
        return Ok(());
    }
    if cursor.is_empty() {
        let text = "this API is too old for its logs to be followed: it answers no cursor";
        return Err(Failure::Failed(text.into()));
    }
    // An interrupt is the only end that a user can want here: there is nothing to say.
    interrupt::or(follow(client, query, cursor), String::new).await
}

async fn follow(client: &Client, query: LogQuery<'_>, mut cursor: String) -> Result<()> {
    let (mut in_trouble, mut pause) = (false, POLL_EVERY);
    loop {
        sleep(pause).await;
        let query = LogQuery { lines: Some(MOST_LINES), after: Some(&cursor), ..query };
        match client.logs(&query).await {
            Ok(answer) => {
                (in_trouble, pause) = (false, POLL_EVERY);
                cursor = print(&answer, false)?;
            }
            Err(failure) if failure.is_transient() => {
                if !in_trouble {
                    output::note(&format!("{failure}; still trying"));
                }
                in_trouble = true;
                pause = failure.pause(POLL_EVERY);
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// Answers the cursor, to go on with. With --json an answer without lines is printed only if it is the
/// first.
fn print(answer: &Answer<LogsAnswer>, is_first: bool) -> Result<String> {
    let LogsAnswer { logs, cursor, .. } = answer.read()?;
    let lines = merged(logs);
    if !output::is_json() {
        lines.iter().try_for_each(|line| output::line(line))?;
    } else if is_first || !lines.is_empty() {
        output::json(answer.json()?)?;
    }
    Ok(cursor)
}

/// Merges the three lists by the ISO time at the beginning of each line. A line without a time
/// belongs to the line before it.
fn merged(lines: LogLines) -> Vec<String> {
    let mut all = Vec::new();
    for list in [lines.log_messages, lines.warn_messages, lines.error_messages] {
        let mut time = String::new();
        for line in list {
            if let Some(own) = line.split_whitespace().next().filter(|word| is_time(word)) {
                own.clone_into(&mut time);
            }
            all.push((time.clone(), line));
        }
    }
    // Stable: lines with the same time keep their order.
    all.sort_by(|one, other| one.0.cmp(&other.0));
    all.into_iter().map(|(_, line)| line).collect()
}

fn is_time(word: &str) -> bool {
    word.len() >= 20 && word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('T')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(log: &[&str], warn: &[&str], error: &[&str]) -> LogLines {
        let owned = |list: &[&str]| list.iter().map(|line| (*line).to_owned()).collect();
        LogLines {
            log_messages: owned(log),
            warn_messages: owned(warn),
            error_messages: owned(error),
        }
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
        assert!(merged(LogLines::default()).is_empty());
    }
}
