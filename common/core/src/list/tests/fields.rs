//! What lines say, when nothing is wrong with them.

use super::*;
use crate::{
    list::spreadsheet::{guard, unguard},
    order::Tier,
};

fn order(members: &str) -> OrderLine {
    let line = format!(r#"{{"cliente":"Ana","valor":1{members}}}"#);
    orders(Ndjson, line).remove(0)
}

#[test]
fn a_line_has_every_field() {
    let line = r#"{"ref":"A-1","cliente":"Ana","valor":12.50,"tier":"OURO","priority":"VIP",
        "observacoes":"um\ndois\tfim","dados":{"a":1}}"#
        .replace('\n', " ");
    let csv = "Ref,CLIENTE, Valor ,tier,priority,observacoes,dados\r\n\
               A-1,Ana,12.50,OURO,VIP,\"um\ndois\tfim\",\"{\"\"a\"\":1}\"";
    for all in [orders(Ndjson, line), orders(Csv, csv)] {
        let wanted = OrderLine {
            reference: Some("A-1".to_owned()),
            cliente: "Ana".to_owned(),
            valor: 12.5,
            tier: Some(Tier::Ouro),
            // It wins over the tier.
            priority: Priority::Vip,
            observacoes: Some("um\ndois\tfim".to_owned()),
            dados: Some(r#"{"a":1}"#.to_owned()),
        };
        assert_eq!(all, [wanted]);
    }
}

#[test]
fn the_priority_is_the_lines_or_that_of_its_tier_or_the_default() {
    let priority = |members| order(members).priority;
    assert_eq!(priority(""), Priority::Normal);
    assert_eq!(priority(r#","tier":"DIAMANTE""#), Priority::Vip);
    assert_eq!(priority(r#","tier":"OURO","priority":null"#), Priority::Normal);
    assert_eq!(priority(r#","tier":"DIAMANTE","priority":"NORMAL""#), Priority::Normal);
    assert_eq!(priority(r#","priority":"VIP","tier":"BRONZE""#), Priority::Vip);
}

#[test]
fn a_ref_is_a_text_or_a_whole_number() {
    let reference = |members: &str| order(members).reference;
    assert_eq!(reference(""), None);
    assert_eq!(reference(r#","ref":null,"id":null"#), None);
    let digits = "1234567890123456789012345678901234567890";
    assert_eq!(reference(&format!(r#","ref":{digits}"#)).as_deref(), Some(digits));
    assert_eq!(reference(r#","id":7"#).as_deref(), Some("7"));
    assert_eq!(reference(r#","ref":null,"id":"7""#).as_deref(), Some("7"));
    let emoji = "\u{1f4e6}".repeat(128);
    assert_eq!(reference(&format!(r#","ref":"{emoji}""#)), Some(emoji));
    let both = order(r#","ref":"A","id":{"n":7}"#);
    assert_eq!(both.reference.as_deref(), Some("A"));
    assert_eq!(both.dados.as_deref(), Some(r#"{"id":{"n":7}}"#));
    let both = orders(Csv, "id,ref,cliente,valor\n7,A,Ana,1\n8,,Ana,1\n");
    assert_eq!(both[0].dados.as_deref(), Some(r#"{"id":"7"}"#));
    assert_eq!((both[1].reference.as_deref(), &both[1].dados), (Some("8"), &None));
}

#[test]
fn a_price_is_read_by_its_digits() {
    for (text, wanted) in [
        ("0", 0.0),
        ("0.00", 0.0),
        ("0e99999999999999999999", 0.0),
        ("0.1", 0.1),
        ("0.29", 0.29),
        ("1.25e1", 12.5),
        ("1.23456785E7", 12_345_678.5),
        ("1e12", 1e12),
        ("1000000000000.00", 1e12),
        ("999999999999.99", 999_999_999_999.99),
        ("5e-2", 0.05),
    ] {
        let line = format!(r#"{{"cliente":"Ana","valor":{text}}}"#);
        assert_eq!(orders(Ndjson, line)[0].valor.to_bits(), f64::to_bits(wanted), "{text}");
        let csv = format!("cliente;valor\nAna; {} \n", text.replace('.', ","));
        assert_eq!(orders(Csv, csv)[0].valor.to_bits(), f64::to_bits(wanted), "{text}");
    }
    for cents in (0..100_000_000_000_000_u64).step_by(999_999_999_937) {
        let text = format!("{}.{:02}", cents / 100, cents % 100);
        let line = format!(r#"{{"cliente":"Ana","valor":{text}}}"#);
        let wanted: f64 = text.parse().unwrap();
        assert_eq!(orders(Ndjson, line)[0].valor.to_bits(), wanted.to_bits(), "{text}");
    }
    // Between commas, a comma in quotes is no decimal sign.
    let whole = read(Csv, "cliente,valor\nAna,\"12,50\"\nAna,007\n");
    assert!(whole.orders[0].as_ref().unwrap_err().message.contains("write 12.50"));
    assert_eq!(whole.orders[1].as_ref().unwrap().valor.to_bits(), 7_f64.to_bits());
}

#[test]
fn dados_stay_as_they_came() {
    for text in [
        "{}",
        r#"{"$set":{"a.b":1},"_id":{"$oid":"65f000000000000000000000"},"__proto__":{"x":1}}"#,
        r#"{ "n" : 1.10000000000000000000001 , "n" : 12345678901234567890123,"n":[ ]}"#,
        r#"{"nul":"\u0000","slash":"\/","e":"\u00e9é"}"#,
    ] {
        assert_eq!(order(&format!(r#","dados":{text}"#)).dados.as_deref(), Some(text));
        let cell = text.replace('"', "\"\"");
        let csv = format!("dados,cliente,valor\n\"{cell}\",Ana,1\n");
        assert_eq!(orders(Csv, csv)[0].dados.as_deref(), Some(text));
    }
    assert_eq!(order(r#","dados":null"#).dados, None);
    let deepest = format!("{}1{}", r#"{"a":"#.repeat(127), "}".repeat(127));
    assert_eq!(order(&format!(r#","dados":{deepest}"#)).dados, Some(deepest.clone()));
    assert!(serde_json::from_str::<serde_json::Value>(&deepest).is_ok());
}

#[test]
fn what_else_a_line_has_goes_into_dados() {
    let dados = |members| order(members).dados.unwrap();
    assert_eq!(dados(r#","cor":"azul","n":1.0"#), r#"{"cor":"azul","n":1.0}"#);
    assert_eq!(dados(r#","cor":null,"dados":{ }"#), r#"{ "cor":null}"#);
    assert_eq!(dados(r#","b\"":[1, 2],"dados":{"a":{}}"#), r#"{"a":{},"b\"":[1, 2]}"#);
    assert_eq!(dados(r#","__proto__":1,"Cliente":"x""#), r#"{"__proto__":1,"Cliente":"x"}"#);
    assert_eq!(order(r#","pedidos_id":"x","pedidos_id":"y""#).dados, None);
    let csv = "cliente,valor,Cor,pedidos_status,dados,,vazio\n\
               Ana,1,\"a\"\"zul\",processado,{},,\nBia,2,,,,,\n";
    let all = orders(Csv, csv);
    assert_eq!(all[0].dados.as_deref(), Some(r#"{"Cor":"a\"zul"}"#));
    assert_eq!(all[1].dados, None);
    let whole = read(Csv, "cliente,valor,\nAna,1,x\n");
    assert!(whole.orders[0].as_ref().unwrap_err().message.contains("column 3 has no name"));
}

#[test]
fn a_cell_that_a_spreadsheet_would_run_comes_back_as_it_was() {
    let all = orders(Csv, "cliente,valor,'=x\n'=1+1,1,'ok\n");
    assert_eq!(all[0].cliente, "=1+1");
    assert_eq!(all[0].dados.as_deref(), Some(r#"{"=x":"'ok"}"#));
    for cell in ["", "'", "''", "=1", "'=1", "''@x", "'a", "-5", "\tx", "\rx", "a=1", "+", "''"] {
        assert_eq!(unguard(&guard(cell)), cell);
        assert!(!guard(cell).starts_with(['=', '+', '-', '@', '\t', '\r']));
    }
}

#[test]
fn blank_lines_count_and_are_no_records() {
    let line = r#"{"cliente":"Ana","valor":1}"#;
    let whole = read(Ndjson, format!("\u{feff}\n  \r\n{line}\r\n\n\t\n{line}"));
    assert_eq!((whole.lines, whole.orders.len()), (vec![3, 6], 2));
    let csv = "\u{feff}\r\n\r\n\"cliente\",valor\r\n\r\n\"Ana\nB\n\",1\r\n , \r\nBia,1\r\n\r\n";
    let whole = read(Csv, csv);
    assert_eq!((whole.lines, whole.orders.len()), (vec![5, 9], 2));
    assert_eq!(whole.bytes, csv.len() as u64);
    // The line ends of old Macs.
    let whole = read(Csv, "cliente,valor\r\rAna,1\rBia,1");
    assert_eq!((whole.lines, whole.error), (vec![3, 4], None));
}
