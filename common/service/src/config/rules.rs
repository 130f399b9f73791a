//! What settings must be together, beyond each one's form.

use super::{form, reader::Reader};

/// Notes values that are each allowed and together make no sense.
pub fn check(reader: &mut Reader) {
    sizes(reader);
    times(reader);
    ports(reader);
    anonymous(reader);
    tokens(reader);
    processor(reader);
}

fn sizes(reader: &mut Reader) {
    let high_water: u64 = reader.values.number("QUEUE_HIGH_WATER");
    for name in ["ORDERS_BATCH_SIZE", "GENERATION_CHUNK_SIZE", "NORMAL_ENQUEUE_BATCH_SIZE"] {
        let size: u64 = reader.values.number(name);
        if size > high_water && reader.are_sound(&[name, "QUEUE_HIGH_WATER"]) {
            reader.wrong(name, &format!("{size} is more than QUEUE_HIGH_WATER, {high_water}"));
        }
    }
}

fn times(reader: &mut Reader) {
    let names = ["RETRY_BACKOFF_MS", "LEASE_MS"];
    let [delay, lease] = names.map(|name| reader.values.number::<u64>(name));
    if delay > lease && reader.are_sound(&names) {
        reader.wrong(names[0], &format!("{delay} is more than LEASE_MS, {lease}"));
    }
}

fn ports(reader: &mut Reader) {
    let names = ["PORT", "ADMIN_PORT"];
    let [api, admin] = names.map(|name| reader.values.number::<u16>(name));
    // 0 picks a free one.
    if api == admin && api != 0 && reader.are_sound(&names) {
        reader.wrong(names[1], &format!("{admin} is also PORT; set another one"));
    }
}

fn anonymous(reader: &mut Reader) {
    let credentials = ["API_KEYS_FILE", "JWT_JWKS_FILE", "JWT_JWKS_URL"];
    let any = credentials.iter().any(|name| reader.values.is_given(name));
    if any && reader.values.flag("ALLOW_ANONYMOUS") {
        reader.wrong(
            "ALLOW_ANONYMOUS",
            "contradicts API_KEYS_FILE and JWT_JWKS_…, which require credentials: unset one of \
             them",
        );
    }
}

fn processor(reader: &mut Reader) {
    let (url, in_clear) = ("PROCESSOR_URL", reader.values.flag("PROCESSOR_ALLOW_HTTP"));
    let here = |url: &str| url.starts_with("https://") || form::is_this_machine(url);
    if reader.values.is_given(url)
        && !in_clear
        && !here(reader.values.text(url))
        && reader.are_sound(&[url])
    {
        reader.wrong(
            url,
            "not an https:// URL; set PROCESSOR_ALLOW_HTTP=true if its network may read orders",
        );
    }
    let (name, lease) = ("PROCESSOR_TIMEOUT_MS", reader.values.number::<u64>("LEASE_MS"));
    let timeout: u64 = reader.values.number(name);
    if timeout > lease / 3 && reader.are_sound(&[name, "LEASE_MS"]) {
        reader.wrong(name, &format!("{timeout} is more than a third of LEASE_MS, {lease}"));
    }
    for name in ["PROCESSOR_SECRET", "PROCESSOR_SECRET_OLD", "PROCESSOR_AUTHORIZATION"] {
        let file = format!("{name}_FILE");
        if reader.values.is_given(name) && reader.values.is_given(&file) {
            reader.wrong(name, &format!("{file} is set, too: unset one of them"));
        }
    }
    let any = |name: &str| {
        [name.to_owned(), format!("{name}_FILE")].iter().any(|name| reader.values.is_given(name))
    };
    if any("PROCESSOR_SECRET_OLD") && !any("PROCESSOR_SECRET") {
        reader.wrong("PROCESSOR_SECRET_OLD", "required with it: PROCESSOR_SECRET");
    }
}

fn tokens(reader: &mut Reader) {
    let asked = ["JWT_ISSUER", "JWT_AUDIENCE"];
    let given = |name: &str| reader.values.is_given(name);
    match (given("JWT_JWKS_FILE"), given("JWT_JWKS_URL")) {
        (false, false) if asked.into_iter().any(given) => {
            reader.wrong(asked[0], "without JWT_JWKS_FILE or JWT_JWKS_URL no token can be checked");
        }
        (false, false) => {}
        (true, true) => {
            reader.wrong("JWT_JWKS_FILE", "JWT_JWKS_URL is set, too: unset one of them");
        }
        _ => {
            for name in asked {
                if !reader.values.is_given(name) {
                    reader.wrong(name, "required with JWT_JWKS_FILE or JWT_JWKS_URL");
                }
            }
        }
    }
}
