//! What a file is, by its first bytes. The one place where formats are recognised: data, settings, tokenizers, weights,
//! embeddings and baselines all ask here.

use std::fmt;

/// What the first bytes of a file say that it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FileKind {
    /// No bytes, or blanks only.
    Empty,
    // --- things in place of the file ---
    /// A Git LFS pointer.
    LfsPointer,
    /// A git-annex pointer.
    AnnexPointer,
    /// A web page, often an error or login page saved under the name of the file.
    Html,
    /// XML, also SVG.
    Xml,
    // --- compression and archives ---
    /// gzip, also BGZF.
    Gzip,
    /// Zstandard.
    Zstd,
    /// xz.
    Xz,
    /// bzip2.
    Bzip2,
    /// LZ4 frames.
    Lz4,
    /// ZIP, also npz, xlsx and PyTorch files.
    Zip,
    /// 7z.
    SevenZip,
    /// tar.
    Tar,
    // --- text ---
    /// UTF-16 or UTF-32 text.
    WideText,
    /// A JSON value.
    Json,
    /// One JSON object per line.
    JsonLines,
    /// FASTA, perhaps with comment lines before the first record.
    Fasta,
    /// FASTQ.
    Fastq,
    /// GenBank flat file.
    GenBank,
    /// EMBL flat file.
    Embl,
    /// GFF3 or GTF.
    Gff,
    /// BED.
    Bed,
    /// VCF.
    Vcf,
    /// SAM.
    Sam,
    /// Any other text: CSV, TSV, words.
    Text,
    // --- binary ---
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC or Feather.
    Arrow,
    /// HDF5, also h5ad and Keras files.
    Hdf5,
    /// NumPy array.
    Npy,
    /// UCSC 2bit.
    TwoBit,
    /// BAM, after decompression.
    Bam,
    /// CRAM.
    Cram,
    /// bigWig or bigBed.
    BigWig,
    /// safetensors.
    Safetensors,
    /// GGUF weights.
    Gguf,
    /// A pickle: old PyTorch files, Python objects.
    Pickle,
    /// Flax weights (MessagePack).
    Flax,
    /// TensorFlow checkpoint or saved model.
    TensorFlow,
    /// Excel of the years before 2007.
    OldExcel,
    /// PDF.
    Pdf,
    /// A program or shared library.
    Program,
    /// Anything else that is not text.
    Binary,
}

/// Magic bytes at a fixed place.
const MAGIC: &[(usize, &[u8], FileKind)] = &[
    (0, &[0x1f, 0x8b], FileKind::Gzip),
    (0, &[0x28, 0xb5, 0x2f, 0xfd], FileKind::Zstd),
    (0, &[0xfd, b'7', b'z', b'X', b'Z', 0], FileKind::Xz),
    (0, &[0x04, 0x22, 0x4d, 0x18], FileKind::Lz4),
    (0, b"PK\x03\x04", FileKind::Zip),
    (0, b"PK\x05\x06", FileKind::Zip),
    (0, &[b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c], FileKind::SevenZip),
    (257, b"ustar", FileKind::Tar),
    (0, b"PAR1", FileKind::Parquet),
    (0, b"ARROW1", FileKind::Arrow),
    (0, b"FEA1", FileKind::Arrow),
    (0, b"\x89HDF\r\n\x1a\n", FileKind::Hdf5),
    (0, b"\x93NUMPY", FileKind::Npy),
    (0, &[0x43, 0x27, 0x41, 0x1a], FileKind::TwoBit),
    (0, &[0x1a, 0x41, 0x27, 0x43], FileKind::TwoBit),
    (0, b"BAM\x01", FileKind::Bam),
    (0, b"CRAM", FileKind::Cram),
    (0, &[0x26, 0xfc, 0x8f, 0x88], FileKind::BigWig),
    (0, &[0xeb, 0xf2, 0x89, 0x87], FileKind::BigWig),
    (0, b"GGUF", FileKind::Gguf),
    (0, &[0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1], FileKind::OldExcel),
    (0, b"%PDF-", FileKind::Pdf),
    (0, b"\x7fELF", FileKind::Program),
    (0, &[0xff, 0xfe], FileKind::WideText),
    (0, &[0xfe, 0xff], FileKind::WideText),
];

/// Text at the start, without byte-order mark and blanks before it.
const WORDS: &[(&str, FileKind)] = &[
    ("version https://git-lfs.github.com/spec/", FileKind::LfsPointer),
    ("/annex/objects/", FileKind::AnnexPointer),
    ("../.git/annex/objects/", FileKind::AnnexPointer),
    (".git/annex/objects/", FileKind::AnnexPointer),
    ("<?xml", FileKind::Xml),
    ("LOCUS ", FileKind::GenBank),
    ("ID   ", FileKind::Embl),
    ("##gff-version", FileKind::Gff),
    ("##gtf", FileKind::Gff),
    ("##fileformat=VCF", FileKind::Vcf),
    ("#CHROM\tPOS\t", FileKind::Vcf),
    ("@HD\t", FileKind::Sam),
    ("@SQ\t", FileKind::Sam),
    ("model_checkpoint_path:", FileKind::TensorFlow),
];

impl FileKind {
    /// First bytes of a file that are looked at.
    pub const BYTES: usize = 64 << 10;

    /// Recognises a file by its first bytes; more than [`FileKind::BYTES`] are not looked at.
    pub fn of(start: &[u8]) -> Self {
        let start = start.get(..Self::BYTES).unwrap_or(start);
        for &(at, magic, kind) in MAGIC {
            if start.get(at..).is_some_and(|rest| rest.starts_with(magic)) {
                return kind;
            }
        }
        if start.starts_with(b"BZh") && start.get(4..10) == Some(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59]) {
            return Self::Bzip2;
        }
        if is_safetensors(start) {
            return Self::Safetensors;
        }
        let text = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start).trim_ascii_start();
        if text.is_empty() {
            return Self::Empty;
        }
        if text[..text.len().min(8 << 10)].contains(&0) || is_pickle(start) || is_flax(start) {
            return binary_kind(start);
        }
        text_kind(text)
    }

    /// True for compression and archives that wrap another file.
    pub fn is_compressed(self) -> bool {
        matches!(
            self,
            Self::Gzip | Self::Zstd | Self::Xz | Self::Bzip2 | Self::Lz4 | Self::Zip | Self::SevenZip
        )
    }

    /// True for text that a program could have been meant to read: no pointer, no web page, no binary format.
    pub fn is_text(self) -> bool {
        matches!(
            self,
            Self::Json
                | Self::JsonLines
                | Self::Fasta
                | Self::Fastq
                | Self::GenBank
                | Self::Embl
                | Self::Gff
                | Self::Bed
                | Self::Vcf
                | Self::Sam
                | Self::Text
        )
    }

    /// What to do about a file that is there in place of another one, or cannot be used at all.
    pub fn hint(self) -> Option<&'static str> {
        Some(match self {
            Self::LfsPointer => "only the pointer was downloaded; `git lfs pull` fetches the file itself",
            Self::AnnexPointer => {
                "only the pointer was downloaded; `git annex get FILE` fetches the file itself"
            }
            Self::Html => {
                "a web page was saved in place of the file; download it again with the link to the raw file"
            }
            Self::WideText => "save it as UTF-8",
            Self::OldExcel => "save it as CSV",
            Self::Tar | Self::SevenZip | Self::Lz4 => "unpack it first",
            Self::Flax => "convert the Flax weights to safetensors first",
            Self::TensorFlow => "convert the TensorFlow weights to safetensors first",
            Self::Gguf => "GGUF weights are quantised; use the original weights",
            _ => return None,
        })
    }
}

impl fmt::Display for FileKind {
    /// The kind with its article, as in "is a web page (HTML)".
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Empty => "empty",
            Self::LfsPointer => "a Git LFS pointer",
            Self::AnnexPointer => "a git-annex pointer",
            Self::Html => "a web page (HTML)",
            Self::Xml => "XML",
            Self::Gzip => "gzip",
            Self::Zstd => "Zstandard (zst)",
            Self::Xz => "xz",
            Self::Bzip2 => "bzip2",
            Self::Lz4 => "LZ4",
            Self::Zip => "a ZIP archive",
            Self::SevenZip => "a 7z archive",
            Self::Tar => "a tar archive",
            Self::WideText => "UTF-16 or UTF-32 text",
            Self::Json => "JSON",
            Self::JsonLines => "JSON Lines",
            Self::Fasta => "FASTA",
            Self::Fastq => "FASTQ",
            Self::GenBank => "GenBank",
            Self::Embl => "EMBL",
            Self::Gff => "GFF or GTF",
            Self::Bed => "BED",
            Self::Vcf => "VCF",
            Self::Sam => "SAM",
            Self::Text => "text",
            Self::Parquet => "Parquet",
            Self::Arrow => "Arrow or Feather",
            Self::Hdf5 => "HDF5",
            Self::Npy => "a NumPy array (npy)",
            Self::TwoBit => "2bit",
            Self::Bam => "BAM",
            Self::Cram => "CRAM",
            Self::BigWig => "bigWig or bigBed",
            Self::Safetensors => "safetensors",
            Self::Gguf => "GGUF weights",
            Self::Pickle => "a Python pickle",
            Self::Flax => "Flax weights",
            Self::TensorFlow => "a TensorFlow checkpoint",
            Self::OldExcel => "an Excel file (xls)",
            Self::Pdf => "PDF",
            Self::Program => "a program",
            Self::Binary => "binary data",
        })
    }
}

/// A length in 8 bytes, then a JSON object.
fn is_safetensors(start: &[u8]) -> bool {
    let Some((length, rest)) = start.split_first_chunk::<8>() else { return false };
    (2..=100 << 20).contains(&u64::from_le_bytes(*length)) && rest.starts_with(b"{")
}

/// Protocols 2 to 5; protocol 0 and 1 have no mark.
fn is_pickle(start: &[u8]) -> bool {
    matches!(start, [0x80, 2..=5, ..])
}

/// MessagePack: a map whose first key is a string.
fn is_flax(start: &[u8]) -> bool {
    let rest = match start {
        [0x81..=0x8f, rest @ ..] | [0xde, _, _, rest @ ..] => rest,
        _ => return false,
    };
    match rest {
        [length @ 0xa1..=0xbf, key @ ..] => {
            key.get(..usize::from(length & 0x1f)).is_some_and(|key| key.iter().all(u8::is_ascii_graphic))
        }
        [0xd9, ..] => true,
        _ => false,
    }
}

fn binary_kind(start: &[u8]) -> FileKind {
    if is_pickle(start) {
        FileKind::Pickle
    } else if is_flax(start) {
        FileKind::Flax
    } else if start.starts_with(&[0, 0]) && start.windows(12).take(512).any(|part| part == b"BundleHeader") {
        FileKind::TensorFlow
    } else {
        FileKind::Binary
    }
}

fn text_kind(text: &[u8]) -> FileKind {
    if let Some((_, kind)) = WORDS.iter().find(|(word, _)| text.starts_with(word.as_bytes())) {
        return *kind;
    }
    let lower: Vec<u8> = text.iter().take(64).map(u8::to_ascii_lowercase).collect();
    if [&b"<!doctype html"[..], b"<html", b"<head", b"<body"].iter().any(|tag| lower.starts_with(tag)) {
        return FileKind::Html;
    }
    match text.first() {
        Some(b'<') if is_xml(text) => return FileKind::Xml,
        Some(b'{') => return json_kind(text),
        Some(b'[') => return FileKind::Json,
        _ => {}
    }
    let mut lines =
        text.split(|&byte| byte == b'\n' || byte == b'\r').filter(|line| !line.trim_ascii().is_empty());
    if text.starts_with(b"@") && lines.clone().nth(2).is_some_and(|line| line.starts_with(b"+")) {
        return FileKind::Fastq;
    }
    let is_comment = |line: &[u8]| matches!(line.first(), Some(b'#' | b';')) || is_track_line(line);
    match lines.find(|line| !is_comment(line)) {
        Some([b'>', ..]) => FileKind::Fasta,
        Some(line) if is_gff_line(line) => FileKind::Gff,
        Some(line) if is_bed_line(line) => FileKind::Bed,
        _ => FileKind::Text,
    }
}

/// A tag that is closed; a vocabulary may begin with `<cls>` too.
fn is_xml(text: &[u8]) -> bool {
    let start = text.get(..1 << 10).unwrap_or(text);
    [&b"<svg"[..], b"<!"].iter().any(|tag| start.starts_with(tag))
        || start.windows(2).any(|two| two == b"</" || two == b"/>")
}

fn is_track_line(line: &[u8]) -> bool {
    line.starts_with(b"track ") || line.starts_with(b"browser ")
}

fn is_whole_number(field: &[u8]) -> bool {
    !field.is_empty() && field.iter().all(u8::is_ascii_digit)
}

/// `chromosome, start, end` with tabs; a first field of digits only could be any number.
fn is_bed_line(line: &[u8]) -> bool {
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b'\t').collect();
    matches!(fields.as_slice(), [chromosome, start, end, ..]
        if !chromosome.is_empty() && chromosome.iter().any(u8::is_ascii_alphabetic)
            && is_whole_number(start) && is_whole_number(end))
}

/// Nine fields; the fourth and fifth are numbers, the seventh a strand.
fn is_gff_line(line: &[u8]) -> bool {
    let fields: Vec<&[u8]> = line.split(|&byte| byte == b'\t').collect();
    matches!(fields.as_slice(), [_, _, _, start, end, _, [b'+' | b'-' | b'.' | b'?'], _, _]
        if is_whole_number(start) && is_whole_number(end))
}

/// One object per line where the first line is a whole object and another one follows.
fn json_kind(text: &[u8]) -> FileKind {
    let (mut depth, mut is_quoted, mut is_escaped) = (0_i64, false, false);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' if is_quoted => is_escaped = true,
            b'"' => is_quoted = !is_quoted,
            b'{' | b'[' if !is_quoted => depth += 1,
            b'}' | b']' if !is_quoted => depth -= 1,
            b'\n' if depth > 0 => return FileKind::Json,
            _ => {}
        }
        if depth == 0 {
            let rest = text[at + 1..].trim_ascii_start();
            return if rest.starts_with(b"{") { FileKind::JsonLines } else { FileKind::Json };
        }
    }
    // The first line is longer than what was read.
    FileKind::JsonLines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_recognised_by_content() {
        let cases: &[(&[u8], FileKind)] = &[
            (b"", FileKind::Empty),
            (b" \n\n", FileKind::Empty),
            (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", FileKind::LfsPointer),
            (b"\n<!DOCTYPE html>\n<html>", FileKind::Html),
            (b"<svg>", FileKind::Xml),
            (b"<Error><Code>AccessDenied</Code></Error>", FileKind::Xml),
            (b"<cls>\n<pad>\nA\n", FileKind::Text),
            (b"\x1f\x8b\x08\x04", FileKind::Gzip),
            (b"\x28\xb5\x2f\xfd\x04", FileKind::Zstd),
            (b"BZh91AY&SY", FileKind::Bzip2),
            (b"BZhou,1\n", FileKind::Text),
            (b"\xff\xfea\0,\0", FileKind::WideText),
            (b"{\"id\": 1}\n{\"id\": 2}\n", FileKind::JsonLines),
            (b"{\n\"id\": 1}\n", FileKind::Json),
            (b"{\"id\": 1}\n", FileKind::Json),
            (b"\xef\xbb\xbf>a\nACGT\n", FileKind::Fasta),
            (b"; made by a tool\n>a\nACGT\n", FileKind::Fasta),
            (b"# made by a tool\n\n>a\nACGT\n", FileKind::Fasta),
            (b">a\rACGT\r>b\rACGT\r", FileKind::Fasta),
            (b"@r0\nACGT\n+\nIIII\n", FileKind::Fastq),
            (b"@HD\tVN:1.6\n", FileKind::Sam),
            (b"LOCUS       X 40 bp DNA\n", FileKind::GenBank),
            (b"chr1\t10\t50\tpeak\n", FileKind::Bed),
            (b"track name=x\nchr1\t10\t50\n", FileKind::Bed),
            (b"chr1\thavana\tgene\t1\t40\t.\t+\t.\tgene_id\n", FileKind::Gff),
            (b"##fileformat=VCFv4.2\n", FileKind::Vcf),
            (b"#id\tsequence\tlabel\n1\tACGT\t0\n", FileKind::Text),
            (b"sequence,label\nACGT,1\n", FileKind::Text),
            (b"\x10\0\0\0\0\0\0\0{\"a\":1}", FileKind::Safetensors),
            (b"\x80\x02}q\0", FileKind::Pickle),
            (b"\x81\xa6params\x81", FileKind::Flax),
            (b"PK\x03\x04\x14\0", FileKind::Zip),
            (b"PAR1\x15\x04", FileKind::Parquet),
            (b"ab\0cd", FileKind::Binary),
        ];
        for (bytes, kind) in cases {
            assert_eq!(FileKind::of(bytes), *kind, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn no_prefix_of_anything_panics() {
        for (_, magic, _) in MAGIC {
            for n in 0..=magic.len() {
                let _ = FileKind::of(&magic[..n]);
            }
        }
        for byte in 0..=u8::MAX {
            let _ = FileKind::of(&[byte]);
            let _ = FileKind::of(&[byte, 0xa5, b'p']);
        }
    }
}
