//! The figures of imports, as tables.

use super::{
    Measured,
    import::{Ran, Stored, Took},
};

type Figure = fn(&Ran) -> f64;

/// Of several rounds with as many orders; `longer`: an upload of so many lines more.
pub fn show(quantity: u32, rounds: &[Took], longer: Option<(u32, &Stored)>) {
    let of = |figure: &dyn Fn(&Took) -> f64| {
        Measured::of(rounds.iter().map(figure).collect::<Vec<_>>()).shown(2)
    };
    println!("\n| an import of {quantity} lines | s |\n|---|---|");
    println!(
        "| a driver's inserts, 5000 in a call, one at a time | {} |",
        of(&|t| t.floor.seconds)
    );
    println!("| create and upload | {} |", of(&|t| t.upload.seconds));
    println!("| upload ÷ inserts | {} |", of(&|t| t.upload.seconds / t.floor.seconds));
    let cpu = |figure: &dyn Fn(&Took) -> Option<f64>| {
        let known: Vec<_> = rounds.iter().filter_map(figure).collect();
        if known.is_empty() { "–".to_owned() } else { Measured::of(known).shown(2) }
    };
    println!("| CPU of MongoDB: inserts | {} |", cpu(&|t| t.floor.mongo_cpu_seconds));
    println!("| CPU of MongoDB: upload | {} |", cpu(&|t| t.upload.mongo_cpu_seconds));
    println!("| CPU of the API: upload | {} |", cpu(&|t| t.upload.api_cpu_seconds));
    println!(
        "| after a kill at {} lines, {} orders half stored: until a line more is stored | {} |",
        of(&|t| t.resumed.stored as f64),
        of(&|t| t.resumed.left as f64),
        of(&|t| t.resumed.seconds)
    );
    println!(
        "\n| a run of {quantity}, 2 workers | imported, s | generated, s | ÷ |\n|---|---|---|---|"
    );
    let rows: [(&str, Figure); 3] = [
        ("accepted to DONE (generated: with its inserts)", |ran| ran.wall),
        ("first lease to last ack (generated: with its inserts)", |ran| ran.first_lease_to_end),
        ("first lease of a NORMAL order to last ack", |ran| ran.normal),
    ];
    for (what, figure) in rows {
        println!(
            "| {what} | {} | {} | {} |",
            of(&|t| figure(&t.imported)),
            of(&|t| figure(&t.generated)),
            of(&|t| figure(&t.imported) / figure(&t.generated))
        );
    }
    println!(
        "| a driver's updates alone, 500 in a call, 2 at once | {} | {} | {} |",
        of(&|t| t.updates[0]),
        of(&|t| t.updates[1]),
        of(&|t| t.updates[0] / t.updates[1])
    );
    println!(
        "\n| lines | µs a line | peak of the API, MiB: before, after a tenth, at the end | RSS at the end |\n|---|---|---|---|"
    );
    let all = rounds.iter().map(|took| (quantity, &took.upload)).chain(longer);
    for (lines, stored) in all {
        let [before, tenth, end] = stored.api_peak_mib.unwrap_or_default();
        println!(
            "| {lines} | {:.1} | {before:.0}, {tenth:.0}, {end:.0} | {:.0} |",
            stored.seconds * 1e6 / f64::from(lines),
            stored.api_mib.unwrap_or_default()
        );
    }
}
