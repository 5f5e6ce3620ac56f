//! The image, without a container engine: its root file system is built by the script that the container file calls, and the program
//! is started from it as its user, with nothing to write to but what a container has.

use std::{
    fs,
    io::Write,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use sha2::{Digest, Sha256};

const TREE: &str = env!("CARGO_MANIFEST_DIR");
/// Binds the tree read-only, gives it what a container has besides, and becomes the program as its user.
const ENTER: &str = r#"
    mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && mount -t tmpfs tmpfs "$1/tmp" &&
        mount -t tmpfs -o uid=65532,gid=65532,mode=700 tmpfs "$1/var/lib/adjutant" || exit 99
    root=$1; shift; exec chroot --userspec=65532:65532 "$root" /usr/local/bin/adjutant "$@"
"#;

/// Other users' trees and other file systems can be entered by root alone.
fn may_enter() -> bool {
    let may = cfg!(target_os = "linux") && fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0);
    if !may {
        let told =
            "NOT TRIED: only root on Linux can build the image's files and start the program from them";
        let _ = writeln!(std::io::stderr(), "{told}");
    }
    may
}

fn build(into: &Path) -> PathBuf {
    let root = into.join("rootfs");
    let status = Command::new(Path::new(TREE).join("deploy/image/rootfs"))
        .args([Path::new(env!("CARGO_BIN_EXE_adjutant")), &root])
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .env_remove("ADJUTANT_STRIP")
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    root
}

fn inside(root: &Path, env: &[(&str, &str)], args: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--propagation", "private", "sh", "-c", ENTER, "sh", root.to_str().unwrap()])
        .args(args)
        .env_clear()
        .env("PATH", std::env::var("PATH").unwrap())
        .env("ADJUTANT_DATA_DIR", "/var/lib/adjutant")
        .envs(env.iter().copied())
        .stdin(Stdio::null());
    command
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}

fn files(root: &Path) -> Vec<String> {
    let found = Command::new("find").arg(root).args(["!", "-type", "d", "-printf", "%P\n"]).output().unwrap();
    let mut found: Vec<String> =
        String::from_utf8(found.stdout).unwrap().lines().map(str::to_owned).collect();
    found.sort();
    found
}

/// The archive of a tree, of whose bytes nothing depends on when it was made.
fn digest(root: &Path) -> String {
    let packed = Command::new("tar")
        .args(["--sort=name", "--numeric-owner", "--format=gnu", "-cf", "-", "."])
        .current_dir(root)
        .output()
        .unwrap();
    assert!(packed.status.success());
    Sha256::digest(&packed.stdout).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn there_is_the_program_and_what_it_needs_and_two_builds_are_the_same() {
    if !may_enter() {
        return;
    }
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let root = build(one.path());
    let (libraries, others): (Vec<String>, Vec<String>) =
        files(&root).into_iter().partition(|file| file.starts_with("lib"));
    let expected = [
        "etc/group",
        "etc/nsswitch.conf",
        "etc/passwd",
        "etc/ssl/certs/ca-certificates.crt",
        "usr/local/bin/adjutant",
    ];
    assert_eq!(others, expected);
    let names: Vec<&str> = libraries.iter().map(|file| file.rsplit('/').next().unwrap()).collect();
    let known = |name: &&str| {
        name.starts_with("ld-linux-") || ["libc.so.6", "libm.so.6", "libgcc_s.so.1"].contains(name)
    };
    assert!(names.iter().all(known) && names.contains(&"libc.so.6"), "{names:?}");
    assert_eq!(digest(&root), digest(&build(two.path())));
    fs::write(root.join("etc/more"), "").unwrap();
    assert_ne!(digest(&root), digest(&two.path().join("rootfs")), "what differs is seen");
}

#[test]
fn the_program_serves_from_it_and_its_health_check_tells() {
    if !may_enter() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = build(dir.path());
    let version = inside(&root, &[], &["--version"]).output().unwrap();
    assert_eq!(said(&version), format!("adjutant {}\n", env!("CARGO_PKG_VERSION")));

    let (http, api) = (format!("0.0.0.0:{}", free_port()), format!("127.0.0.1:{}", free_port()));
    let env = [
        ("ADJUTANT_BUS__URL", "memory:"),
        ("ADJUTANT_HTTP__LISTEN", http.as_str()),
        ("ADJUTANT_API__LISTEN", api.as_str()),
    ];
    let ready = format!("http://{api}/readyz");
    let health = |args: &[&str]| inside(&root, &env, &[&["health"], args].concat()).output().unwrap();
    assert_eq!(health(&[]).status.code(), Some(1), "nothing runs yet");
    let log = fs::File::create(dir.path().join("log")).unwrap();
    let mut up = inside(&root, &env, &["up"]).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !health(&[]).status.success() {
        let log = || fs::read_to_string(dir.path().join("log")).unwrap();
        assert!(Instant::now() < deadline && up.try_wait().unwrap().is_none(), "{}", log());
        std::thread::sleep(Duration::from_millis(100));
    }
    let answered = health(&["--url", &ready]);
    assert!(answered.status.success(), "{}", said(&answered));
    let missing = health(&["--url", &format!("http://{api}/nothing-here")]);
    assert_eq!(missing.status.code(), Some(1), "{}", said(&missing));
    assert_eq!(health(&["--url", "https://127.0.0.1/"]).status.code(), Some(2), "only http:// is asked");

    let status = fs::read_to_string(format!("/proc/{}/status", up.id())).unwrap();
    assert!(status.contains("Uid:\t65532\t65532\t65532\t65532"), "{status}");
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(up.id().try_into().unwrap()),
        nix::sys::signal::Signal::SIGTERM,
    )
    .unwrap();
    assert!(up.wait().unwrap().success(), "it stops in good order");
    assert_eq!(files(&root.join("var")), Vec::<String>::new(), "nothing was written into the image");
}

#[test]
fn authorities_for_tls_are_found_where_they_are() {
    if !may_enter() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let root = build(dir.path());
    let address = format!("https://127.0.0.1:{}/api", free_port());
    let env = [
        ("ADJUTANT_SLACK__BOT_TOKEN", "xoxb-1"),
        ("ADJUTANT_SLACK__APP_TOKEN", "xapp-1"),
        ("ADJUTANT_SLACK__API_URL", address.as_str()),
    ];
    let ask = || said(&inside(&root, &env, &["doctor", "slack", "--json"]).output().unwrap());
    let with = ask();
    assert!(with.contains("cannot be reached") && !with.contains("root cert"), "{with}");
    fs::remove_file(root.join("etc/ssl/certs/ca-certificates.crt")).unwrap();
    let without = ask();
    assert!(without.contains("no native root CA certificates found"), "{without}");
}

#[test]
fn the_container_file_has_no_findings_and_what_it_must_have() {
    let path = Path::new(TREE).join("deploy/image/Containerfile");
    let found = Command::new(Path::new(TREE).join(".tools/hadolint")).arg(&path).output();
    let found = found.expect("hadolint: run ./dev setup");
    assert!(found.status.success(), "{}", said(&found));
    let text = fs::read_to_string(path).unwrap();
    let last = text.rsplit("\nFROM ").next().unwrap();
    assert!(
        last.starts_with("scratch\n") && last.contains("USER 65532:65532") && last.contains("HEALTHCHECK")
    );
    let toolchain: toml::Table =
        fs::read_to_string(Path::new(TREE).join("rust-toolchain.toml")).unwrap().parse().unwrap();
    let channel = toolchain["toolchain"]["channel"].as_str().unwrap();
    assert!(text.contains(&format!("FROM rust:{channel}-slim")) && text.contains("--locked"));
    // What the build reads, the ignore file lets in.
    let ignore = fs::read_to_string(Path::new(TREE).join(".dockerignore")).unwrap();
    let cargo: toml::Table = fs::read_to_string(Path::new(TREE).join("Cargo.toml")).unwrap().parse().unwrap();
    for member in cargo["workspace"]["members"].as_array().unwrap() {
        let folder = member.as_str().unwrap().split('/').next().unwrap();
        assert!(
            ignore.lines().any(|line| line == format!("!{folder}")),
            "{folder} is missing in .dockerignore"
        );
    }
}
