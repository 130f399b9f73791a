//! The orders of a chunk or a range, as a push counts them.

use pedidos_core::order::OrderId;

#[derive(Debug, Default)]
pub struct Push {
    /// Ids still to be processed, in order.
    pub todo: Vec<OrderId>,
    pub dead: u64,
    pub processed: u64,
    pub removed: u64,
    /// VIP orders among all these that were put back after the fence had opened.
    pub late: u64,
}
