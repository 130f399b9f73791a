//! Settings: every mistake at once, by name, with exit code 2.

use pedidos_e2e::process::{Environment, Process};
use pedidos_service::config::{SETTINGS, Setting};

const PROGRAMS: [&str; 2] = ["pedidos-api", "pedidos-worker"];

/// Runs a program that ends by itself: its exit code, and what it said.
async fn end_of(program: &str, arguments: &[&str], pairs: &[(&str, &str)]) -> (i32, String) {
    let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let environment: Environment = pairs.collect();
    let mut process = Process::spawn(program, program, arguments, &environment);
    let status = process.ended().await;
    (status.code().unwrap_or(-1), process.all().await)
}

#[tokio::test(flavor = "multi_thread")]
async fn every_mistake_is_named_at_once_and_the_exit_code_is_2() {
    let mistakes = [
        // MONGO_URI is missing.
        ("REDIS_URL", "localhost:6379"),
        ("PORT", "65536"),
        ("MAX_ORDERS", "1e6"),
        ("LEASE_MS", "soon"),
        ("LOG_MEMORY", "yes"),
        ("LOG_FORMAT", "xml"),
        ("RUST_LOG", "info,fred=loud"),
        ("QUEUE_NAME", "a{b}"),
        ("MONGO_WRITE_CONCERN", "0"),
        // Fine alone, not together.
        ("QUEUE_HIGH_WATER", "100"),
        ("GENERATION_CHUNK_SIZE", "101"),
    ];
    for program in PROGRAMS {
        let (code, said) = end_of(program, &[], &mistakes).await;
        assert_eq!(code, 2, "{program}: {said}");
        let names = mistakes.iter().map(|(name, _)| *name);
        // The contradiction is named after the one that is too large.
        for name in names.filter(|name| *name != "QUEUE_HIGH_WATER").chain(["MONGO_URI"]) {
            let line = format!("error: {name}: ");
            assert!(said.contains(&line), "{program} does not name {name}:\n{said}");
        }
        assert!(!said.contains("panicked"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_that_contradict_each_other_are_refused() {
    let mongo = ("MONGO_URI", "mongodb://127.0.0.1:1/x");
    let cases = [
        (("LEASE_MS", "500"), ("RETRY_BACKOFF_MS", "501"), "RETRY_BACKOFF_MS"),
        (("PORT", "4000"), ("ADMIN_PORT", "4000"), "ADMIN_PORT"),
        (
            ("QUEUE_HIGH_WATER", "20000"),
            ("NORMAL_ENQUEUE_BATCH_SIZE", "20001"),
            "NORMAL_ENQUEUE_BATCH_SIZE",
        ),
    ];
    for program in PROGRAMS {
        for (one, other, named) in cases {
            let (code, said) = end_of(program, &[], &[mongo, one, other]).await;
            assert_eq!(code, 2, "{program}: {said}");
            let both = said.contains(named) && said.contains(one.0);
            assert!(both, "{program} does not name {named} and {}:\n{said}", one.0);
            assert_eq!(said.matches("error:").count(), 1, "{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flag_that_is_unknown_or_wrong_is_refused() {
    let mongo = [("MONGO_URI", "mongodb://127.0.0.1:1/x")];
    for program in PROGRAMS {
        for (arguments, named) in [
            (&["--queu-name", "x"][..], "--queu-name"),
            (&["--lease-ms", "soon"], "LEASE_MS"),
            (&["generate"], "generate"),
        ] {
            let (code, said) = end_of(program, arguments, &mongo).await;
            assert_eq!(code, 2, "{program}: {said}");
            assert!(said.contains(named), "{program} does not name {named}:\n{said}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_setting_in_a_file_is_read_literally_and_an_empty_one_is_unset() {
    let folder = std::env::temp_dir().join(format!("pedidos-{}", uuid::Uuid::new_v4().simple()));
    std::fs::create_dir(&folder).unwrap();
    let env = folder.join(".env");
    let right = "\u{feff}MONGO_URI=mongodb://127.0.0.1:1/x\r\nPORT=\r\nQUEUE_NAME=\r\n\
                 MONGO_WRITE_CONCERN= # none\r\nLOG_FORMAT=te$x${t}";
    for (text, said) in [
        (right.as_bytes().to_vec(), "error: LOG_FORMAT: 'te$x${t}' is neither text nor json\n"),
        (b"A=b\nMONGO_URI\n".to_vec(), "/.env: line 2: it is not NAME=value\n"),
        (b"A=\xff\n".to_vec(), "/.env: it is not UTF-8 text: save it as UTF-8\n"),
    ] {
        std::fs::write(&env, text).unwrap();
        for program in PROGRAMS {
            let mut command = tokio::process::Command::new(pedidos_e2e::program(program));
            command.env_clear().env("QUEUE_NAME", "").current_dir(&folder).kill_on_drop(true);
            let output = pedidos_e2e::in_time(program, command.output()).await.unwrap();
            let told = String::from_utf8_lossy(&output.stderr).into_owned();
            assert_eq!(output.status.code(), Some(2), "{told}");
            assert!(told.ends_with(said) && told.lines().count() == 1, "{told}");
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_cannot_be_written_is_named_with_its_setting() {
    let settings = [("MONGO_URI", "mongodb://127.0.0.1:1/x"), ("LOG_DIR", "/dev/null")];
    for program in PROGRAMS {
        let (code, said) = end_of(program, &[], &settings).await;
        assert_eq!(code, 1, "{program}: {said}");
        assert!(said.starts_with("error: LOG_DIR: /dev/null/shared/logs: "), "{program}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_cannot_be_bound_is_named_with_its_setting() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mongo = ("MONGO_URI", "mongodb://127.0.0.1:1/x");
    for (program, name) in PROGRAMS.into_iter().zip(["PORT", "ADMIN_PORT"]) {
        let settings = [mongo, ("BACKEND_LOGS", "false"), (name, port.as_str())];
        let (code, said) = end_of(program, &[], &settings).await;
        assert_eq!(code, 1, "{program}: {said}");
        let line = format!("error: {name}: cannot bind 127.0.0.1:{port}: ");
        assert!(said.contains(&line) && said.contains("a port that is free"), "{program}: {said}");
        // An address of nobody (RFC 5737).
        let settings = [mongo, ("BACKEND_LOGS", "false"), ("HOST", "192.0.2.1"), (name, "0")];
        let settings = [&settings[..], &[("ALLOW_ANONYMOUS", "true")]].concat();
        let (code, said) = end_of(program, &[], &settings).await;
        assert_eq!(code, 1, "{program}: {said}");
        assert!(said.contains("error: HOST: cannot bind 192.0.2.1:0: "), "{program}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn help_shows_every_setting_with_its_default() {
    for program in PROGRAMS {
        let (code, said) = end_of(program, &["--help"], &[]).await;
        assert_eq!(code, 0, "{said}");
        for Setting { name, default, .. } in SETTINGS {
            let shown = match *default {
                "" => format!("[env: {name}]"),
                default => format!("[env: {name}, default: {default}]"),
            };
            assert!(said.contains(&shown), "{program} does not show {shown}:\n{said}");
        }
        let (code, said) = end_of(program, &["--version"], &[]).await;
        assert_eq!((code, said.trim()), (0, &*format!("{program} {}", env!("CARGO_PKG_VERSION"))));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_connections_than_the_system_lets_it_open_are_refused() {
    for program in PROGRAMS {
        let path = pedidos_e2e::program(program);
        let limited = format!("ulimit -n 256; exec {}", path.display());
        let ended = tokio::process::Command::new("/bin/sh")
            .args(["-c", &limited])
            .env_clear()
            .env("MONGO_URI", "mongodb://127.0.0.1:1/x")
            .current_dir(std::env::temp_dir())
            .output()
            .await
            .unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert_eq!(ended.status.code(), Some(2), "{program}: {said}");
        let named = said.contains("error: MAX_CONNECTIONS: ") && said.contains("ulimit -n ");
        assert!(named, "{program}: {said}");
    }
}
