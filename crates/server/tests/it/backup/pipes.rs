//! A backup by standard output, and back by standard input.

use std::io::Write as _;

use crate::command_line::{NOWHERE, data, program};
use crate::running::{Home, POSTOS, Running};

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_goes_through_standard_output_and_back_through_standard_input() {
    let server = Running::fresh().await;
    let mut backup = program(&Home::with_postos(POSTOS), NOWHERE);
    backup.current_dir(server.path());
    backup.env(
        "DATABASE_URL",
        format!("sqlite:///{}", server.path().join("data/server1.db").display()),
    );
    backup.args(["backup", "-"]);
    let made = tokio::task::spawn_blocking(move || backup.output().expect("it starts"));
    let made = made.await.expect("it ends");
    let said = String::from_utf8(made.stderr).expect("UTF-8");
    let expected = format!("server1 is backed up: {} bytes, 0 reservas\n", made.stdout.len());
    assert_eq!((made.status.code(), said), (Some(0), expected));
    assert!(server::LastBackup::read(&server.path().join("data/server1.db")).is_some());
    server.post("/postos", &serde_json::json!({"nome": "Depois", "localizacao": "0,0"})).await;
    let home = server.stop().await;
    let restore = async |bytes: Vec<u8>| {
        let mut command = program(&home, NOWHERE);
        command.args(["restaurar", "-"]).stdin(std::process::Stdio::piped());
        command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
        let mut running = command.spawn().expect("it starts");
        let mut input = running.stdin.take().expect("a pipe");
        std::thread::spawn(move || input.write_all(&bytes));
        tokio::task::spawn_blocking(move || running.wait_with_output().expect("it ends"))
            .await
            .expect("it ends")
    };
    let refused = async |bytes: Vec<u8>| {
        let ended = restore(bytes).await;
        assert_eq!(ended.status.code(), Some(2));
        String::from_utf8(ended.stderr).expect("UTF-8")
    };
    let (half, all) = (made.stdout.len() / 2, made.stdout.len());
    let expected = format!(
        "only {half} of {all} bytes arrived on standard input: the backup is not complete\n"
    );
    assert_eq!(refused(made.stdout[..half].to_vec()).await, expected);
    let other = refused(b"no database".repeat(100)).await;
    assert!(other.starts_with("the backup from standard input cannot be restored: "), "{other}");
    assert!(!other.contains(".parcial"), "a file that is gone is not named: {other}");
    // As on a new machine.
    std::fs::remove_dir_all(data(&home)).expect("a folder");
    let empty = "standard input was empty: nothing was received\n";
    assert_eq!(refused(Vec::new()).await, empty);
    assert!(!data(&home).exists(), "and leaves nothing");
    let restored = restore(made.stdout).await;
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let said = String::from_utf8(restored.stdout).expect("UTF-8");
    assert!(said.starts_with("server1 is restored from standard input: 0 reservas\n"), "{said}");
    let files = std::fs::read_dir(data(&home)).expect("a folder");
    let left = files.filter(|file| {
        let name = file.as_ref().expect("an entry").file_name();
        name.to_string_lossy().ends_with(".parcial")
    });
    assert_eq!(left.count(), 0, "nothing temporary is left");
    let server = home.start().await.expect("it starts");
    let names = server.get("/postos").await.column("postos", "nome");
    assert_eq!(names, ["Ponto 1", "Ponto 2", "Ponto 3"]);
    server.stop().await;
}
