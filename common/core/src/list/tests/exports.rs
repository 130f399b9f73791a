//! An export is a list: what was imported comes back.

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::{properties::order, *};
use crate::{
    list::{
        ExportFormat, ExportLine,
        field::{Field, is_ignored},
    },
    order::Tier,
};

const FORMATS: [ExportFormat; 3] =
    [ExportFormat::Ndjson, ExportFormat::Csv, ExportFormat::SemicolonCsv];

fn exported(order: &OrderLine, error: Option<String>) -> ExportLine {
    ExportLine {
        id: "01a20641-6fe7-7000-8000-1011b5a21848".to_owned(),
        reference: order.reference.clone(),
        cliente: Some(order.cliente.clone()),
        valor: Some(order.valor),
        tier: order.tier.map(|tier| tier.as_str().to_owned()),
        priority: Some(order.priority.as_str().to_owned()),
        observacoes: order.observacoes.clone(),
        dados: order.dados.clone(),
        status: Some("falhou".to_owned()),
        attempts: error.as_ref().map(|_| 3),
        error,
        created_at: Some("2026-11-23T02:34:41.519Z".to_owned()),
        ..ExportLine::default()
    }
}

fn written(format: ExportFormat, lines: &[ExportLine]) -> String {
    let mut text = format.header();
    for line in lines {
        line.write(format, &mut text);
    }
    text
}

fn read_back(format: ExportFormat, text: &str) -> Vec<OrderLine> {
    let list = if format == ExportFormat::Ndjson { Ndjson } else { Csv };
    orders(list, text)
}

proptest! {
    #[test]
    fn every_order_that_was_imported_comes_back_as_it_was(
        all in vec((order(), option::of("\\PC*[\r\n\t=';,\"]?\\PC*")), 0..12),
        format in select(&FORMATS[..]),
    ) {
        let lines: Vec<_> =
            all.iter().map(|(order, error)| exported(order, error.clone())).collect();
        let found = read_back(format, &written(format, &lines));
        prop_assert_eq!(found, all.into_iter().map(|(order, _)| order).collect::<Vec<_>>());
    }
}

#[test]
fn lines_are_written_like_this() {
    let order = OrderLine {
        reference: Some("A-1".to_owned()),
        cliente: "=cmd(), \"Ana\"".to_owned(),
        valor: 1_234.5,
        tier: Some(Tier::Ouro),
        priority: Priority::Vip,
        observacoes: None,
        dados: Some("{\"a\":\r\n1}".to_owned()),
    };
    let line = exported(&order, Some("-1".to_owned()));
    assert_eq!(
        written(ExportFormat::Ndjson, std::slice::from_ref(&line)),
        concat!(
            r#"{"pedidos_id":"01a20641-6fe7-7000-8000-1011b5a21848","ref":"A-1","#,
            r#""cliente":"=cmd(), \"Ana\"","valor":1234.50,"tier":"OURO","priority":"VIP","#,
            r#""dados":{"a":  1},"pedidos_status":"falhou","pedidos_error":"-1","#,
            r#""pedidos_attempts":3,"pedidos_createdAt":"2026-11-23T02:34:41.519Z"}"#,
            "\n"
        )
    );
    assert_eq!(
        written(ExportFormat::SemicolonCsv, std::slice::from_ref(&line)),
        concat!(
            "\u{feff}pedidos_id;ref;cliente;valor;tier;priority;observacoes;dados;pedidos_status;",
            "pedidos_error;pedidos_attempts;pedidos_note;pedidos_createdAt;pedidos_processedAt;",
            "pedidos_failedAt;pedidos_retriedAt;pedidos_removedAt\r\n",
            "01a20641-6fe7-7000-8000-1011b5a21848;A-1;\"'=cmd(), \"\"Ana\"\"\";1234,50;OURO;VIP;;",
            "\"{\"\"a\"\":\r\n1}\";falhou;'-1;3;;2026-11-23T02:34:41.519Z;;;;\r\n"
        )
    );
    for format in FORMATS {
        let [back] = &read_back(format, &written(format, std::slice::from_ref(&line)))[..] else {
            panic!("one line is one order")
        };
        assert_eq!((&back.cliente, back.valor), (&order.cliente, order.valor));
    }
}

/// What others wrote into the collection makes no line that cannot be read.
#[test]
fn what_somebody_else_has_stored_is_told_as_it_is() {
    let line = ExportLine {
        id: "1".to_owned(),
        valor: Some(f64::NAN),
        dados: Some("{\"a\":\n".to_owned()),
        ..ExportLine::default()
    };
    let text = written(ExportFormat::Ndjson, &[line]);
    assert_eq!(text, "{\"pedidos_id\":\"1\",\"dados\":\"{\\\"a\\\":\\n\"}\n");
    let more = ExportLine { valor: Some(0.125), ..ExportLine::default() };
    let text = written(ExportFormat::Ndjson, &[more]);
    assert_eq!(text, "{\"pedidos_id\":\"\",\"valor\":0.125}\n");
}

#[test]
fn every_column_is_a_field_of_a_list_or_ignored() {
    let header = ExportFormat::Csv.header();
    let (known, ours): (Vec<_>, Vec<_>) =
        header.trim_end().split(',').partition(|name| Field::of(name).is_some());
    // `id` in a list is the client's own: an export has it as `ref`.
    assert_eq!(known.len(), Field::ALL.len() - 1);
    assert!(ours.iter().all(|name| is_ignored(&name.to_lowercase())), "{ours:?}");
}
