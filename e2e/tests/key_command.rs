//! `pedidos key`, `pedidos audit-log` and `--key`, as they are typed.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    process::{Output, Stdio},
};

use pedidos_core::key_file::{self, PREFIX};
use pedidos_e2e::{Cluster, in_time, keys::KeyFile, program};
use tokio::process::Command;

/// Runs the command line with this environment and no other.
async fn pedidos(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program("pedidos"));
    command.args(arguments).env_clear().envs(environment.iter().copied());
    command.current_dir(std::env::temp_dir()).stdin(Stdio::null()).kill_on_drop(true);
    in_time("the command line", command.output()).await.unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_listed_used_and_revoked() {
    let keys = KeyFile::new();
    fs::remove_file(keys.path()).unwrap();
    let path = keys.path().display().to_string();
    let new = async |name: &str, role: &str| {
        let line = ["key", "new", "--name", name, "--role", role, "--file", &path];
        pedidos(&line, &[]).await
    };
    let made = new("ops", "admin").await;
    assert_eq!(made.status.code(), Some(0), "{made:?}");
    let out = text(&made.stdout);
    let key = out.strip_suffix('\n').unwrap();
    assert!(key.starts_with(PREFIX) && !key.contains(char::is_whitespace), "{out:?}");
    assert!(!text(&made.stderr).contains(&key[PREFIX.len()..]), "{made:?}");
    assert!(!fs::read_to_string(keys.path()).unwrap().contains(&key[PREFIX.len()..]));
    assert_eq!(fs::metadata(keys.path()).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(key_file::list(&keys.path()).unwrap().find(key).unwrap().name, "ops");
    // Nothing is printed where a key would be taken from.
    let again = new("ops", "viewer").await;
    assert_eq!((again.status.code(), again.stdout.len()), (Some(1), 0), "{again:?}");
    assert!(text(&again.stderr).contains("'ops'"), "{again:?}");
    for wrong in [new("two words", "viewer").await, new("ana", "root").await] {
        assert_eq!((wrong.status.code(), wrong.stdout.len()), (Some(2), 0), "{wrong:?}");
    }
    let viewer = text(&new("painel", "viewer").await.stdout);

    let cluster = Cluster::guarded(&keys.settings()).await;
    let url = format!("http://{}", cluster.client().address());
    // By flag, by environment, by file; and what is refused has the code of a refusal.
    let by_flag = pedidos(&["pause", "--key", key, "--url", &url], &[]).await;
    assert_eq!(by_flag.status.code(), Some(0), "{by_flag:?}");
    let environment = [("PEDIDOS_URL", url.as_str()), ("PEDIDOS_KEY", viewer.trim())];
    let by_environment = pedidos(&["status", "--json"], &environment).await;
    assert_eq!(by_environment.status.code(), Some(0), "{by_environment:?}");
    let refused = pedidos(&["resume"], &environment).await;
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");
    assert!(text(&refused.stderr).contains("operator"), "{refused:?}");
    let nobody = pedidos(&["status"], &environment[..1]).await;
    assert_eq!(nobody.status.code(), Some(3), "{nobody:?}");
    let home = keys.path().with_file_name("home");
    let file = home.join(".config").join("pedidos").join("key");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    // One that does not say whom it is for is sent to nobody.
    fs::write(&file, format!("{key}\n")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    let home = [("PEDIDOS_URL", url.as_str()), ("HOME", home.to_str().unwrap())];
    let old = pedidos(&["resume"], &home).await;
    assert_eq!(old.status.code(), Some(2), "{old:?}");
    assert!(text(&old.stderr).contains("pedidos key store --url"), "{old:?}");
    let given = [home[0], home[1], ("PEDIDOS_KEY", key)];
    let stored = pedidos(&["key", "store"], &given).await;
    assert_eq!(stored.status.code(), Some(0), "{stored:?}");
    assert_eq!(fs::read_to_string(&file).unwrap(), format!("{url} {key}\n"));
    // The same API by another name might be another.
    let other = url.replace("127.0.0.1", "localhost");
    let elsewhere = pedidos(&["resume", "--url", &other], &home).await;
    assert_eq!(elsewhere.status.code(), Some(3), "{elsewhere:?}");
    let said = text(&elsewhere.stderr);
    assert!(said.contains("Authentication required") && said.contains("key store --url"), "{said}");
    for (mode, code) in [(0o600, 0), (0o644, 2)] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let by_file = pedidos(&["resume"], &home).await;
        assert_eq!(by_file.status.code(), Some(code), "{mode:o}: {by_file:?}");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();

    let trail = pedidos(&["audit-log", "--limit", "4"], &home).await;
    assert_eq!(trail.status.code(), Some(0), "{trail:?}");
    let lines = text(&trail.stdout);
    assert_eq!(lines.lines().count(), 4, "{lines}");
    assert!(lines.contains("ops (admin by key)") && lines.contains("painel (viewer"), "{lines}");
    let trail = pedidos(&["audit-log", "--json"], &home).await;
    let document: serde_json::Value = serde_json::from_str(&text(&trail.stdout)).unwrap();
    assert!(document["lines"][0]["id"].is_string(), "{document:#}");
    let whoami = pedidos(&["whoami"], &home).await;
    assert!(text(&whoami.stdout).starts_with("ops (admin by key)\n"), "{whoami:?}");
    let refused = ["audit-log", "--outcome", "refused", "--name", "painel"];
    let refused = text(&pedidos(&refused, &home).await.stdout);
    assert!(refused.lines().all(|line| line.contains(" refused ")), "{refused}");
    assert!(refused.contains("resumeQueue"), "{refused}");
    assert_eq!(pedidos(&["audit-log"], &environment).await.status.code(), Some(3));

    let file = [("API_KEYS_FILE", path.as_str())];
    let revoked = pedidos(&["key", "revoke", "--name", "painel"], &file).await;
    assert_eq!(revoked.status.code(), Some(0), "{revoked:?}");
    let nobody = pedidos(&["key", "revoke", "--name", "x", "--file", &path], &[]).await;
    assert_eq!(nobody.status.code(), Some(1), "{nobody:?}");
    let listed = pedidos(&["key", "list", "--file", &path], &[]).await;
    assert_eq!(listed.status.code(), Some(0), "{listed:?}");
    let listed = text(&listed.stdout);
    assert!(listed.contains("no: revoked") && listed.contains("ops"), "{listed}");
    cluster.finish().await;
}
