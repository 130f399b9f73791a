//! A record of CSV.

use std::borrow::Cow;

use super::{
    dados,
    draft::Draft,
    encoded::decode,
    field::Field,
    header::{Column, Header},
    reject::{Problem, RejectCode, shorten},
    spreadsheet::unguard,
};

/// `encoded`: the cells, with their lengths.
pub fn read<'a>(encoded: &'a [u8], header: &'a Header) -> Result<Draft<'a>, Problem> {
    let (has, wants) = (decode(encoded).count(), header.columns.len());
    if has != wants {
        return Err(Problem::of_line(
            RejectCode::Columns,
            format!(
                "the line has {has} cells and the header {wants}: a cell that has the delimiter, a \
                 quote or a line end in it must be in double quotes"
            ),
        ));
    }
    let (mut draft, mut id, mut object) = (Draft::default(), None, None);
    let mut others: Vec<dados::Member<'_>> = Vec::new();
    for (number, (cell, column)) in (1..).zip(decode(encoded).zip(&header.columns)) {
        let cell = text(cell, column, number)?;
        if cell.is_empty() {
            continue;
        }
        match column {
            Column::Ignored => {}
            Column::Known(Field::Ref) => draft.reference = Some(cell.into()),
            Column::Known(Field::Id) => id = Some(cell),
            Column::Known(Field::Cliente) => draft.cliente = Some(cell.into()),
            Column::Known(Field::Valor) => draft.valor = Some(number_of(cell, header.delimiter)?),
            Column::Known(Field::Tier) => draft.tier = Some(cell.trim().into()),
            Column::Known(Field::Priority) => draft.priority = Some(cell.trim().into()),
            Column::Known(Field::Observacoes) => draft.observacoes = Some(cell.into()),
            Column::Known(Field::Dados) => object = Some(cell.trim_ascii()),
            Column::Other(name) => others.push((name.into(), dados::quoted(cell).into())),
            Column::Nameless => {
                let text = format!(
                    "column {number} has no name in the header, and the line has '{}' in it: name \
                     the column, or leave it out",
                    shorten(cell)
                );
                return Err(Problem::of_line(RejectCode::Columns, text));
            }
        }
    }
    match (&draft.reference, id) {
        (Some(_), Some(id)) => {
            others.push((Field::Id.as_str().into(), dados::quoted(id).into()));
        }
        (None, Some(id)) => draft.reference = Some(id.into()),
        (_, None) => {}
    }
    draft.dados = dados::join(object, &others)?;
    Ok(draft)
}

fn text<'a>(cell: &'a [u8], column: &Column, number: usize) -> Result<&'a str, Problem> {
    let text = std::str::from_utf8(cell).map_err(|_| {
        let name = match column {
            Column::Known(field) => field.as_str().to_owned(),
            Column::Other(name) => name.clone(),
            Column::Ignored | Column::Nameless => format!("column {number}"),
        };
        let text = "is not UTF-8: save the list as UTF-8 (it may be Latin-1)";
        Problem::of_field(&name, RejectCode::NotUtf8, text)
    })?;
    Ok(unguard(text))
}

/// The number as JSON writes it. Where `;` delimits, the comma is the decimal sign, as in Brazil.
fn number_of(cell: &str, delimiter: u8) -> Result<Cow<'_, str>, Problem> {
    let cell = cell.trim();
    let fault = match (cell.contains(','), delimiter) {
        (false, _) => return Ok(cell.into()),
        (true, b';') if !cell.contains('.') => return Ok(cell.replace(',', ".").into()),
        (true, b';') => "it may have one decimal sign, and nothing between thousands",
        _ => "write 12.50; a comma is a decimal sign only where ; delimits the columns",
    };
    let text = format!("is {}: {fault}", shorten(cell));
    Err(Problem::of_field(Field::Valor.as_str(), RejectCode::NotANumber, text))
}
