//! What our documents look like. Every query asks for documents of our own shape, so that
//! nobody else's is taken for ours, changed or deleted.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use mongodb::bson::{Document, doc};
use pedidos_core::order::OrderId;

/// Collections of which a document was skipped.
pub(super) type Skipped = Arc<Mutex<BTreeSet<String>>>;

pub(super) fn run_shape() -> Document {
    doc! {
        "_id": { "$type": "string" },
        "createdAt": { "$type": "date" },
        "figures": { "$type": "object" },
        "version": { "$exists": true },
    }
}

/// The filter, for runs of our shape alone.
pub(super) fn our_runs(among: Document) -> Document {
    doc! { "$and": [run_shape(), among] }
}

/// The filter, for imports of our shape alone.
pub(super) fn our_imports(among: Document) -> Document {
    let shape = doc! { "_id": { "$type": "string" }, "idsMs": { "$type": "long" } };
    doc! { "$and": [shape, among] }
}

/// Beside the id in `_id`.
pub(super) fn order_shape() -> Document {
    doc! {
        "id": { "$regex": "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$" },
        "runId": { "$type": "string" },
    }
}

/// The id of an order of our shape.
pub(super) fn our_order(order: &Document) -> Option<OrderId> {
    let (id, text) = (order.get_str("_id").ok()?, order.get_str("id").ok()?);
    order.get_str("runId").ok()?;
    let parsed: OrderId = id.parse().ok()?;
    (id == text && parsed.to_string() == id && id.as_bytes().get(14) == Some(&b'7'))
        .then_some(parsed)
}

#[cfg(test)]
mod tests {
    use mongodb::bson::Bson;

    use super::*;

    #[test]
    fn an_order_is_ours_if_it_looks_as_we_write_it() {
        let id = "01900000-0000-7000-8000-000000000001";
        let ours = doc! { "_id": id, "id": id, "runId": "r" };
        assert_eq!(our_order(&ours).map(|id| id.to_string()).as_deref(), Some(id));
        let upper = "01900000-0000-7000-8000-00000000000A";
        let random = "01900000-0000-4000-8000-000000000001";
        for (field, value) in [
            ("_id", Bson::from("other")),
            ("_id", Bson::from(1)),
            ("id", Bson::from("other")),
            ("id", Bson::Null),
            ("runId", Bson::from(7)),
        ] {
            let mut theirs = ours.clone();
            theirs.insert(field, value);
            assert_eq!(our_order(&theirs), None, "{theirs}");
        }
        for id in [upper, random] {
            assert_eq!(our_order(&doc! { "_id": id, "id": id, "runId": "r" }), None, "{id}");
        }
    }
}
