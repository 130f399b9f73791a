//! Prints the OpenAPI document: `make openapi` writes it to `openapi/`.

fn main() {
    print!("{}", pedidos_api::routes::spec_yaml());
}
