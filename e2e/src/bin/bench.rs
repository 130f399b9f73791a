//! `make bench`: the floor, runs of ours, and our parts, in turns on the same servers.
//! The last line says where the figures are as JSON.
//!
//!   QUANTITY  orders of a run (100000; ONLY=processor: 200000)
//!   WORKERS   numbers of workers ("1 2 4 8")
//!   ROUNDS    how often each is measured (5)
//!   AGAINST   a folder with the programs of another build: their runs, too, in turns with ours
//!   CANCELLED orders of a run that is cancelled (1000000)
//!   IMPORTED  lines of an import (1000000), at least 50,000: it is killed between two blocks
//!   IMPORTED_10 lines of a longer one, uploaded once; not given: none
//!   ONLY      cancel, import or processor: that alone

use std::time::Duration;

use pedidos_e2e::{
    bench::{
        Measured, cancel,
        floor::{self, Drives, Took},
        import, import_table,
        ours::{self, Ours},
        parts, processor, processor_table, receiver, recovery, scaling,
    },
    programs_from,
};
use serde_json::{Value, json};
use xtask::services::Services;

/// Orders of the measurements without MongoDB.
const PARTS: u32 = 1_000_000;
/// The queue's are in runs of this size: as many wait at once as in a run with MongoDB.
const QUEUED: u32 = 125_000;
/// Orders of a run that something happens to.
const STRUCK: u32 = 100_000;
/// Orders of a run on a store that is far away, and the numbers of workers.
const FAR: u32 = 20_000;
const FAR_WORKERS: [usize; 4] = [1, 2, 4, 8];
/// And the slots of one worker.
const FAR_SLOTS: [u32; 3] = [10, 25, 100];

fn setting<T>(name: &str, default: &str, read: impl Fn(&str) -> Option<T>) -> T {
    let value = std::env::var(name).ok().filter(|value| !value.trim().is_empty());
    let value = value.unwrap_or_else(|| default.to_owned());
    read(&value).unwrap_or_else(|| {
        eprintln!("{name}={value}: not a number above 0");
        std::process::exit(2)
    })
}

fn number(text: &str) -> Option<u32> {
    text.trim().replace('_', "").parse().ok().filter(|number| *number > 0)
}

fn main() {
    // The receiver is a process of its own, so that its CPU time can be told apart.
    if std::env::args().nth(1).as_deref() == Some(receiver::ARGUMENT) {
        receiver::serve();
    } else {
        measure();
    }
}

#[expect(clippy::too_many_lines, reason = "one measurement after the other, round by round")]
#[tokio::main]
async fn measure() {
    let only = std::env::var("ONLY").unwrap_or_default();
    let rounds = setting("ROUNDS", "5", number);
    if only == "processor" {
        return only_processor(setting("QUANTITY", "200000", number), rounds).await;
    }
    let quantity = setting("QUANTITY", "100000", number);
    let all = |text: &str| text.split_whitespace().map(number).collect::<Option<Vec<_>>>();
    let workers = setting("WORKERS", "1 2 4 8", all);
    let against = std::env::var_os("AGAINST").filter(|folder| !folder.is_empty());
    let against = against.map(std::path::PathBuf::from);
    let builds: Vec<_> = std::iter::once(None).chain(against.map(Some)).collect();
    let to_cancel = setting("CANCELLED", "1000000", number);
    if only == "cancel" {
        let mut cancels = Vec::new();
        for round in 1..=rounds {
            eprintln!("round {round} of {rounds}: cancel");
            cancels.push(Box::pin(cancel::run(to_cancel)).await);
        }
        return show_cancels(to_cancel, &cancels);
    }

    let imported = setting("IMPORTED", "1000000", number);
    if only == "import" {
        return only_imports(imported, rounds).await;
    }

    eprintln!("finding the best batch and concurrency of the floor");
    let drives = floor::find_best().await;
    let mut floors = Vec::new();
    let of_builds = |workers: &u32| {
        let workers = *workers;
        builds.iter().map(move |build| (workers, build, Vec::new()))
    };
    let mut runs: Vec<(u32, _, Vec<Ours>)> = workers.iter().flat_map(of_builds).collect();
    let (mut drained, mut pushed, mut generated) = (Vec::new(), Vec::new(), Vec::new());
    let (mut killed, mut emptied) = (Vec::new(), Vec::new());
    let (mut cancels, mut imports) = (Vec::new(), Vec::new());
    let mut far = FAR_WORKERS.map(|_| Vec::new());
    let mut far_slots = FAR_SLOTS.map(|_| Vec::new());
    let per_second = |took: Duration| f64::from(PARTS) / took.as_secs_f64();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}: floor");
        floors.push(floor::run(quantity, drives).await);
        for (workers, build, runs) in &mut runs {
            let whose = if build.is_some() { "those of AGAINST" } else { "ours" };
            eprintln!("round {round} of {rounds}: {whose}, {workers} workers");
            programs_from((*build).clone());
            runs.push(Box::pin(ours::run(quantity, *workers as usize)).await);
        }
        programs_from(None);
        eprintln!("round {round} of {rounds}: queue, generator");
        let mut took = [Duration::ZERO; 2];
        for _ in 0..PARTS / QUEUED {
            let queue = parts::queue_alone(QUEUED).await;
            took = [took[0] + queue.pushing, took[1] + queue.draining];
        }
        pushed.push(per_second(took[0]));
        drained.push(per_second(took[1]));
        generated.push(parts::generator(PARTS));
        eprintln!("round {round} of {rounds}: recovery");
        killed.push(Box::pin(recovery::of_a_worker(STRUCK)).await.as_secs_f64());
        emptied.push(Box::pin(recovery::of_redis(STRUCK)).await.as_secs_f64());
        eprintln!("round {round} of {rounds}: cancel");
        cancels.push(Box::pin(cancel::run(to_cancel)).await);
        eprintln!("round {round} of {rounds}: import");
        imports.push(Box::pin(import::run(imported)).await);
        eprintln!("round {round} of {rounds}: scaling");
        for (workers, rates) in FAR_WORKERS.into_iter().zip(&mut far) {
            rates.push(Box::pin(scaling::run(FAR, workers)).await);
        }
        for (slots, rates) in FAR_SLOTS.into_iter().zip(&mut far_slots) {
            rates.push(Box::pin(scaling::slots(FAR, slots)).await);
        }
    }
    let floor = Floor::of(quantity, &floors, drives);
    floor.show();
    show_head();
    for (workers, build, runs) in &runs {
        let whose = if build.is_some() { ", of AGAINST" } else { "" };
        show(&format!("{workers}{whose}"), runs, &floor);
    }
    println!("\n| alone, of {PARTS} orders | a second |\n|---|---|");
    let (drained, pushed, generated) =
        (Measured::of(drained), Measured::of(pushed), Measured::of(generated));
    println!("| queue: claim and ack, nothing lost, nothing twice | {} |", drained.shown(0));
    println!("| queue: derive and push ids | {} |", pushed.shown(0));
    println!("| generator: documents, on one core | {} |", generated.shown(0));
    println!("\n| after a fault, in a run of {STRUCK} orders, 2 workers | s |\n|---|---|");
    let (killed, emptied) = (Measured::of(killed), Measured::of(emptied));
    let lease = recovery::LEASE.as_secs();
    println!(
        "| a worker is killed: until another has its work (LEASE_MS={lease}000) | {} |",
        killed.shown(2)
    );
    println!(
        "| Redis is emptied in the drain: until the run is back there | {} |",
        emptied.shown(2)
    );
    show_cancels(to_cancel, &cancels);
    import_table::show(imported, &imports, None);
    let far = far.map(Measured::of);
    let far_slots = far_slots.map(Measured::of);
    show_far(&far, &far_slots);
    let figures = json!({
        "machine": machine(),
        "quantity": quantity,
        "rounds": rounds,
        "floor": floor.json(),
        "ours": runs.iter()
            .map(|(workers, build, runs)| {
                json!({ "workers": workers, "against": build.is_some(), "runs": runs })
            })
            .collect::<Vec<_>>(),
        "alone": { "quantity": PARTS, "claimAndAckPerSecond": drained,
                   "pushPerSecond": pushed, "generatorPerSecond": generated },
        "scaling": { "quantity": FAR, "lateMs": scaling::LATE.as_millis() as u64,
                     "workers": FAR_WORKERS, "perSecond": far,
                     "slots": FAR_SLOTS, "perSecondOfSlots": far_slots },
        "cancel": { "quantity": to_cancel, "rounds": cancels },
        "import": { "quantity": imported, "rounds": imports },
        "recovery": { "quantity": STRUCK, "leaseSeconds": lease,
                      "workerKilledSeconds": killed, "redisEmptiedSeconds": emptied },
    });
    save(&figures);
}

fn save(figures: &Value) {
    let file = std::path::Path::new("target/bench.json");
    let written = serde_json::to_string_pretty(figures)
        .map_err(std::io::Error::from)
        .and_then(|text| std::fs::write(file, text));
    match written {
        Ok(()) => println!("\nevery audit held; figures: {}", file.display()),
        Err(error) => eprintln!("{}: {error}", file.display()),
    }
}

/// Imports, and an upload of `IMPORTED_10` lines if that is set.
async fn only_imports(imported: u32, rounds: u32) {
    let mut imports = Vec::new();
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}: import");
        imports.push(Box::pin(import::run(imported)).await);
    }
    let longer = std::env::var_os("IMPORTED_10").filter(|lines| !lines.is_empty());
    let longer = longer.map(|_| setting("IMPORTED_10", "", number));
    let mut uploaded = None;
    if let Some(lines) = longer {
        eprintln!("an upload of {lines} lines");
        uploaded = Some((lines, Box::pin(import::upload_alone(lines)).await));
    }
    import_table::show(imported, &imports, uploaded.as_ref().map(|(lines, took)| (*lines, took)));
    save(&json!({
        "machine": machine(),
        "import": { "quantity": imported, "rounds": imports, "longer": uploaded },
    }));
}

/// Runs for a receiver beside those with `builtin`, and generated runs beside the floor.
async fn only_processor(quantity: u32, rounds: u32) {
    eprintln!("finding the best batch and concurrency of the floor");
    let drives = floor::find_best().await;
    let (mut floors, mut runs, mut processors) = (Vec::new(), Vec::new(), Vec::new());
    for round in 1..=rounds {
        eprintln!("round {round} of {rounds}: floor, ours");
        floors.push(floor::run(quantity, drives).await);
        runs.push(Box::pin(ours::run(quantity, processor::WORKERS)).await);
        eprintln!("round {round} of {rounds}: processor");
        processors.push(Box::pin(processor::run(quantity)).await);
    }
    let floor = Floor::of(quantity, &floors, drives);
    floor.show();
    show_head();
    show(&processor::WORKERS.to_string(), &runs, &floor);
    processor_table::show(quantity, &processors);
    save(&json!({
        "machine": machine(),
        "quantity": quantity,
        "floor": floor.json(),
        "ours": { "workers": processor::WORKERS, "runs": runs },
        "processor": { "batch": processor::BATCH, "singles": processor::SINGLES,
                       "rounds": processors },
    }));
}

fn show_cancels(quantity: u32, cancels: &[cancel::Took]) {
    let of = |figure: fn(&cancel::Took) -> f64| {
        Measured::of(cancels.iter().map(figure).collect::<Vec<_>>())
    };
    println!("\n| a cancel of {quantity} orders | s |\n|---|---|");
    println!("| ours, 2 workers alive | {} |", of(|took| took.ours).shown(2));
    println!("| MongoDB marks as many, a page at a time | {} |", of(|took| took.floor).shown(2));
    println!("| ours ÷ MongoDB's | {} |", of(cancel::Took::ratio).shown(2));
}

/// Orders a second in front of a store that is far away.
fn show_far(workers: &[Measured], slots: &[Measured]) {
    let late = scaling::LATE.as_millis();
    let rows = |counts: &[String], rates: &[Measured]| {
        for (count, rate) in counts.iter().zip(rates) {
            println!("| {count} | {} | {:.2} |", rate.shown(0), rate.median / rates[0].median);
        }
    };
    println!(
        "\n| workers, MongoDB up to {late} ms away each way | orders a second | × one |\n|---|---|---|"
    );
    rows(&FAR_WORKERS.map(|workers| workers.to_string()), workers);
    println!(
        "\n| slots of one worker, as far away | orders a second | × the fewest |\n|---|---|---|"
    );
    rows(&FAR_SLOTS.map(|slots| slots.to_string()), slots);
}

/// The floor of all rounds.
struct Floor {
    drives: Drives,
    all: Measured,
    inserts: Measured,
    updates: Measured,
    mongo_cpu_seconds: Option<Measured>,
    quantity: f64,
}

impl Floor {
    fn of(quantity: u32, floors: &[Took], drives: Drives) -> Self {
        let seconds = |of: fn(&[Duration; 2]) -> Duration| {
            Measured::of(floors.iter().map(|floor| of(&floor.halves).as_secs_f64()).collect())
        };
        Self {
            drives,
            all: seconds(|[inserts, updates]| *inserts + *updates),
            inserts: seconds(|floor| floor[0]),
            updates: seconds(|floor| floor[1]),
            mongo_cpu_seconds: Measured::of_known(
                floors.iter().filter_map(|floor| floor.mongo_cpu_seconds),
            ),
            quantity: f64::from(quantity),
        }
    }

    fn json(&self) -> Value {
        json!({ "driven": self.drives, "seconds": self.all, "inserts": self.inserts,
                "updates": self.updates, "mongoCpuSeconds": self.mongo_cpu_seconds })
    }

    fn show(&self) {
        println!(
            "\n| floor | s | orders/s | orders in a call × calls at once |\n|---|---|---|---|"
        );
        let [inserts, updates] = self.drives;
        let row = |name: &str, took: &Measured, driven: String| {
            let rate = self.quantity / took.median;
            println!("| {name} | {} | {rate:.0} | {driven} |", took.shown(2));
        };
        row("inserts", &self.inserts, format!("{} × {}", inserts.batch, inserts.at_once));
        row("updates", &self.updates, format!("{} × {}", updates.batch, updates.at_once));
        row("both", &self.all, String::new());
    }
}

/// The head of the table whose lines [`show`] prints.
fn show_head() {
    println!(
        "\n| workers | ours, s | ÷ floor | GET /pedidos p50, p99, ms | GET /livez | ETA within ±20 % | CPU API + \
         workers + Redis ÷ MongoDB | MongoDB's CPU ÷ floor's | peak MiB API, worker, Redis |\n|---|---|---|---|---|---|---|---|---|"
    );
}

fn show(whose: &str, runs: &[Ours], floor: &Floor) {
    let of =
        |figure: &dyn Fn(&Ours) -> Option<f64>| Measured::of_known(runs.iter().filter_map(figure));
    let shown = |measured: Option<Measured>, digits| {
        measured.map_or_else(|| "–".to_owned(), |measured| measured.shown(digits))
    };
    let cpu = |run: &Ours| {
        let [api, workers, redis, mongo] = run.cpu_seconds;
        Some((api? + workers? + redis?) / mongo?)
    };
    let mongo_cpu =
        |run: &Ours| Some(run.cpu_seconds[3]? / floor.mongo_cpu_seconds.as_ref()?.median);
    let middle = |measured: Option<Measured>| {
        measured.map_or_else(|| "–".to_owned(), |measured| format!("{:.0}", measured.median))
    };
    println!(
        "| {whose} | {} | {} | {}, {} | {}, {} | {} | {} | {} | {}, {}, {} |",
        shown(of(&|run| Some(run.seconds)), 2),
        shown(of(&|run| Some(run.seconds / floor.all.median)), 2),
        shown(of(&|run| Some(run.status_ms[0])), 1),
        shown(of(&|run| Some(run.status_ms[1])), 1),
        shown(of(&|run| Some(run.livez_ms[0])), 1),
        shown(of(&|run| Some(run.livez_ms[1])), 1),
        shown(of(&|run| Some(run.eta_within_20_percent)), 0),
        shown(of(&cpu), 2),
        shown(of(&mongo_cpu), 2),
        middle(of(&|run| run.peak_mib[0])),
        middle(of(&|run| run.peak_mib[1])),
        middle(of(&|run| run.peak_mib[2])),
    );
}

/// What it was measured on.
fn machine() -> Value {
    let of = |command: &str, arguments: &[&str]| {
        let output = std::process::Command::new(command).args(arguments).output();
        let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        text.unwrap_or_default().trim().to_owned()
    };
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    json!({
        "cores": cores,
        "system": of("uname", &["-srm"]),
        "stores": Services::of_environment().status().0.trim(),
        "load": std::fs::read_to_string("/proc/loadavg").unwrap_or_default().trim(),
    })
}
