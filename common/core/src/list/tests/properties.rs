//! Random lists, written and cut at random.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::*;
use crate::{list::spreadsheet::guard, order::Tier};

/// How a list is written.
#[derive(Debug, Clone)]
#[allow(clippy::struct_excessive_bools)]
struct Style {
    csv: bool,
    semicolon: bool,
    crlf: bool,
    mark: bool,
    last_end: bool,
    /// In turns: whether a cell is quoted though it need not be; whether a blank line follows.
    quotes: Vec<bool>,
    blanks: Vec<bool>,
}

fn style() -> impl Strategy<Value = Style> {
    let flags = || vec(any::<bool>(), 1..20);
    (any::<(bool, bool, bool, bool, bool)>(), flags(), flags()).prop_map(
        |((csv, semicolon, crlf, mark, last_end), quotes, blanks)| Style {
            csv,
            semicolon,
            crlf,
            mark,
            last_end,
            quotes,
            blanks,
        },
    )
}

fn text(of: &'static [char], length: usize) -> impl Strategy<Value = String> {
    // Not only white space.
    (vec(select(of), 0..length), select(&['x', 'é', '\'', '='][..])).prop_map(|(all, last)| {
        let mut text: String = all.into_iter().collect();
        text.push(last);
        text
    })
}

const NAME: &[char] = &['a', ' ', ',', ';', '"', '\'', '=', '-', '\u{1f4e6}', '\\', '{'];
const NOTE: &[char] = &['a', ' ', ',', ';', '"', '\'', '=', '\n', '\r', '\t', 'ç'];

pub(super) fn order() -> impl Strategy<Value = OrderLine> {
    (
        option::of(text(NAME, 20)),
        text(NAME, 40),
        0..=100_000_000_000_000_u64,
        option::of(select(&Tier::ALL[..])),
        select(&Priority::ALL[..]),
        option::of(text(NOTE, 60)),
        option::of(text(NOTE, 20)),
    )
        .prop_map(|(reference, cliente, cents, tier, priority, observacoes, other)| {
            OrderLine {
                reference,
                cliente,
                valor: cents as f64 / 100.0,
                tier,
                priority,
                observacoes,
                dados: other.map(|it| serde_json::json!({"cor": {"x": it}}).to_string()),
            }
        })
}

fn ndjson(order: &OrderLine) -> String {
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let mut line = format!(
        r#"{{"valor":{:.2},"cliente":{},"priority":"{}""#,
        order.valor,
        text(&order.cliente),
        order.priority.as_str()
    );
    for (name, value) in [
        ("ref", order.reference.as_deref()),
        ("tier", order.tier.map(Tier::as_str)),
        ("observacoes", order.observacoes.as_deref()),
    ] {
        line.extend(value.map(|value| format!(r#","{name}":{}"#, text(value))));
    }
    line.extend(order.dados.iter().map(|dados| format!(r#","dados":{dados}"#)));
    line + "}"
}

fn written(orders: &[OrderLine], style: &Style) -> Vec<u8> {
    let end = if style.crlf { "\r\n" } else { "\n" };
    let mut quotes = style.quotes.iter().cycle();
    let delimiter = if style.semicolon { ";" } else { "," };
    let mut row = |cells: [&str; 7]| {
        let cells = cells.map(|cell| {
            let cell = guard(cell);
            if *quotes.next().unwrap() || cell.contains(['"', '\r', '\n', ',', ';']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.into_owned()
            }
        });
        cells.join(delimiter)
    };
    let mut lines = Vec::new();
    if style.csv {
        lines.push(row(["ref", "Cliente", "valor", "tier", "priority", "observacoes", "dados"]));
    }
    lines.extend(orders.iter().map(|order| {
        if !style.csv {
            return ndjson(order);
        }
        let mut valor = format!("{:.2}", order.valor);
        if style.semicolon {
            valor = valor.replace('.', ",");
        }
        row([
            order.reference.as_deref().unwrap_or_default(),
            &order.cliente,
            &valor,
            order.tier.map(Tier::as_str).unwrap_or_default(),
            order.priority.as_str(),
            order.observacoes.as_deref().unwrap_or_default(),
            order.dados.as_deref().unwrap_or_default(),
        ])
    }));
    let mut list = if style.mark { "\u{feff}".to_owned() } else { String::new() };
    for (line, blank) in lines.iter().zip(style.blanks.iter().cycle()) {
        list += line;
        list += end;
        list += if *blank { end } else { "" };
    }
    if !style.last_end {
        list.truncate(list.trim_end_matches(['\r', '\n']).len());
    }
    list.into_bytes()
}

/// Cuts at these places, of a length of 1000.
fn pieces<'a>(bytes: &'a [u8], places: &[usize]) -> Vec<&'a [u8]> {
    let mut places: Vec<_> = places.iter().map(|place| place * bytes.len() / 1_000).collect();
    places.sort_unstable();
    let ends = places.iter().copied().chain([bytes.len()]);
    let starts = [0].into_iter().chain(places.iter().copied());
    starts.zip(ends).map(|(start, end)| &bytes[start..end]).collect()
}

fn places() -> impl Strategy<Value = Vec<usize>> {
    vec(0..=1_000_usize, 0..12)
}

proptest! {
    #[test]
    fn a_list_is_read_as_it_was_written_however_it_is_cut(
        all in vec(order(), 0..12),
        style in style(),
        members in option::of(places()),
        cuts in places(),
        other_cuts in places(),
    ) {
        let format = if style.csv { Csv } else { Ndjson };
        let plain = written(&all, &style);
        let sent: Vec<u8> = match &members {
            Some(members) => pieces(&plain, members).into_iter().flat_map(packed).collect(),
            None => plain.clone(),
        };
        let whole = read_pieces(format, members.is_some(), pieces(&sent, &cuts));
        prop_assert_eq!(&whole.error, &None);
        let found: Vec<_> = whole.orders.iter().map(|it| it.clone().unwrap()).collect();
        prop_assert_eq!(found, all.clone());
        prop_assert_eq!(whole.bytes, plain.len() as u64);
        prop_assert_eq!(&read_pieces(format, false, pieces(&plain, &other_cuts)), &whole);
        // Neither line ends and quotes nor a mark change what the list is.
        let other = Style {
            crlf: !style.crlf,
            mark: !style.mark,
            last_end: !style.last_end,
            quotes: style.quotes.iter().map(|it| !it).collect(),
            blanks: vec![false],
            ..style.clone()
        };
        prop_assert_eq!(read(format, written(&all, &other)).chain, whole.chain);
        // Each record counts.
        if let [.., last] = all.as_slice() {
            let fewer = written(&all[..all.len() - 1], &style);
            prop_assert_ne!(read(format, fewer).chain, whole.chain);
            let mut changed = all.clone();
            changed.pop();
            changed.push(OrderLine { cliente: format!("{}!", last.cliente), ..last.clone() });
            prop_assert_ne!(read(format, written(&changed, &style)).chain, whole.chain);
        }
    }

    #[test]
    fn no_bytes_make_it_panic_or_depend_on_the_cuts(
        bytes in vec(
            prop_oneof![any::<u8>(), select(&b"\r\n\",;{}[]:\\0eE-.'=\0 \xef\xbb\xbf"[..])],
            0..300,
        ),
        starts in select(&["", "cliente,valor\n", "cliente;valor;dados\r\n", "{\"cliente\":"][..]),
        csv: bool,
        gzip: bool,
        packs: bool,
        cuts in places(),
    ) {
        let format = if csv { Csv } else { Ndjson };
        let plain = [starts.as_bytes(), &bytes].concat();
        let sent = if packs { packed(&plain) } else { plain };
        let whole = read_pieces(format, gzip, [sent.as_slice()]);
        let mut cut = read_pieces(format, gzip, pieces(&sent, &cuts));
        if whole.error.is_some() {
            // An error may come sooner.
            cut.bytes = whole.bytes;
        }
        prop_assert_eq!(cut, whole);
    }

    #[test]
    fn damaged_gzip_is_an_error_or_the_list(at in 0..10_000_usize, bit in 0..8_u32) {
        let plain = "{\"cliente\":\"Ana\",\"valor\":1}\n".repeat(20);
        let mut sent = packed(plain.as_bytes());
        let at = at % sent.len();
        sent[at] ^= 1 << bit;
        let whole = read_pieces(Ndjson, true, [sent.as_slice()]);
        prop_assert!(whole.error.is_some() || whole == read(Ndjson, &plain));
    }
}
