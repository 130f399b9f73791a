//! `make chaos RUNS=200 SEED=1`: random faults at random moments of random runs, each
//! run ended with the audit. A run that fails says with which seed it is had again.

#![allow(clippy::expect_used)]

use std::{panic::AssertUnwindSafe, time::Instant};

use futures_util::FutureExt;
use pedidos_e2e::{
    chaos::{Plan, Survived, survive},
    servers::Servers,
};

fn number(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok().filter(|value| !value.is_empty())?;
    Some(value.parse().unwrap_or_else(|error| {
        eprintln!("{name}={value}: {error}");
        std::process::exit(2)
    }))
}

#[tokio::main]
async fn main() {
    let runs = number("RUNS").unwrap_or(20);
    let first = number("SEED").unwrap_or_else(|| rand::random_range(0..1_000_000_000));
    let most = number("MINUTES").map(|minutes| std::time::Duration::from_secs(minutes * 60));
    let began = Instant::now();
    let servers = Servers::start().await;
    let mut survived = Survived::new();
    let mut done = 0;
    for seed in first..first + runs {
        if most.is_some_and(|most| began.elapsed() > most) {
            println!("{} minutes are over", began.elapsed().as_secs() / 60);
            break;
        }
        let plan = Plan::of(seed);
        let at = Instant::now();
        let survived_one = Box::pin(survive(&servers, &plan));
        // A failure is told with its seed; why it failed was printed as it panicked.
        let Ok(outcome) = AssertUnwindSafe(survived_one).catch_unwind().await else {
            eprintln!("{plan:#?}\nFAILED: again with: make chaos SEED={seed} RUNS=1");
            drop(servers);
            std::process::exit(1);
        };
        done += 1;
        let faults: Vec<_> = outcome.keys().map(String::as_str).collect();
        let (seconds, subject) = (at.elapsed().as_secs_f64(), plan.subject());
        println!("seed {seed}: {seconds:.1} s: {subject}: {}", faults.join(", "));
        for (kind, count) in outcome {
            *survived.entry(kind).or_default() += count;
        }
    }
    servers.remove().await;
    println!("\n| fault | survived |\n|---|---|");
    for (kind, count) in &survived {
        println!("| {kind} | {count} |");
    }
    let total: u64 = survived.values().sum();
    println!(
        "\n{total} faults in {done} runs, seeds {first}..={}, {:.0} s: every run ended exact, \
         every audit held, no fence violation",
        first + done.max(1) - 1,
        began.elapsed().as_secs_f64()
    );
}
