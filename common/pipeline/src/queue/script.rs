//! How a script is put together from its Lua.

use fred::types::scripts::Script;

/// Changes of phase that Redis keeps, about. A run of ten million orders makes two thousand.
pub(crate) const PHASES_KEPT: i64 = 5000;

/// `flags`: `allow-oom` for scripts that free or close memory, which may run when Redis is
/// full; `no-writes` for those that only read.
pub(super) fn script(flags: &str, lua: &str) -> Script {
    let prelude = include_str!("prelude.lua");
    Script::from_lua(format!(
        "#!lua flags={flags}\nlocal PHASES_KEPT = {PHASES_KEPT}\n{prelude}{lua}"
    ))
}
