//! `--map`: which field of an order comes from which field of the list.

use std::str::FromStr;

use crate::failure::{Failure, Result};

/// The fields of an order. What else a line has goes into `dados`.
const TARGETS: [&str; 8] =
    ["ref", "id", "cliente", "valor", "tier", "priority", "observacoes", "dados"];

/// `cliente=customer.name`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rename {
    pub target: &'static str,
    pub source: String,
}

impl FromStr for Rename {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let fields = TARGETS.join(", ");
        let Some((target, source)) = text.split_once('=') else {
            return Err(format!("write FIELD=NAME, where FIELD is one of {fields}"));
        };
        let (target, source) = (target.trim(), source.trim());
        let Some(target) = TARGETS.into_iter().find(|known| *known == target) else {
            return Err(format!("an order has no field '{target}': it has {fields}"));
        };
        if source.is_empty() {
            return Err(format!("'{target}=' names no field of the list"));
        }
        Ok(Self { target, source: source.to_owned() })
    }
}

/// The renames of a list.
#[derive(Debug, Default)]
pub struct Mapping(Vec<Rename>);

impl Mapping {
    pub fn new(mut renames: Vec<Rename>) -> Result<Self> {
        let twice = |what: &str| Err(Failure::Usage(format!("--map names {what} twice")));
        for (index, one) in renames.iter().enumerate() {
            for other in renames.iter().skip(index + 1) {
                if one.target == other.target {
                    return twice(one.target);
                }
                if one.source == other.source {
                    return twice(&one.source);
                }
            }
        }
        // What lies in an object is taken before the object itself.
        renames.sort_by_key(|rename| std::cmp::Reverse(rename.source.matches('.').count()));
        Ok(Self(renames))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn renames(&self) -> &[Rename] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use pedidos_core::list::{ListFormat, ListReader};

    use super::*;

    fn mapping(text: &str) -> Result<Mapping> {
        Mapping::new(text.split(',').map(|one| one.parse().unwrap()).collect())
    }

    #[test]
    fn a_rename_names_a_field_of_an_order_and_one_of_the_list() {
        let rename: Rename = "cliente=customer.name".parse().unwrap();
        assert_eq!((rename.target, rename.source.as_str()), ("cliente", "customer.name"));
        assert_eq!("valor= a=b ".parse::<Rename>().unwrap().source, "a=b");
        for text in ["client=name", "cliente", "=name"] {
            let error = text.parse::<Rename>().unwrap_err();
            assert!(error.contains("cliente, valor, tier"), "{error}");
        }
        assert!("cliente=".parse::<Rename>().is_err());
    }

    #[test]
    fn nothing_is_named_twice() {
        assert!(mapping("cliente=name,valor=total").is_ok());
        assert!(mapping("ref=id,id=ref").is_ok());
        for text in ["cliente=a,cliente=b", "cliente=a,ref=a"] {
            assert_eq!(mapping(text).unwrap_err().exit_code(), 2, "{text}");
        }
    }

    #[test]
    fn the_targets_are_the_fields_that_the_reader_of_lists_knows() {
        // What it does not know would go into `dados`. Of `ref` and `id`, `id` goes there.
        let header = TARGETS.join(";");
        let list = format!("{header}\nR;;Ana;1;OURO;VIP;o;{{\"a\":1}}\n");
        let mut reader = ListReader::new(ListFormat::Csv, false);
        reader.feed(list.as_bytes());
        reader.end();
        let order = reader.next().unwrap().unwrap().parse(None).unwrap();
        assert_eq!(order.dados.as_deref(), Some("{\"a\":1}"));
        assert_eq!(order.reference.as_deref(), Some("R"));
        assert_eq!(order.observacoes.as_deref(), Some("o"));
    }
}
