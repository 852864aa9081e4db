//! A cache that two users of a group share, for real: two user ids, a folder of the group (setgid), umask 002.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{program, root, skip, write};
use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

/// What both users do. libtorch is mounted where both can read it; nothing of it is seen outside of this process.
const SCRIPT: &str = r#"
set -eu
mount --bind "$LIBRARIES" "$AT/libraries"
export LD_LIBRARY_PATH="$AT/libraries" HOME="$AT/home"
unset SEQPROBE_CACHE_DIR
umask 002
as() { user=$1; shift; setpriv --reuid "$user" --regid 61000 --clear-groups "$AT/seqprobe" "$@"; }
probe() { as "$1" probe "$AT/mine.csv" --target y --task binary --model "$AT/model" --probes linear --seeds 1 \
    --controls none --cache-dir "$AT/shared/cache" --out "$AT/out/$2"; }
probe 61001 one; probe 61002 two; probe 61001 three
as 61002 predict "$AT/out/one" --cell mine/onehot/-/-/flatten/linear/1 --input "$AT/mine.csv" > "$AT/out/predictions"
chmod -R a-w "$AT/shared"
probe 61002 four
"#;

fn run_script(at: &Path, libraries: &str) -> (bool, String) {
    let output = Command::new("unshare")
        .args(["-m", "bash", "-c", SCRIPT])
        .env("AT", at)
        .env("LIBRARIES", libraries)
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8_lossy(&text).into_owned())
}

/// The folder of libtorch that the program loads.
fn libraries() -> Option<String> {
    let output = Command::new("ldd").arg(program()).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find(|line| line.trim_start().starts_with("libtorch_cpu.so"))?;
    let path = Path::new(line.split_once("=> ")?.1.split_whitespace().next()?);
    path.parent()?.to_str().map(str::to_owned)
}

/// True for a process that can change its user and mount.
fn can_change_user() -> bool {
    let mut command = Command::new("unshare");
    command.args(["-m", "setpriv", "--reuid", "61001", "--regid", "61000", "--clear-groups", "true"]);
    command.output().is_ok_and(|output| output.status.success())
}

#[test]
fn two_users_share_a_cache_and_read_one_that_cannot_be_written() {
    let Some(libraries) = libraries().filter(|_| can_change_user()) else {
        return skip("two users need root, unshare, setpriv and ldd");
    };
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let allow = |path: &Path, mode: u32| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    allow(at, 0o755);
    fs::copy(program(), at.join("seqprobe")).unwrap();
    fs::create_dir(at.join("model")).unwrap();
    for file in fs::read_dir(root().join("benchmarks/models/seqprobe-mini")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), at.join("model").join(file.file_name())).unwrap();
    }
    for name in ["libraries", "home", "shared", "out"] {
        fs::create_dir(at.join(name)).unwrap();
        std::os::unix::fs::chown(at.join(name), None, Some(61000)).unwrap();
        allow(&at.join(name), 0o2775);
    }
    let mut table = "sequence,y\n".to_owned();
    for row in 0..120_usize {
        let letters: String =
            (0..20).map(|place| char::from(b"ACGT"[(row * 7 + place * place + row * place) % 4])).collect();
        writeln!(table, "{letters},{}", row % 2).unwrap();
    }
    write(at, "mine.csv", &table);
    let (is_done, text) = run_script(at, &libraries);
    assert!(is_done, "{text}");
    let counts: Vec<&str> = text.lines().filter(|line| line.contains(" read from the cache, ")).collect();
    let read: Vec<bool> = counts.iter().map(|line| line.starts_with("3 cells, 3 read")).collect();
    assert_eq!(read, [false, true, true, true], "{text}");
    assert!(!text.contains("damaged") && !text.contains("denied"), "{text}");
    assert_eq!(fs::read_to_string(at.join("out/predictions")).unwrap().lines().count(), 121);
    // Read by both, written by the group, and inherited: nothing is private to the first user.
    let mut folders = vec![at.join("shared/cache")];
    let mut n_files = 0;
    while let Some(folder) = folders.pop() {
        for item in fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
            if path.is_dir() {
                assert_eq!(mode, 0o2555, "{}", path.display());
                folders.push(path);
            } else {
                n_files += 1;
                assert_eq!(mode, 0o444, "{}", path.display());
            }
        }
    }
    assert!(n_files > 10);
    assert!(Command::new("chmod").args(["-R", "u+w"]).arg(at).status().unwrap().success());
}
