//! Files of `torch.save` that were made to harm: code in every way a pickle can carry it, damaged files, and
//! files that announce more than they contain. All end in an error, in bounded memory, and nothing is run.

use proptest::prelude::*;
use seqprobe_models::checkpoint::Checkpoint;
use seqprobe_models::checkpoint::torch_file::pickle::{self, PickleError};
use seqprobe_models::checkpoint::torch_file::{self, TorchFileError};
use std::io::Write;
use std::path::Path;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn fixture(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/checkpoints");
    std::fs::read(folder.join(name)).unwrap()
}

/// A stored archive of named members.
fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    archive_with(members, CompressionMethod::Stored)
}

fn archive_with(members: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut writer = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in members {
        writer.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// Text as protocol 2 writes it.
fn text(text: &str) -> Vec<u8> {
    [b"X", (text.len() as u32).to_le_bytes().as_slice(), text.as_bytes()].concat()
}

/// A pickle that makes `{"w": a tensor of 4 floats}`, its storage and sizes as given.
fn one_tensor(length: i32, offset: i32, shape: &[i32], strides: &[i32]) -> Vec<u8> {
    let number = |number: i32| [b"J".as_slice(), &number.to_le_bytes()].concat();
    let tuple = |numbers: &[i32]| {
        [b"(".to_vec(), numbers.iter().flat_map(|one| number(*one)).collect(), b"t".to_vec()].concat()
    };
    [
        b"\x80\x02}".to_vec(),
        text("w"),
        b"ctorch._utils\n_rebuild_tensor_v2\n((".to_vec(),
        text("storage"),
        b"ctorch\nFloatStorage\n".to_vec(),
        text("0"),
        text("cpu"),
        number(length),
        b"tQ".to_vec(),
        number(offset),
        tuple(shape),
        tuple(strides),
        b"\x89ccollections\nOrderedDict\n)RtRs.".to_vec(),
    ]
    .concat()
}

fn one_tensor_file(pickle: &[u8]) -> Vec<u8> {
    archive(&[("a/data.pkl", pickle), ("a/data/0", &[0; 16]), ("a/byteorder", b"little")])
}

fn problem(pickle: &[u8]) -> String {
    match torch_file::read(&one_tensor_file(pickle)) {
        Err(error) => error.to_string(),
        Ok(layouts) => panic!("should be refused: {layouts:?}"),
    }
}

#[test]
fn the_smallest_file_is_read() {
    let layouts = torch_file::read(&one_tensor_file(&one_tensor(4, 1, &[3], &[1]))).unwrap();
    assert_eq!(layouts.len(), 1);
    assert_eq!(
        (layouts[0].name.as_str(), layouts[0].shape.as_slice(), &layouts[0].strides),
        ("w", [3].as_slice(), &None)
    );
}

#[test]
fn code_is_named_and_not_run() {
    let folder = tempfile::TempDir::new().unwrap();
    let marker = folder.path().join("was-run");
    let command = format!("touch {}", marker.display());
    let python = format!("__import__('os').system('{command}')");
    let (command_text, python_text) = (text(&command), text(&python));
    let short = |text: &str| [&[0x8c, text.len() as u8], text.as_bytes()].concat();
    let pickles: Vec<(&str, Vec<u8>)> = vec![
        // GLOBAL and REDUCE.
        ("os.system", [b"\x80\x02cos\nsystem\n".as_slice(), &command_text, b"\x85R."].concat()),
        ("posix.system", [b"\x80\x02cposix\nsystem\n".as_slice(), &command_text, b"\x85R."].concat()),
        ("builtins.eval", [b"\x80\x02cbuiltins\neval\n".as_slice(), &python_text, b"\x85R."].concat()),
        ("__builtin__.exec", [b"\x80\x02c__builtin__\nexec\n".as_slice(), &python_text, b"\x85R."].concat()),
        // STACK_GLOBAL.
        (
            "os.system",
            [b"\x80\x04".as_slice(), &short("os"), &short("system"), b"\x93", &command_text, b"\x85R."]
                .concat(),
        ),
        (
            "builtins.getattr",
            [b"\x80\x04".as_slice(), &short("builtins"), &short("getattr"), b"\x93."].concat(),
        ),
        // INST and OBJ, also in the all-text protocol 0.
        ("os.system", [b"(".as_slice(), &command_text, b"ios\nsystem\n."].concat()),
        ("os.system", format!("(S'{command}'\nios\nsystem\n.").into_bytes()),
        ("os.system", [b"(cos\nsystem\n".as_slice(), &command_text, b"o."].concat()),
        // NEWOBJ and NEWOBJ_EX.
        (
            "subprocess.Popen",
            [b"\x80\x02csubprocess\nPopen\n".as_slice(), &command_text, b"\x85\x81."].concat(),
        ),
        (
            "subprocess.Popen",
            [b"\x80\x04csubprocess\nPopen\n".as_slice(), &command_text, b"\x85}\x92."].concat(),
        ),
        // Within a name that is on the list, below it, or that loads something else.
        (
            "collections.OrderedDict.__init__.__globals__",
            b"\x80\x02ccollections\nOrderedDict.__init__.__globals__\n.".to_vec(),
        ),
        ("torch.storage._load_from_bytes", b"\x80\x02ctorch.storage\n_load_from_bytes\n.".to_vec()),
        ("torch.hub.load", b"\x80\x02ctorch.hub\nload\n.".to_vec()),
        ("torch.load", b"\x80\x02ctorch\nload\n.".to_vec()),
        ("numpy.core.multiarray._reconstruct", b"\x80\x02cnumpy.core.multiarray\n_reconstruct\n.".to_vec()),
    ];
    for (name, pickle) in pickles {
        let error = pickle::read(&pickle).unwrap_err();
        assert!(
            matches!(&error, PickleError::Global { name: named, .. } if named == name),
            "{name}: {error}"
        );
        let path = folder.path().join("pytorch_model.bin");
        std::fs::write(&path, one_tensor_file(&pickle)).unwrap();
        let message = Checkpoint::open(folder.path()).err().unwrap().to_string();
        let start = format!("{}: it names the Python object {name} (byte ", path.display());
        assert!(message.starts_with(&start), "{message}");
        assert!(
            message
                .contains("nothing was run\n  hint: save the weights alone: torch.save(model.state_dict(), ")
        );
        assert!(!marker.exists());
    }
}

#[test]
fn known_names_cannot_be_misused() {
    let refuse = |pickle: &[u8]| problem(pickle);
    // Registered extensions, text put on the stack as a callee, calls with wrong arguments.
    assert!(refuse(b"\x80\x02\x82\x01.").contains("is not one that torch.save writes"));
    assert!(refuse(b"\x80\x02N)R.").contains("something that is not a global is called"));
    assert!(refuse(b"\x80\x02cbuiltins\nlist\n)R.").contains("in a way torch.save does not use"));
    assert!(
        refuse(b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.")
            .contains("in a way torch.save does not use")
    );
    assert!(refuse(b"\x80\x02icollections\nOrderedDict\n.").contains("in a way torch.save does not use"));
    // Attributes of anything but a dictionary; a storage id that is none.
    assert!(refuse(b"\x80\x02]}b.").contains("attributes are set on something that is not a dictionary"));
    assert!(refuse(b"\x80\x02(K\x01K\x02tQ.").contains("expected a storage"));
    // A list within itself is a value like others.
    assert!(refuse(b"\x80\x02]q\x00h\x00a.").contains("it contains something that is not a dictionary"));
    assert!(
        refuse(b"\x80\x02}q\x00X\x05\x00\x00\x00modelh\x00s.").contains("it contains the keys \"model\"")
    );
    // Stack and memo.
    for pickle in [
        b"\x80\x02.".as_slice(),
        b"\x80\x020.",
        b"\x80\x02t.",
        b"\x80\x02(.",
        b"\x80\x02N(0N\x86.",
        b"\x80\x02h\x07.",
        b"\x80\x01N.",
        b"\x80\x06N.",
        b"",
    ] {
        assert!(matches!(
            pickle::read(pickle),
            Err(PickleError::Malformed { .. } | PickleError::NoTensors { .. })
        ));
    }
}

#[test]
fn views_outside_their_storage_are_refused() {
    let large = i32::MAX;
    /// Values in the storage, offset, shape, strides, what is said.
    type View<'a> = (i32, i32, &'a [i32], &'a [i32], &'a str);
    let cases: [View<'_>; 13] = [
        (4, 0, &[5], &[1], "offset 0, shape [5] and strides [1] lie outside its storage of 16 bytes"),
        (4, 2, &[3], &[1], "lie outside its storage"),
        (4, 0, &[2, 2], &[3, 1], "lie outside its storage"),
        (4, 4, &[], &[], "lie outside its storage"),
        (5, 0, &[1], &[1], "its storage \"0\" has 16 bytes, expected 20"),
        (4, -1, &[1], &[1], "its offset is negative"),
        (-4, 0, &[1], &[1], "a storage has a negative length"),
        (4, 0, &[-1], &[1], "its shape is not a tuple of sizes"),
        (4, 3, &[2], &[-1], "its strides are not a tuple of numbers from 0"),
        (4, 0, &[2, 2], &[1], "its shape and strides have different lengths"),
        (4, 0, &[large, large, large], &[0, 0, 0], "is too large"),
        (4, 0, &[large, 4], &[0, 1], "it takes more than 16 times the bytes of the file"),
        (4, 0, &[1; 17], &[1; 17], "has more than 16 dimensions"),
    ];
    for (length, offset, shape, strides, expected) in cases {
        let message = problem(&one_tensor(length, offset, shape, strides));
        assert!(message.contains(expected), "{expected}: {message}");
    }
    // What touches the bounds is read.
    for (offset, shape, strides) in
        [(0, [2, 2], [2, 1]), (3, [9, 1], [0, 7]), (0, [0, 9], [9, 9]), (1, [2, 2], [1, 1])]
    {
        assert_eq!(
            torch_file::read(&one_tensor_file(&one_tensor(4, offset, &shape, &strides))).unwrap().len(),
            1
        );
    }
}

#[test]
fn archives_that_are_none_of_torch_save_are_refused() {
    let pickle = one_tensor(4, 0, &[4], &[1]);
    let message = |file: &[u8]| torch_file::read(file).unwrap_err().to_string();
    let data = ("a/data/0", [0_u8; 16].as_slice());
    assert!(message(&archive(&[("a/data.pkl", &pickle)])).contains("it has no member \"a/data/0\""));
    assert!(message(&archive(&[data])).contains("it has no member <name>/data.pkl"));
    assert!(message(&archive(&[])).contains("not a complete file of torch.save"));
    assert!(
        message(&archive(&[("a/data.pkl", &pickle), ("b/data.pkl", &pickle), data]))
            .contains("several members")
    );
    // Compressed members are not unpacked at all.
    let bomb = vec![0; 1 << 22];
    let packed = archive_with(&[("a/data.pkl", &bomb)], CompressionMethod::Deflated);
    assert!(packed.len() < 8192);
    assert!(message(&packed).contains("\"a/data.pkl\" is compressed (Deflated, "));
    // An archive within an archive is bytes and nothing else.
    let inner = one_tensor_file(&pickle);
    assert!(message(&archive(&[("a/inner.zip", &inner)])).contains("it has no member <name>/data.pkl"));
    // Names are never paths: they are looked up in the archive alone.
    let mut outside = pickle.clone();
    let key = outside.windows(6).position(|window| window == b"X\x01\x00\x00\x000").unwrap();
    outside.splice(key..key + 6, text("../../../etc/passwd"));
    assert!(
        message(&archive(&[("a/data.pkl", &outside), data]))
            .contains("it has no member \"a/data/../../../etc/passwd\"")
    );
    let inside = archive(&[("a/data.pkl", &outside), ("a/data/../../../etc/passwd", &[0; 16])]);
    assert_eq!(torch_file::read(&inside).unwrap()[0].shape, [4]);
    let above = archive(&[("../data.pkl", &pickle), ("../data/0", &[7; 16])]);
    assert_eq!(torch_file::read(&above).unwrap()[0].shape, [4]);
}

/// Every layout must lie within the file, for any file.
fn check(file: &[u8]) -> Result<(), TorchFileError> {
    for layout in torch_file::read(file)? {
        assert!(layout.span().end <= file.len(), "{layout:?}");
        let end = layout.n_bytes().min(1 << 16) / 16 * 16;
        assert_eq!(layout.bytes(file, 0..end, &mut Vec::new()).len(), end, "{layout:?}");
    }
    Ok(())
}

#[test]
fn a_file_cut_off_anywhere_is_an_error() {
    for name in ["twins/protocol-2.pt", "twins/training-4.pt", "twins/strides.pt"] {
        let file = fixture(name);
        assert_eq!(check(&file), Ok(()));
        for length in 0..file.len() {
            assert!(check(&file[..length]).is_err(), "{name} cut to {length}");
        }
    }
}

#[test]
fn no_flipped_bit_does_harm() {
    let mut n_errors = 0;
    for name in ["twins/protocol-4.pt", "twins/attributes.pt"] {
        let mut file = fixture(name);
        for place in 0..file.len() {
            for bit in 0..8 {
                file[place] ^= 1 << bit;
                n_errors += usize::from(check(&file).is_err());
                file[place] ^= 1 << bit;
            }
        }
    }
    // Most bytes are padding and values.
    assert!(n_errors > 3000, "{n_errors}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        prop_assert!(check(&bytes).is_err());
        let as_archive = one_tensor_file(&bytes);
        prop_assert!(check(&as_archive).is_err());
    }

    /// Instructions that make sense one by one, in any order.
    #[test]
    fn any_instructions_end(instructions in proptest::collection::vec(proptest::sample::select(vec![
        b"(".to_vec(), b")".to_vec(), b"t".to_vec(), b"\x85".to_vec(), b"\x86".to_vec(), b"]".to_vec(), b"a".to_vec(),
        b"e".to_vec(), b"}".to_vec(), b"s".to_vec(), b"u".to_vec(), b"0".to_vec(), b"1".to_vec(), b"2".to_vec(),
        b"q\x01".to_vec(), b"h\x01".to_vec(), b"\x94".to_vec(), b"N".to_vec(), b"K\x04".to_vec(), b"R".to_vec(),
        b"b".to_vec(), b"Q".to_vec(), text("model"), text("storage"), text("0"), b"ctorch\nFloatStorage\n".to_vec(),
        b"ctorch._utils\n_rebuild_tensor_v2\n".to_vec(), b"ccollections\nOrderedDict\n".to_vec(),
        b"ctorch._utils\n_rebuild_parameter\n".to_vec(), b"\x8f".to_vec(), b"\x90".to_vec(), b"d".to_vec(), b"l".to_vec(),
    ]), 0..200)) {
        let pickle = [b"\x80\x02".to_vec(), instructions.concat(), b".".to_vec()].concat();
        match check(&one_tensor_file(&pickle)) {
            Ok(()) => {}
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    /// Several bytes of a good file changed at once.
    #[test]
    fn any_damage_is_harmless(changes in proptest::collection::vec((0_usize..9000, any::<u8>()), 1..12)) {
        let mut file = fixture("twins/training-2.pt");
        for (place, byte) in changes {
            let place = place % file.len();
            file[place] = byte;
        }
        match check(&file) {
            Ok(()) => {}
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }
}

/// Bytes of address space the reader may take beyond what the test program has. The pickles below have a
/// million bytes.
#[cfg(target_os = "linux")]
const MAX_MEMORY: u64 = 256 << 20;

/// Run in a process of its own whose memory is limited: what announces or asks for too much would end it.
#[cfg(target_os = "linux")]
#[test]
fn memory_is_bounded() {
    if std::env::var_os("SEQPROBE_TEST_LIMITED").is_some() {
        read_greedy_files();
        return;
    }
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmSize:")).unwrap();
    let kilobytes: u64 = size.trim().trim_end_matches(" kB").parse().unwrap();
    let run = |limit: u64| {
        std::process::Command::new("sh")
            .args(["-c", &format!("ulimit -v {limit}; exec \"$0\" \"$@\"")])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", "hostile_torch_files::memory_is_bounded", "--test-threads", "1"])
            .env("SEQPROBE_TEST_LIMITED", "1")
            .output()
            .unwrap()
    };
    let output = run(kilobytes + MAX_MEMORY / 1024);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("1 passed"));
    // The limit is one.
    assert!(!run(kilobytes / 2).status.success());
}

#[cfg(target_os = "linux")]
fn read_greedy_files() {
    const LENGTH: usize = 1_000_000;
    let repeated = |unit: &[u8]| [b"\x80\x04".as_slice(), &unit.repeat(LENGTH / unit.len()), b"."].concat();
    // Each fills stack, arena, memo, marks, or lists in the densest way there is.
    for unit in [
        b"N".as_slice(),
        b")",
        b"]",
        b"}",
        b"(",
        b"N\x94",
        b")\x85",
        b"]N\x85a",
        b"N\x85",
        b"2",
        b"h\x00",
        b"\x8f",
        b"((((",
        b"Nr\x00\x00\x00\x00",
    ] {
        let mut pickle = repeated(unit);
        if unit == b"2" || unit == b"h\x00" {
            pickle.splice(2..2, b"]\x94".iter().copied());
        }
        assert!(pickle::read(&pickle).is_err());
    }
    // Lists within lists, deeper than any stack.
    assert!(
        pickle::read(
            &[b"\x80\x02".as_slice(), &b"]".repeat(LENGTH), &b"a".repeat(LENGTH - 1), b"."].concat()
        )
        .is_err()
    );
    assert!(pickle::read(&[b"\x80\x02N".as_slice(), &b"\x85".repeat(LENGTH), b"."].concat()).is_err());
    // A dictionary copied over and over.
    let pairs = [b"\x80\x02](".as_slice(), &b"NN\x86".repeat(1000), b"eq\x00"].concat();
    let copies = b"ccollections\nOrderedDict\nh\x00\x85R".repeat(LENGTH / 30);
    let error = pickle::read(&[pairs, copies, b".".to_vec()].concat()).unwrap_err();
    assert!(error.to_string().ends_with("dictionaries are copied over and over"), "{error}");
    // Lengths that are only announced.
    for announced in [
        b"\x8b\xff\xff\xff\x7f".as_slice(),
        b"X\xff\xff\xff\xff",
        b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"T\xff\xff\xff\x7f",
        b"\x8e\xff\xff\xff\xff\xff\xff\xff\xff",
        b"\x96\x00\x00\x00\x00\x00\x00\x00\x40",
        b"\x95\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"B\xff\xff\xff\x7f",
    ] {
        let error = pickle::read(&[b"\x80\x04".as_slice(), announced, b"."].concat()).unwrap_err();
        assert!(error.to_string().contains("announced"), "{error}");
    }
    let too_long = vec![b'N'; pickle::MAX_PICKLE + 1];
    assert!(pickle::read(&too_long).unwrap_err().to_string().contains("at most 16777216 are read"));
    // A directory of many members, and one that announces more than there are, in 32 and in 64 bits.
    let names: Vec<String> = (0..20_000).map(|number| format!("a/data/{number}")).collect();
    let members: Vec<(&str, &[u8])> = names.iter().map(|name| (name.as_str(), b"".as_slice())).collect();
    let many = archive(&members);
    assert!(torch_file::read(&many).unwrap_err().to_string().contains("no member <name>/data.pkl"));
    let mut announced = one_tensor_file(&one_tensor(4, 0, &[4], &[1]));
    let end = announced.len() - 22;
    announced[end + 8..end + 12].copy_from_slice(&[0xfe, 0xff, 0xfe, 0xff]);
    assert!(torch_file::read(&announced).is_err());
    for n_members in [1_u64 << 20, 1 << 40, u64::MAX / 64] {
        let mut large = one_tensor_file(&one_tensor(4, 0, &[4], &[1]));
        large.truncate(end);
        let end_64 = large.len() as u64;
        large.extend(b"PK\x06\x06");
        large.extend(44_u64.to_le_bytes());
        large.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        large
            .extend([n_members, n_members, n_members * 46, 0].iter().flat_map(|number| number.to_le_bytes()));
        large.extend(b"PK\x06\x07\x00\x00\x00\x00");
        large.extend(end_64.to_le_bytes());
        large.extend(1_u32.to_le_bytes());
        large.extend([b"PK\x05\x06\x00\x00\x00\x00".as_slice(), &[0xff; 12], &[0, 0]].concat());
        assert!(torch_file::read(&large).is_err());
    }
}
