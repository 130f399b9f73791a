//! Prints the OpenAPI document: `make openapi` writes it to `openapi/`.

fn main() {
    print!("{}", pedidos_api::openapi::yaml());
}
