//! How a process shows who it is: TLS with certificates of both ends, nkeys, hashed passwords; and what is told when one is wrong.

use std::{os::unix::fs::PermissionsExt, path::Path, process::Command};

use adjutant_servers::Nats;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};

use super::world::{Installation, binary, text};

/// An authority, and a certificate of it with its key for 127.0.0.1, good for both ends.
pub fn certificates(dir: &Path) {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &authority).unwrap();
    std::fs::write(dir.join("ca.crt"), authority.pem()).unwrap();
    std::fs::write(dir.join("tls.crt"), certificate.pem()).unwrap();
    std::fs::write(dir.join("tls.key"), key.serialize_pem()).unwrap();
}

/// Makes the users of the server as an operator does.
pub fn make_users(dir: &Path, how: &[&str]) {
    let made = Command::new(env!("CARGO_BIN_EXE_adjutant"))
        .args(["bus", "users", "--secrets", "secrets", "--out", "permissions.conf"])
        .args(how)
        .current_dir(dir)
        .output()
        .unwrap();
    assert!(made.status.success() && made.stdout.is_empty(), "{}", text(&made));
}

/// Takes the sign of a remark from a line of a file that ships.
pub fn uncomment(file: &Path, line: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    let remark = format!("# {line}");
    assert!(text.contains(&remark), "{remark}: {text}");
    std::fs::write(file, text.replace(&remark, line)).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn with_tls_and_nkeys_everybody_is_known_and_mistakes_are_named() {
    let edit = |dir: &Path| {
        certificates(dir);
        make_users(dir, &["--nkeys", "--service", "ci=ci"]);
        uncomment(&dir.join("single.conf"), "include ./tls.conf");
        uncomment(&dir.join("tls.conf"), "ca_file:");
        uncomment(&dir.join("tls.conf"), "verify: true");
        let tls = std::fs::read_to_string(dir.join("tls.conf")).unwrap();
        std::fs::write(dir.join("tls.conf"), tls.replace("/etc/nats/tls", dir.to_str().unwrap())).unwrap();
    };
    let here =
        Installation::on(tokio::task::block_in_place(|| Nats::edited(&binary(), "tls", Box::new(edit))));
    let file = |name: &str| here.nats.dir().join(name);
    let run = async |args: &[&str], settings: &[(&str, &str)]| {
        let mut command = here.bare(args);
        for (key, name) in settings {
            command.env(format!("ADJUTANT_BUS__{key}"), file(name));
        }
        command.output().await.unwrap()
    };
    let (ca, certificate, key) =
        (("CA_FILE", "ca.crt"), ("CERTIFICATE_FILE", "tls.crt"), ("KEY_FILE", "tls.key"));
    let admin = ("NKEY_FILE", "secrets/admin.nk");
    let made = run(&["bus", "setup"], &[ca, certificate, key, admin]).await;
    assert!(made.status.success(), "{}", text(&made));
    let status = run(&["bus", "status"], &[ca, certificate, key, admin]).await;
    assert!(status.status.success(), "{}", text(&status));
    // Another user has its own rights, and its own inbox: a worker may not set up anything.
    let refused = run(&["bus", "setup"], &[ca, certificate, key, ("NKEY_FILE", "secrets/worker.nk")]).await;
    assert!(!refused.status.success(), "{}", text(&refused));

    std::fs::write(file("junk"), "nothing\n").unwrap();
    std::fs::write(file("stranger.nk"), nkeys_seed()).unwrap();
    for (settings, wanted) in [
        (&[certificate, key, admin][..], "does bus.ca_file hold the authority"),
        (&[ca, admin], "does the server want bus.certificate_file?"),
        (&[ca, certificate, key, ("NKEY_FILE", "stranger.nk")], "is there such a user"),
        (&[ca, certificate, key, ("NKEY_FILE", "junk")], "holds no seed of a user (SU…)"),
        (&[("CA_FILE", "junk"), certificate, key, admin], "bus.ca_file: "),
        (&[ca, certificate, ("KEY_FILE", "ca.crt"), admin], "holds no private key in PEM"),
        (&[ca, certificate, admin], "bus.certificate_file: is given without bus.key_file"),
        (&[ca, certificate, key, ("NKEY_FILE", "missing")], "bus.nkey_file: cannot be read"),
    ] {
        let told = run(&["bus", "status"], settings).await;
        let said = String::from_utf8_lossy(&told.stderr).into_owned();
        assert!(!told.status.success() && said.contains(wanted), "{wanted}: {said}");
    }
}

/// A seed that no server knows.
fn nkeys_seed() -> String {
    let dir = tempfile::tempdir().unwrap();
    make_users(dir.path(), &["--nkeys"]);
    std::fs::read_to_string(dir.path().join("secrets/worker.nk")).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn passwords_are_kept_in_files_of_their_owner_and_the_server_has_their_hashes() {
    let how = ["--passwords", "bcrypt", "--service", "ci=ci,deploy promote", "--service", "monitor"];
    let edit = move |dir: &Path| make_users(dir, &how);
    let here =
        Installation::on(tokio::task::block_in_place(|| Nats::edited(&binary(), "nats", Box::new(edit))));
    let secrets = here.nats.dir().join("secrets");
    let users = std::fs::read_to_string(here.nats.dir().join("permissions.conf")).unwrap();
    let mut names = Vec::new();
    for entry in std::fs::read_dir(&secrets).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{path:?}");
        let secret = std::fs::read_to_string(&path).unwrap();
        assert!(!users.contains(secret.trim()), "{path:?} stands in the server's file");
        names.push(path.file_name().unwrap().to_str().unwrap().to_owned());
    }
    assert!(
        names.contains(&"svc-ci.password".to_owned())
            && !names.contains(&"svc-deployments.password".to_owned())
    );
    assert_eq!(secrets.metadata().unwrap().permissions().mode() & 0o777, 0o700);

    // Made anew, secrets stay: a service more does not lock out the others.
    let before = std::fs::read_to_string(secrets.join("worker.password")).unwrap();
    make_users(here.nats.dir(), &["--passwords", "bcrypt", "--service", "new"]);
    assert_eq!(std::fs::read_to_string(secrets.join("worker.password")).unwrap(), before);

    let with = async |args: &[&str], file: &Path| {
        here.bare(args).env("ADJUTANT_BUS__PASSWORD_FILE", file).output().await.unwrap()
    };
    let made = with(&["bus", "setup"], &secrets.join("admin.password")).await;
    assert!(made.status.success(), "{}", text(&made));
    let wrong = with(&["bus", "setup"], &secrets.join("worker.password")).await;
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(!wrong.status.success() && said.contains("is there such a user"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_is_printed_and_what_has_nowhere_to_go_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let users = |how: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_adjutant"));
        command.args(["bus", "users"]).args(how).current_dir(dir.path()).output().unwrap()
    };
    for how in [&["--nkeys"][..], &["--passwords", "bcrypt"]] {
        let told = users(how);
        assert!(!told.status.success() && told.stdout.is_empty(), "{}", text(&told));
        assert!(String::from_utf8_lossy(&told.stderr).contains("needs --secrets DIR"), "{}", text(&told));
    }
    let twins = users(&["--service", "a-b", "--service", "a_b=ab"]);
    assert!(String::from_utf8_lossy(&twins.stderr).contains("NATS_SVC_A_B_PASSWORD"), "{}", text(&twins));
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/nats/permissions.conf");
    let printed = users(&["--format", "conf"]);
    assert_eq!(
        String::from_utf8(printed.stdout).unwrap().trim(),
        std::fs::read_to_string(shipped).unwrap().trim()
    );
    let env = users(&["--secrets", "s", "--out", "permissions.conf"]);
    assert!(env.status.success() && env.stdout.is_empty(), "{}", text(&env));
    let variables = std::fs::read_to_string(dir.path().join("s/nats.env")).unwrap();
    let worker = std::fs::read_to_string(dir.path().join("s/worker.password")).unwrap();
    assert!(
        variables.contains(&format!("NATS_WORKER_PASSWORD={worker}\n")),
        "{} lines",
        variables.lines().count()
    );
    assert!(variables.contains("NATS_ROUTE_PASSWORD="));
}
