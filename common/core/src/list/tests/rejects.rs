//! Every code, with lines that cause it.

use super::{super::RejectCode, *};

/// Format, line, field, code, a part of the message.
type Case = (ListFormat, String, Option<&'static str>, RejectCode, &'static str);

const HEADER: &str = "ref;cliente;valor;tier;priority;observacoes;dados\n";

fn ndjson(
    line: impl Into<String>,
    field: impl Into<Option<&'static str>>,
    code: RejectCode,
    says: &'static str,
) -> Case {
    (Ndjson, line.into(), field.into(), code, says)
}

/// A line with both required fields, and this.
fn also(
    members: impl AsRef<str>,
    field: &'static str,
    code: RejectCode,
    says: &'static str,
) -> Case {
    let line = format!(r#"{{"cliente":"Ana","valor":1,{}}}"#, members.as_ref());
    ndjson(line, field, code, says)
}

fn price(text: &str, code: RejectCode, says: &'static str) -> Case {
    ndjson(format!(r#"{{"cliente":"Ana","valor":{text}}}"#), "valor", code, says)
}

fn csv(
    line: impl Into<String>,
    field: impl Into<Option<&'static str>>,
    code: RejectCode,
    says: &'static str,
) -> Case {
    (Csv, line.into(), field.into(), code, says)
}

fn cases() -> Vec<Case> {
    use RejectCode::*;
    let deep = |levels| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    vec![
        ndjson(format!(r#"{{"cliente":"{}"}}"#, "x".repeat(65_536)), None, LineTooLong, "64 KiB"),
        csv(format!(";{};1;;;;", "x".repeat(65_536)), None, LineTooLong, "quote"),
        ndjson("Ana,12.5", None, NotJson, "whole JSON object"),
        ndjson(r#"{"cliente":"Ana",}"#, None, NotJson, "(character 18)"),
        ndjson(r#"{"cliente":"Ana","valor":NaN}"#, None, NotJson, "expected value"),
        ndjson(r#"{"cliente":"Ana","valor":12,50}"#, None, NotJson, "key must be a string"),
        ndjson(r#"{"cliente":"Ana","valor":0x1}"#, None, NotJson, "valid JSON"),
        ndjson(r#"{"cliente":"Ana","valor":012}"#, None, NotJson, "number"),
        ndjson(r#"{"cliente":"Ana","valor":+1}"#, None, NotJson, "expected value"),
        ndjson(r#"{"cliente":"Ana","valor":1} {}"#, None, NotJson, "trailing"),
        ndjson(r#"{"cliente":"Ana","#, None, NotJson, "EOF"),
        ndjson("{\"cliente\":\"A\0\",\"valor\":1}", None, NotJson, "control character"),
        ndjson(r#"{"cliente":"\ud800","valor":1}"#, "cliente", NotJson, "hex escape"),
        also(r#""dados":{"a":1e400}"#, "dados", NotJson, "out of range"),
        also(r#""dados":{"a":"\ud800"}"#, "dados", NotJson, "hex escape"),
        also(r#""other":1e400"#, "dados", NotJson, "out of range"),
        csv(";Ana;1;;;;{a}", "dados", NotJson, "key must be a string"),
        csv(";Ana;1;;;;{} {}", "dados", NotJson, "trailing"),
        ndjson(r#" ["Ana",12.5]"#, None, NotAnObject, "each line is one"),
        ndjson("123", None, NotAnObject, "each line is one"),
        ndjson("null", None, NotAnObject, "each line is one"),
        ndjson(r#""Ana""#, None, NotAnObject, "each line is one"),
        csv(";\"Ana;1;;;;\n;Bia;2;;;;", None, OpenQuote, "before it is closed"),
        csv(";Ana;12;;;;;5", None, Columns, "8 cells and the header 7"),
        csv("Ana", None, Columns, "1 cells and the header 7"),
        csv(format!(";Ana;1{}", ";".repeat(2_000)), None, Columns, "more than 1000 cells"),
        ndjson(r#"{"valor":1,"valor":2}"#, "valor", DuplicateKey, "give it once"),
        ndjson(r#"{"cliente":null,"cliente":"Ana","valor":2}"#, "cliente", DuplicateKey, "twice"),
        also(r#""a":1,"\u0061":2"#, "a", DuplicateKey, "give it once"),
        also(r#""a":1,"dados":{"\u0061":2}"#, "a", DuplicateKey, "and in dados"),
        also(r#""ref":"A","id":7,"dados":{"id":2}"#, "id", DuplicateKey, "and in dados"),
        ndjson("{}", "cliente", Required, "cliente is missing"),
        ndjson(r#"{"valor":1}"#, "cliente", Required, "every order has one"),
        ndjson(r#"{"cliente":"Ana"}"#, "valor", Required, "valor is missing"),
        ndjson(r#"{"cliente":"Ana","valor":null}"#, "valor", Required, "every order has one"),
        csv(";;1;;;;", "cliente", Required, "every order has one"),
        csv(";Ana;;;;;", "valor", Required, "every order has one"),
        price(r#""12.50""#, Type, "valor is \"12.50\": it must be a number, without quotes"),
        price("[1]", Type, "a number"),
        price("true", Type, "a number"),
        ndjson(r#"{"cliente":7,"valor":1}"#, "cliente", Type, "in quotes"),
        also(r#""tier":["OURO"]"#, "tier", Type, "in quotes"),
        also(r#""ref":1.5"#, "ref", Type, "a string or a whole number"),
        also(r#""ref":-1"#, "ref", Type, "a string or a whole number"),
        also(r#""id":true"#, "id", Type, "a string or a whole number"),
        also(r#""dados":[1]"#, "dados", Type, "a JSON object"),
        also(r#""dados":"{}""#, "dados", Type, "a JSON object"),
        csv(";Ana;1;;;;blue", "dados", Type, "a JSON object"),
        also(r#""ref":"""#, "ref", Empty, "not white space"),
        also(r#""ref":" \t""#, "ref", Empty, "not white space"),
        csv("   ;Ana;1;;;;", "ref", Empty, "not white space"),
        ndjson(r#"{"cliente":"","valor":1}"#, "cliente", Empty, "not white space"),
        also(format!(r#""ref":"{}""#, "x".repeat(129)), "ref", TooLong, "128 at most"),
        also(format!(r#""ref":{}"#, "1".repeat(129)), "ref", TooLong, "129 characters"),
        also(format!(r#""observacoes":"{}""#, "é".repeat(1_025)), "observacoes", TooLong, "1024"),
        also(format!(r#""dados":{{"a":"{}"}}"#, "x".repeat(17 * 1_024)), "dados", TooLong, "16384"),
        also(format!(r#""other":"{}""#, "x".repeat(17 * 1_024)), "dados", TooLong, "16384"),
        ndjson(r#"{"cliente":"A\u0000","valor":1}"#, "cliente", ControlCharacter, "U+0000"),
        also(r#""ref":"A\n""#, "ref", ControlCharacter, "U+000A"),
        also(r#""observacoes":"\u001b[2J""#, "observacoes", ControlCharacter, "U+001B"),
        csv(";A\0;1;;;;", "cliente", ControlCharacter, "U+0000"),
        csv(";Ana;twelve;;;;", "valor", NotANumber, "valor is twelve: it must be a number"),
        csv(";Ana;NaN;;;;", "valor", NotANumber, "such as 12.50"),
        csv(";Ana;0x1;;;;", "valor", NotANumber, "such as 12.50"),
        csv(";Ana;R$ 12;;;;", "valor", NotANumber, "such as 12.50"),
        csv(";Ana;1.234,50;;;;", "valor", NotANumber, "nothing between thousands"),
        csv(";Ana;1,2,3;;;;", "valor", NotANumber, "a number"),
        csv(";Ana;.5;;;;", "valor", NotANumber, "a number"),
        csv(";Ana;5.;;;;", "valor", NotANumber, "a number"),
        csv(";Ana;1e;;;;", "valor", NotANumber, "a number"),
        price("-1", Negative, "0 or more"),
        price("-0", Negative, "without a sign"),
        price("-0.0", Negative, "without a sign"),
        csv(";Ana;-1,5;;;;", "valor", Negative, "0 or more"),
        price("1e400", TooLarge, "1000000000000 (1e12) at most"),
        price("1000000000000.01", TooLarge, "at most"),
        price("1e99999999999999999999", TooLarge, "at most"),
        price("1234567890123456789012345678901234567890", TooLarge, "valor is 1234567890"),
        price("12.345", Decimals, "two decimals"),
        price("12.500", Decimals, "two decimals"),
        price("1e-3", Decimals, "two decimals"),
        price("1e-99999999999999999999", Decimals, "two decimals"),
        csv(";Ana;1.234;;;;", "valor", Decimals, "two decimals"),
        csv(";Ana;1,234;;;;", "valor", Decimals, "two decimals"),
        also(r#""tier":"ouro""#, "tier", NotAllowed, "'ouro': it must be one of BRONZE, PRATA"),
        also(r#""priority":"vip""#, "priority", NotAllowed, "VIP, NORMAL, in upper case"),
        also(r#""priority":"VIP","tier":"GOLD""#, "tier", NotAllowed, "one of"),
        also(r#""priority":"""#, "priority", NotAllowed, "one of"),
        also(format!(r#""dados":{{"a":{}}}"#, deep(200)), "dados", TooDeep, "flatter"),
        also(format!(r#""other":{}"#, deep(200)), "dados", TooDeep, "flatter"),
        also(format!(r#""other":{}"#, deep(8_000)), "dados", TooDeep, "flatter"),
    ]
}

#[test]
fn every_code_has_a_line_that_causes_it_and_names_the_field() {
    let mut seen: Vec<RejectCode> = Vec::new();
    for (format, line, field, code, says) in cases() {
        let (list, at) = match format {
            Ndjson => (format!("{{\"cliente\":\"Bia\",\"valor\":1}}\n{line}\n"), 2),
            Csv => (format!("{HEADER}\n;Bia;1;;;;\n{line}\n"), 4),
        };
        let start = line.get(..100).unwrap_or(&line);
        let whole = read(format, &list);
        assert_eq!((whole.error, whole.orders.len()), (None, 2), "{start}");
        let reject = whole.orders[1].as_ref().expect_err(start);
        assert_eq!((reject.code, reject.field.as_deref()), (code, field), "{start}: {reject:?}");
        assert!(reject.message.contains(says), "{start}: {} has no '{says}'", reject.message);
        assert!(reject.message.len() < 300, "{}", reject.message);
        assert_eq!(reject.line, at, "{start}");
        if line.len() < 1_000 && code != RejectCode::OpenQuote {
            assert_eq!(reject.original, line);
        }
        assert!(reject.original.len() <= 65_536, "{start}");
        seen.push(code);
    }
    // Bytes that no text has; a line of no priority; and what only the importer knows.
    seen.extend([RejectCode::NotUtf8, RejectCode::NoPriority]);
    seen.extend([RejectCode::DuplicateRef, RejectCode::Refused]);
    for code in RejectCode::ALL {
        assert!(seen.contains(&code), "no line causes {code:?}");
        assert_eq!(serde_json::to_string(&code).unwrap(), format!("\"{}\"", code.as_str()));
    }
}

#[test]
fn text_in_another_encoding_is_a_reject_of_its_line() {
    let whole =
        read(Ndjson, b"{\"cliente\":\"Jos\xe9\",\"valor\":1}\n{\"cliente\":\"Ana\",\"valor\":1}");
    let reject = whole.orders[0].as_ref().unwrap_err();
    assert_eq!((reject.code, &reject.field), (RejectCode::NotUtf8, &None));
    assert_eq!(
        reject.message,
        "byte 16 of the line is not UTF-8: save the list as UTF-8 (it may be Latin-1)"
    );
    assert_eq!(reject.original, "{\"cliente\":\"Jos\u{fffd}\",\"valor\":1}");
    assert!(whole.orders[1].is_ok());
    let whole = read(Csv, b"cliente,valor\nJos\xe9,1\n");
    let reject = whole.orders[0].as_ref().unwrap_err();
    assert_eq!((reject.code, reject.field.as_deref()), (RejectCode::NotUtf8, Some("cliente")));
    assert_eq!(reject.original, "Jos\u{fffd},1");
}

#[test]
fn an_order_needs_a_priority_from_somewhere() {
    let mut list = ListReader::new(Ndjson, false);
    list.feed(b"{\"cliente\":\"Ana\",\"valor\":1}\n");
    let record = list.next().unwrap().unwrap();
    let reject = record.parse(None).unwrap_err();
    assert_eq!(reject.code, RejectCode::NoPriority);
    assert!(reject.message.contains("defaultPriority"), "{}", reject.message);
    assert_eq!(record.parse(Some(Priority::Vip)).unwrap().priority, Priority::Vip);
}
