//! Lists that the API answers page by page.

use pedidos_core::text::count;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{
    args::Listed,
    client::{Answer, Page},
    failure::{Failure, Result},
    output,
};

/// The most rows that the API answers at once.
const PAGE: u32 = 200;

/// Reads pages until there are as many rows as wanted, or no more. With --json all of them are one
/// answer of the API, printed page by page; else `show` gets the rows of each page. `name`: the member
/// of an answer that has the rows.
pub async fn print<T: DeserializeOwned>(
    name: &str,
    listed: &Listed,
    page: impl AsyncFn(Page) -> Result<Answer<Value>>,
    mut show: impl FnMut(Vec<T>) -> Result<()>,
) -> Result<()> {
    let (mut left, mut cursor) = (listed.limit, listed.cursor.clone());
    let mut printed = 0;
    loop {
        let mut answer = page(Page { limit: left.min(PAGE), cursor }).await?.read()?;
        let Some(Value::Array(rows)) = answer.get_mut(name).map(Value::take) else {
            let text = format!("cannot read the answer: it has no {name}; is it the API?");
            return Err(Failure::Failed(text));
        };
        cursor = answer["nextCursor"].as_str().map(str::to_owned);
        let found = rows.len();
        if output::is_json() {
            print_rows(name, &rows, printed)?;
        } else {
            show(read(rows)?)?;
        }
        printed += found;
        left = left.saturating_sub(found as u32);
        if left == 0 || found == 0 || cursor.is_none() {
            break;
        }
    }
    if output::is_json() {
        let rest = json!({ "limit": listed.limit, "count": printed, "nextCursor": cursor });
        return output::json(&format!("],{}", rest.to_string().trim_start_matches('{')));
    }
    if cursor.is_some() {
        output::note(&format!("there are more than these {}: --limit N", count(printed as u64)));
    }
    Ok(())
}

fn read<T: DeserializeOwned>(rows: Vec<Value>) -> Result<Vec<T>> {
    let rows: std::result::Result<_, _> = rows.into_iter().map(serde_json::from_value).collect();
    rows.map_err(|error| {
        Failure::Failed(format!("cannot read the answer: {error}; is it the API?"))
    })
}

/// `before`: how many are printed already.
fn print_rows(name: &str, rows: &[Value], before: usize) -> Result<()> {
    if before == 0 {
        output::json_part(&format!("{{\"{name}\":["))?;
    }
    for (index, row) in rows.iter().enumerate() {
        let separator = if before + index == 0 { "" } else { "," };
        output::json_part(&format!("{separator}{row}"))?;
    }
    Ok(())
}
