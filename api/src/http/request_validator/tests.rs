#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::LazyLock;

use poem::http::Method;
use proptest::prelude::*;

use super::{
    parameters::{Allowed, mistakes},
    *,
};
use crate::openapi;

fn mistakes_of(query: &str) -> Vec<String> {
    let parameters = Parameters::from([
        ("quantity".to_owned(), (Allowed::Whole { least: 1, most: 100 }, false)),
        ("purge".to_owned(), (Allowed::Boolean, false)),
        ("state".to_owned(), (Allowed::OneOf(vec!["wait".to_owned(), "active".to_owned()]), false)),
    ]);
    let mistakes = mistakes(&parameters, query).into_iter();
    mistakes.map(|mistake| format!("{}: {}", mistake.name, mistake.detail)).collect()
}

#[test]
fn what_the_spec_allows_is_let_through() {
    for query in ["", "quantity=1", "quantity=100&purge=false", "state=wait", "quantit%79=5"] {
        assert_eq!(mistakes_of(query), Vec::<String>::new(), "{query}");
    }
}

#[test]
fn whole_numbers_are_whole_and_in_range() {
    for value in
        ["abc", "0", "-5", "+5", "1.5", "1e6", "101", "", "%20", "99999999999999999999", "%FF"]
    {
        let wrong = mistakes_of(&format!("quantity={value}"));
        assert_eq!(wrong.len(), 1, "{value}");
        assert!(wrong[0].ends_with("is not a whole number from 1 to 100"), "{wrong:?}");
    }
    assert_eq!(mistakes_of("quantity").len(), 1);
}

#[test]
fn what_must_be_given_is_missed() {
    let allowed = Allowed::Whole { least: 1, most: 100 };
    let mistakes = mistakes(&[("quantity".to_owned(), (allowed, true))].into(), "");
    assert_eq!(mistakes[0].detail, "required: a whole number from 1 to 100");
}

#[test]
fn every_mistake_is_named_once() {
    assert_eq!(
        mistakes_of("quantity=1&quantity=2&quantity=3&purge=yes&state=gone&x=1"),
        [
            "quantity: given more than once",
            "purge: 'yes' is not true or false",
            "state: 'gone' is not one of wait, active",
            "x: unknown parameter; this operation takes purge, quantity, state",
        ]
    );
}

#[test]
fn what_came_is_shown_but_not_a_megabyte_of_it() {
    let wrong = mistakes_of(&format!("quantity={}", "é".repeat(100_000)));
    assert!(wrong[0].len() < 200, "{}", wrong[0].len());
}

#[test]
fn however_many_mistakes_come_few_are_named_and_the_answer_is_short() {
    let query: Vec<_> = (0..3_000).map(|at| format!("x{at}={at}")).collect();
    let uri = format!("/pedidos/generate?{}", query.join("&"));
    let request = Request::builder().method(Method::POST).uri_str(&uri).finish();
    let problem = VALIDATOR.check(&request).unwrap_err();
    assert_eq!(problem.errors.as_ref().map(Vec::len), Some(MISTAKES_NAMED));
    assert!(problem.detail.ends_with("; and 2990 more mistakes"), "{}", problem.detail);
    let body = serde_json::to_string(&problem).unwrap_or_default();
    assert!(body.len() < 8 * 1_024, "{} bytes for {}", body.len(), uri.len());
    // Of those that are few, each is.
    let request = Request::builder().method(Method::POST);
    let request = request.uri_str("/pedidos/generate?a=1&b=2").finish();
    let problem = VALIDATOR.check(&request).unwrap_err();
    assert!(!problem.detail.contains("more mistakes"), "{}", problem.detail);
}

static VALIDATOR: LazyLock<RequestValidator> = LazyLock::new(|| {
    let document = openapi::document(&openapi::service(), None, false);
    RequestValidator::of(&document, Operations::of(&document))
});

proptest! {
    #[test]
    fn no_query_is_too_strange_and_every_value_that_passes_is_allowed(
        query in "[a-z%&=+;0-9]{0,40}|\\PC{0,40}|(quantity|purge|state)=[0-9a-z%]{0,6}"
    ) {
        let wrong = mistakes_of(&query);
        let given: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
        let fits = |name: &str, value: &str| match name {
            "quantity" => value.parse::<u32>().is_ok_and(|n| (1..=100).contains(&n)),
            "purge" => value.parse::<bool>().is_ok(),
            "state" => value == "wait" || value == "active",
            _ => false,
        };
        if wrong.is_empty() {
            prop_assert!(given.iter().all(|(name, value)| fits(name, value)), "{query}");
        } else {
            prop_assert!(wrong.len() <= given.len());
        }
    }

    #[test]
    fn no_path_is_too_strange(text in "([a-z{}/%]|\\PC|[0-9A-Fa-f%]{3}){0,60}") {
        let allowed = VALIDATOR.operations.allow(&text);
        prop_assert!(allowed.is_empty() || allowed.starts_with(['G', 'P']), "{allowed}");
    }
}
