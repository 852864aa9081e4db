//! What a cache has to bear: killed processes, flipped bits, short and swapped files, full, read-only and vanished
//! disks, several writers at once. After each, a resumed run gives the bytes of an undisturbed one, and computes
//! nothing that was done.
//!
//! `SEQPROBE_FAULTS` is the number of kills and of damages (`make faults`: 200); a few where it is not set.
#![expect(clippy::unwrap_used, reason = "helpers of tests may panic as tests do")]

use seqprobe_tests::{command, program, run, skip, small_suite, write};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Distinct sequences: four shards of 4,096 rows at most.
const COUNT: usize = 13_000;

fn rounds() -> usize {
    std::env::var("SEQPROBE_FAULTS").map_or(8, |text| text.parse().expect("a number of faults"))
}

/// Random numbers that are the same in every run (SplitMix64, Steele et al. 2014).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((mixed ^ (mixed >> 31)) % bound as u64) as usize
    }
}

/// A folder with a tiny model, sequences, and what an undisturbed run makes of them.
struct Bench {
    folder: tempfile::TempDir,
    shards: BTreeMap<String, Vec<u8>>,
    output: Vec<u8>,
    /// How long the undisturbed run took.
    time: Duration,
}

const EMBED: [&str; 7] = ["embed", "--model", "random:model", "--input", "x.fa", "--output", "out.npy"];

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        small_suite(folder.path());
        // As small as a model can be: most of a run is reading, writing and waiting to be killed.
        let config = std::fs::read_to_string(folder.path().join("model/config.json")).unwrap();
        let mut config: serde_json::Value = serde_json::from_str(&config).unwrap();
        config["n_layers"] = 1.into();
        config["hidden_size"] = 8.into();
        config["kernel_size"] = 3.into();
        write(folder.path(), "model/config.json", &config.to_string());
        let mut text = String::new();
        for number in 0..COUNT {
            let letters = (0..8).map(|place| b"ACGT"[number >> (2 * place) & 3] as char);
            text.push_str(&format!(">s{number}\n{}", "ACGTTGCA".repeat(number % 3)));
            text.extend(letters);
            text.push('\n');
        }
        write(folder.path(), "x.fa", &text);
        let start = Instant::now();
        let cache = folder.path().join("undisturbed");
        let ended = embed(folder.path(), &cache, &[]).output().unwrap();
        let time = start.elapsed();
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
        assert_eq!(computed(&ended.stdout), COUNT);
        let bench = Self { shards: stored(&cache), output: output(folder.path()), folder, time };
        assert_eq!(bench.shards.len(), 10, "four shards, four records, key and manifest");
        bench
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Runs to the end on a cache that was disturbed, and demands that it computes what was not done, and the bytes
    /// of the undisturbed run.
    fn resume(&self, cache: &Path, what: &str) {
        let done = finished_rows(cache);
        let ended = embed(self.path(), cache, &[]).output().unwrap();
        let stderr = String::from_utf8_lossy(&ended.stderr);
        assert!(ended.status.success(), "{what}: {stderr}");
        assert_eq!(computed(&ended.stdout), COUNT - done, "{what}: {done} rows were done");
        self.require_undisturbed(cache, what);
    }

    fn require_undisturbed(&self, cache: &Path, what: &str) {
        let stored = stored(cache);
        assert_eq!(stored.keys().collect::<Vec<_>>(), self.shards.keys().collect::<Vec<_>>(), "{what}");
        assert!(stored == self.shards, "{what}: other bytes are stored");
        assert!(output(self.path()) == self.output, "{what}: other bytes are written");
    }
}

fn embed(folder: &Path, cache: &Path, more: &[&str]) -> Command {
    let mut command = command(folder, &EMBED);
    command.args(more).env("SEQPROBE_CACHE_DIR", cache);
    command
}

fn start(folder: &Path, cache: &Path) -> Child {
    embed(folder, cache, &[]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn output(folder: &Path) -> Vec<u8> {
    std::fs::read(folder.join("out.npy")).unwrap()
}

/// The number in "N distinct sequences computed".
fn computed(stdout: &[u8]) -> usize {
    let text = String::from_utf8_lossy(stdout);
    let line = text.lines().find(|line| line.contains("distinct sequences computed")).expect("the count");
    line.split(' ').next().unwrap().parse().unwrap()
}

/// The files of entries that hold content, and their bytes; marks of use and locks are left out.
fn stored(cache: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let Ok(entries) = std::fs::read_dir(cache.join("embeddings-v1")) else { return found };
    for entry in entries {
        let entry = entry.unwrap().path();
        for file in std::fs::read_dir(&entry).unwrap() {
            let path = file.unwrap().path();
            let name = path.strip_prefix(cache).unwrap().to_string_lossy().into_owned();
            if path.is_file() && !name.ends_with("/lock") && !name.ends_with("/readers") {
                found.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// Rows of shards that have both of their files.
fn finished_rows(cache: &Path) -> usize {
    let files = stored(cache);
    let records = files.iter().filter(|(name, _)| name.contains("/shard-") && name.ends_with(".json"));
    records
        .filter(|(name, _)| files.contains_key(&name.replace(".json", ".safetensors")))
        .map(|(_, bytes)| {
            let record: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            record["rows"].as_u64().unwrap() as usize
        })
        .sum()
}

/// Shards that are recorded, while another process may be writing.
fn n_records(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let names = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let of = |path: PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        n_records(&path) + usize::from(name.starts_with("shard-") && name.ends_with(".json"))
    };
    names.map(of).sum()
}

/// Waits until one more shard is recorded, or the process has ended, and kills it.
fn kill_at_next_shard(mut child: Child, cache: &Path) -> bool {
    let before = n_records(cache);
    while n_records(cache) == before && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    kill(child)
}

fn kill_after(child: Child, time: Duration) -> bool {
    std::thread::sleep(time);
    kill(child)
}

/// True where the process had not ended by itself.
fn kill(mut child: Child) -> bool {
    let ended = child.try_wait().unwrap().is_some();
    child.kill().unwrap();
    child.wait().unwrap();
    !ended
}

#[test]
fn killed_at_any_instant_it_goes_on_where_it_was() {
    let bench = Bench::new();
    let mut random = Random(1);
    let (mut kills, mut caches, mut within) = (0, 0, 0);
    while kills < rounds() {
        let cache = bench.path().join(format!("cache-{caches}"));
        caches += 1;
        // A cache is killed until it is complete, or three times.
        for _ in 0..3 {
            let before = finished_rows(&cache);
            let time = bench.time.mul_f64(random.below(1000) as f64 / 900.0);
            let child = start(bench.path(), &cache);
            // Every other one at an instant of which it is known that something is done and something is not.
            let in_time =
                if kills % 2 == 0 { kill_after(child, time) } else { kill_at_next_shard(child, &cache) };
            if !in_time {
                break;
            }
            kills += 1;
            let after = finished_rows(&cache);
            assert!(after >= before, "{before} rows were done, {after} are left");
            within += usize::from(after > 0 && after < COUNT);
        }
        bench.resume(&cache, &format!("cache {caches}"));
        std::fs::remove_dir_all(&cache).unwrap();
    }
    println!("{kills} kills, {within} of them between the first shard and the last");
    assert!(within > 0, "no kill came between two shards");
}

/// Changes a file of the cache; gives the name of the file at fault.
fn damage(cache: &Path, random: &mut Random) -> (PathBuf, String) {
    let names: Vec<String> = stored(cache).into_keys().collect();
    let path = cache.join(&names[random.below(names.len())]);
    let mut bytes = std::fs::read(&path).unwrap();
    let what = match random.below(4) {
        0 | 1 => {
            let place = random.below(bytes.len());
            // Not the bit that makes a capital of a letter: digests in both are the same digest.
            bytes[place] ^= 1 << random.below(5);
            format!("a bit of byte {place}")
        }
        2 => {
            // More than the last line break, which JSON can do without.
            bytes.truncate(random.below(bytes.len() - 1));
            format!("cut to {} bytes", bytes.len())
        }
        _ => {
            let ending = path.extension().unwrap();
            let others = names.iter().map(|name| cache.join(name));
            let other = others.filter(|other| other.extension() == Some(ending) && *other != path);
            let others: Vec<PathBuf> = other.collect();
            let other = &others[random.below(others.len())];
            bytes = std::fs::read(other).unwrap();
            format!("replaced by {}", other.file_name().unwrap().to_string_lossy())
        }
    };
    std::fs::write(&path, bytes).unwrap();
    let what = format!("{}: {what}", path.display());
    (path, what)
}

#[test]
fn damage_is_said_and_never_used() {
    let bench = Bench::new();
    let cache = bench.path().join("undisturbed");
    let mut random = Random(2);
    for _ in 0..rounds() {
        let (path, what) = damage(&cache, &mut random);
        let entry = path.parent().unwrap().file_name().unwrap().to_string_lossy().into_owned();
        let refused = embed(bench.path(), &cache, &["--no-repair"]).output().unwrap();
        let stderr = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(4), "{what}: {stderr}");
        assert!(stderr.contains(&entry) && stderr.contains("were not used"), "{what}: {stderr}");
        std::fs::remove_file(bench.path().join("out.npy")).unwrap();

        let repaired = embed(bench.path(), &cache, &[]).output().unwrap();
        let stderr = String::from_utf8_lossy(&repaired.stderr);
        assert!(repaired.status.success(), "{what}: {stderr}");
        assert!(stderr.contains("damaged, not used and computed again"), "{what}: {stderr}");
        assert!(stderr.contains(&entry), "{what}: {stderr}");
        bench.require_undisturbed(&cache, &what);
        // At most one shard was computed again.
        assert!(computed(&repaired.stdout) <= 4096, "{what}");
    }
}

#[test]
fn four_writers_share_the_work() {
    let bench = Bench::new();
    let mut random = Random(3);
    for round in 0..rounds().div_ceil(8) {
        let cache = bench.path().join(format!("shared-{round}"));
        let writers: Vec<Child> = (0..4).map(|_| start(bench.path(), &cache)).collect();
        let mut total = 0;
        for writer in writers {
            let ended = writer.wait_with_output().unwrap();
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
            total += computed(&ended.stdout);
        }
        assert_eq!(total, COUNT, "every sequence once, by one of the four");
        bench.require_undisturbed(&cache, "four writers");

        // Three of four are killed while they hold or wait for the lock; the fourth ends, or somebody goes on.
        let cache = bench.path().join(format!("killed-{round}"));
        let mut writers: Vec<Child> = (0..4).map(|_| start(bench.path(), &cache)).collect();
        let last = writers.pop().unwrap();
        for writer in writers {
            kill_after(writer, bench.time.mul_f64(random.below(1000) as f64 / 2000.0));
        }
        assert!(last.wait_with_output().unwrap().status.success());
        bench.require_undisturbed(&cache, "one of four writers");
    }
}

/// Runs a shell script in a mount namespace of its own, where it may mount a small disk. False where the system
/// allows none, which a test says.
fn with_mounts(bench: &Bench, script: &str) -> bool {
    let path = write(bench.path(), "script.sh", script);
    for unshare in [&["-Urm"][..], &["-m"]] {
        let ended = Command::new("unshare")
            .args(unshare)
            .args(["sh", "-eu"])
            .arg(&path)
            .current_dir(bench.path())
            .env("PROGRAM", program())
            .env_remove("SEQPROBE_DATA_DIR")
            .output();
        let Ok(ended) = ended else { break };
        if bench.path().join("mounted").exists() {
            let stderr = String::from_utf8_lossy(&ended.stderr);
            assert!(ended.status.success(), "{stderr}");
            return true;
        }
    }
    false
}

const RUN: &str = "run() {
    name=$1; shift; code=0
    SEQPROBE_CACHE_DIR=$PWD/disk \"$PROGRAM\" embed --model random:model --input x.fa --output out.npy \"$@\" \\
        > $name.out 2> $name.err || code=$?
    echo $code > $name.code
}
";

fn text(bench: &Bench, name: &str) -> String {
    std::fs::read_to_string(bench.path().join(name)).unwrap()
}

#[test]
fn a_full_disk_is_said_and_a_larger_one_goes_on() {
    let bench = Bench::new();
    let size: usize = bench.shards.values().map(Vec::len).sum();
    let script = format!(
        "{RUN}mkdir disk\nmount -t tmpfs -o size={} tmpfs disk\ntouch mounted\nrun full\ncp -a disk left\n\
         mount -o remount,size=64m disk\nrun larger\ncp -a disk whole\n",
        size / 2
    );
    if with_mounts(&bench, &script) {
        assert_eq!(text(&bench, "full.code"), "4\n", "{}", text(&bench, "full.err"));
        let error = text(&bench, "full.err");
        assert!(error.contains("cannot write") && error.contains("hint: free space"), "{error}");
        let left = bench.path().join("left");
        let done = finished_rows(&left);
        assert!(done > 0 && done < COUNT, "{done}");
        for (name, bytes) in stored(&left) {
            assert!(bench.shards.get(&name) == Some(&bytes), "{name} is not as it should be");
        }
        assert_eq!(text(&bench, "larger.code"), "0\n", "{}", text(&bench, "larger.err"));
        assert_eq!(computed(text(&bench, "larger.out").as_bytes()), COUNT - done);
        bench.require_undisturbed(&bench.path().join("whole"), "a larger disk");
    } else {
        skip("the small disk, because nothing can be mounted here");
    }

    // A limit on the size of a file replaces a full disk if nothing can be mounted. It is always tested: it
    // lets the shards pass and stops the output.
    let cache = bench.path().join("limited");
    std::fs::remove_file(bench.path().join("out.npy")).unwrap();
    let largest_shard = bench.shards.values().map(Vec::len).max().unwrap();
    assert!(largest_shard + 2048 < bench.output.len());
    let limited = Command::new("sh")
        .args(["-c", "trap '' XFSZ && ulimit -f \"$0\" && exec \"$@\""])
        .arg((largest_shard.div_ceil(512) + 1).to_string())
        .arg(program())
        .args(EMBED)
        .current_dir(bench.path())
        .env("SEQPROBE_CACHE_DIR", &cache)
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&limited.stderr);
    assert_eq!(limited.status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("out.npy") && stderr.contains("hint: free space"), "{stderr}");
    assert!(!bench.path().join("out.npy").exists());
    assert_eq!(finished_rows(&cache), COUNT);
    bench.resume(&cache, "without the limit");
}

#[test]
fn a_read_only_disk_can_be_read_and_says_so_when_written() {
    let bench = Bench::new();
    let script = format!(
        "{RUN}mkdir disk\nmount -t tmpfs -o size=64m tmpfs disk\ntouch mounted\ncp -a undisturbed/. disk/\n\
         mount -o remount,ro disk\nrun reading\nmount -o remount,rw disk\n\
         rm disk/embeddings-v1/*/shard-00002.* disk/embeddings-v1/*/manifest.json\nmount -o remount,ro disk\n\
         run writing\nmount -o remount,rw disk\nrun after\ncp -a disk whole\n"
    );
    if with_mounts(&bench, &script) {
        assert_eq!(text(&bench, "reading.code"), "0\n", "{}", text(&bench, "reading.err"));
        assert_eq!(computed(text(&bench, "reading.out").as_bytes()), 0);
        assert_eq!(text(&bench, "writing.code"), "4\n", "{}", text(&bench, "writing.err"));
        let error = text(&bench, "writing.err");
        assert!(error.contains("hint: choose a folder that you may write to"), "{error}");
        assert_eq!(text(&bench, "after.code"), "0\n", "{}", text(&bench, "after.err"));
        assert_eq!(computed(text(&bench, "after.out").as_bytes()), 4096);
        bench.require_undisturbed(&bench.path().join("whole"), "a disk that can be written again");
    } else {
        skip("the write-protected disk, because nothing can be mounted here");
    }
    // Not even root may create a folder here.
    let refused = run(bench.path(), &[&EMBED[..], &["--cache-dir", "/proc/seqprobe"]].concat());
    assert_eq!(refused.code, Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("cannot create /proc/seqprobe"), "{}", refused.stderr);
}

#[test]
fn a_vanished_disk_is_said_and_its_shards_are_used_when_it_is_back() {
    let bench = Bench::new();
    let script = format!(
        "{RUN}mkdir disk real\nmount --bind real disk\ntouch mounted\nrun vanished &\n\
         while ! ls real/embeddings-v1/*/shard-00001.json > listing 2> listing; do\n\
         test -e vanished.code && break; sleep 0.005; done\numount -l disk\nwait\n"
    );
    if with_mounts(&bench, &script) {
        let real = bench.path().join("real");
        let done = finished_rows(&real);
        assert!(done >= 4096, "{done}");
        if done < COUNT {
            assert_eq!(text(&bench, "vanished.code"), "4\n", "{}", text(&bench, "vanished.err"));
            let error = text(&bench, "vanished.err");
            assert!(
                error.contains("/disk/embeddings-v1/") && error.contains("is its disk still there"),
                "{error}"
            );
        }
        bench.resume(&real, "the disk is back");
    } else {
        // The nearest without a mount: the folder is renamed while it is written to.
        let cache = bench.path().join("cache-a");
        let child = start(bench.path(), &cache);
        while finished_rows(&cache) == 0 {
            std::thread::sleep(Duration::from_millis(5));
        }
        let moved = bench.path().join("cache-b");
        std::fs::rename(&cache, &moved).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert!(finished_rows(&moved) == COUNT || !ended.status.success());
        bench.resume(&moved, "the folder is back");
    }
}
