#!/usr/bin/env python3
"""Writes the cards of benchmarks that have many datasets of one form: GUE, the downstream tasks of the Nucleotide
Transformer, Genomic Benchmarks, and the layouts of BEND and DART-Eval. Run it from the root of the repository:

    python3 datasets/make_benchmark_cards.py [--digests FOLDER]

FOLDER has the files of these benchmarks, as the cards name them; SHA-256 digests of those that are there go into the cards,
and the others keep the digest that their card has. It needs no package."""

import argparse
import hashlib
import pathlib
import re

HERE = pathlib.Path(__file__).parent

DEEPGENE = "https://raw.githubusercontent.com/wds-seu/DeepGene/3ec5048b3dcc68bcb1d0a144b7c038af79d52ccf/data/GUE"
GUE_MIRROR = "hf:datasets/leannmlindsey/GUE@2db3b738af3c676c243350ac337b9560ab15b04b/GUE"
GUE_CITATION = (
    "Zhou et al. 2024, DNABERT-2: Efficient Foundation Model and Benchmark for Multi-Species Genomes, ICLR (GUE benchmark)"
)
NT = "hf:datasets/InstaDeepAI/nucleotide_transformer_downstream_tasks@35505196a3ce21d6db1ad42462094ede77108916"
NT_CITATION = (
    "Dalla-Torre et al. 2024, Nucleotide Transformer: building and evaluating robust foundation models for human genomics, "
    "Nature Methods 22:287"
)
GB = "https://raw.githubusercontent.com/ML-Bioinfo-CEITEC/genomic_benchmarks/605d8539830e16c85abe7826990958303ffc5e1c/datasets"
GB_CITATION = (
    "Gresova et al. 2023, Genomic benchmarks: a collection of datasets for genomic sequence classification, "
    "BMC Genomic Data 24:25"
)
ENSEMBL = "https://ftp.ensembl.org/pub"
GENOMES = {
    "human": "release-97/fasta/homo_sapiens/dna/Homo_sapiens.GRCh38.dna.primary_assembly.fa.gz",
    "mouse": "release-100/fasta/mus_musculus/dna/Mus_musculus.GRCm38.dna.primary_assembly.fa.gz",
    "fly": "release-100/fasta/drosophila_melanogaster/dna/Drosophila_melanogaster.BDGP6.28.dna.toplevel.fa.gz",
    "worm": "release-104/fasta/caenorhabditis_elegans/dna/Caenorhabditis_elegans.WBcel235.dna.toplevel.fa.gz",
    "human-cdna": "release-97/fasta/homo_sapiens/cdna/Homo_sapiens.GRCh38.cdna.all.fa.gz",
}
BEND_CITATION = "Marin et al. 2024, BEND: Benchmarking DNA Language Models on biologically meaningful tasks, ICLR"
DART_CITATION = (
    "Patel et al. 2024, DART-Eval: A Comprehensive DNA Language Model Evaluation Benchmark on Regulatory DNA, NeurIPS"
)


def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


class Cards:
    def __init__(self, digests):
        self.digests = digests

    def digest(self, path, old):
        file = self.digests / path if self.digests else None
        if file and file.is_file():
            return hashlib.sha256(file.read_bytes()).hexdigest()
        found = re.search(r'path = "%s", sha256 = "([0-9a-f]{64})"' % re.escape(path), old)
        return found.group(1) if found else None

    def entry(self, old, path, url=None, label=None, genome=None):
        parts = [f"path = {quoted(path)}"]
        digest = self.digest(path, old)
        if digest:
            parts.append(f"sha256 = {quoted(digest)}")
        if url:
            parts.append(f"url = {quoted(url)}")
        if label:
            parts.append(f"label = {quoted(label)}")
        if genome:
            parts.append(f"genome = {genome}")
        return "{ " + ", ".join(parts) + " }"

    def write(self, name, keys, files, split=""):
        """`keys` are lines of TOML; `files` maps a key to a list of arguments of `entry`."""
        path = HERE / f"{name}.toml"
        old = path.read_text() if path.exists() else ""
        lines = ["schema = 1", f"id = {quoted(name)}", *keys, "", "[files]"]
        for key, entries in files.items():
            texts = [self.entry(old, *entry) for entry in entries]
            if len(texts) == 1:
                lines.append(f"{key} = {texts[0]}")
            else:
                lines.append(f"{key} = [")
                lines.extend(f"    {text}," for text in texts)
                lines.append("]")
        if split:
            lines += ["", split.strip()]
        # Published scores are written by hand.
        _, mark, published = old.partition("\n[[published]]")
        path.write_text("\n".join(lines) + "\n" + mark + published)


def random_valid(of="train"):
    return f'[[split]]\nof = "{of}"\nmethod = "random"\ninto = {{ train = 0.9, valid = 0.1 }}\nseed = 0\n'


def gue(cards):
    yeast = ["H3", "H3K14ac", "H3K36me3", "H3K4me1", "H3K4me2", "H3K4me3", "H3K79me3", "H3K9ac", "H4", "H4ac"]
    sets = []
    for mark in yeast:
        name = f"gue-emp-{mark.lower()}" + ("-full" if mark == "H3" else "")
        sets.append((name, f"Histone mark {mark} in yeast, 500 bp", f"EMP/{mark}", f"emp_{mark}"))
    for number in range(5):
        about = f"Transcription factor peaks against other sequence, mouse, set {number}, 101 bp"
        sets.append((f"gue-mouse-{number}", about, f"mouse/{number}", f"mouse_{number}"))
        about = about.replace("mouse", "human")
        sets.append((f"gue-tf-{number}", about, f"tf/{number}", f"human_tf_{number}"))
    for length, start in (("300", "Promoters"), ("core", "Core promoters")):
        bases = {"300": 300, "core": 70}[length]
        for kind, which in (("all", ""), ("notata", " without a TATA box"), ("tata", " with a TATA box")):
            about = f"{start}{which} against other sequence, human, {bases} bp"
            sets.append((f"gue-prom-{length}-{kind}", about, f"prom/prom_{length}_{kind}", f"prom_{length}_{kind}"))
    sets.append(("gue-splice-full", "Splice sites: acceptor, donor or neither, human, 400 bp", "splice/reconstructed", "splice_reconstructed"))
    sets.append(("gue-virus-covid", "Variants of SARS-CoV-2, nine lineages, 999 bp", "virus/covid", "virus_covid"))
    # Files that the copy in DeepGene lacks; the mirror on the hub has them.
    lacks_train = {f"EMP/{mark}" for mark in yeast} | {
        "mouse/1", "prom/prom_300_all", "prom/prom_300_notata", "splice/reconstructed", "virus/covid",
    }
    for name, about, folder, mirror in sets:
        if folder == "splice/reconstructed":
            task = ['task = "multiclass"', 'classes = ["0", "1", "2"]      # acceptor, donor, neither']
        elif folder == "virus/covid":
            task = ['task = "multiclass"', 'classes = ["0", "1", "2", "3", "4", "5", "6", "7", "8"]']
        else:
            task = ['task = "binary"', 'positive = "1"']
        metric = "macro-f1" if folder == "virus/covid" else "mcc"
        keys = [
            f"title = {quoted(about)}", task[0], 'sequence = "sequence"', 'target = "label"', task[1],
            f'metric = "{metric}"', 'licence = "Apache-2.0"', f"citation = {quoted(GUE_CITATION)}",
            'source = "https://github.com/MAGICS-LAB/DNABERT_2"',
        ]
        files = {}
        for key, file in (("train", "train"), ("valid", "dev"), ("test", "test")):
            absent = folder == "virus/covid" or (file == "train" and folder in lacks_train)
            url = f"{GUE_MIRROR}/{mirror}/{file}.csv" if absent else f"{DEEPGENE}/{folder}/{file}.csv"
            files[key] = [(f"gue/{folder}/{file}.csv", url)]
        cards.write(name, keys, files)


def nucleotide_transformer(cards):
    marks = ["H3", "H3K14ac", "H3K36me3", "H3K4me1", "H3K4me2", "H3K4me3", "H3K79me3", "H3K9ac", "H4", "H4ac"]
    sets = [(mark, f"Histone mark {mark} in yeast, 500 bp", 2) for mark in marks] + [
        ("enhancers", "Enhancers against other sequence, human, 200 bp", 2),
        ("enhancers_types", "Enhancers: strong, weak or none, human, 200 bp", 3),
        ("promoter_all", "Promoters against other sequence, human, 300 bp", 2),
        ("promoter_no_tata", "Promoters without a TATA box against other sequence, human, 300 bp", 2),
        ("promoter_tata", "Promoters with a TATA box against other sequence, human, 300 bp", 2),
        ("splice_sites_acceptors", "Splice acceptors against other sequence, 600 bp", 2),
        ("splice_sites_all", "Splice sites: acceptor, donor or neither, 400 bp", 3),
        ("splice_sites_donors", "Splice donors against other sequence, 600 bp", 2),
    ]
    for task, about, n_classes in sets:
        if n_classes == 2:
            kind = ['task = "binary"', 'positive = "1"']
        else:
            kind = ['task = "multiclass"', 'classes = ["0", "1", "2"]']
        keys = [
            f"title = {quoted(about)}", kind[0],
            'target = "header|last"          # >NAME|LABEL', kind[1], 'metric = "mcc"', 'format = "fasta"',
            'licence = "as stated by the source"', f"citation = {quoted(NT_CITATION)}",
            'source = "https://huggingface.co/datasets/InstaDeepAI/nucleotide_transformer_downstream_tasks"',
            'note = "the dataset has no validation rows: a tenth of train is drawn, by class; published scores are of ten-fold cross-validation"',
        ]
        files = {
            split: [(f"nucleotide-transformer/{task}/{split}.fna", f"{NT}/{task}/{split}.fna")] for split in ("train", "test")
        }
        cards.write(f"nt-{task.lower().replace('_', '-')}", keys, files, random_valid())


def genomic_benchmarks(cards):
    sets = [
        ("demo_coding_vs_intergenomic_seqs", "Coding against intergenic sequence, human, 200 bp", ["intergenomic_seqs", "coding_seqs"], {"coding_seqs": "human-cdna", "intergenomic_seqs": "human"}),
        ("demo_human_or_worm", "Human against worm sequence, 200 bp", ["worm", "human"], {"human": "human", "worm": "worm"}),
        ("drosophila_enhancers_stark", "Enhancers against other sequence, fly, 236 to 3237 bp", ["negative", "positive"], "fly"),
        ("dummy_mouse_enhancers_ensembl", "Enhancers against other sequence, mouse, 331 to 4776 bp", ["negative", "positive"], "mouse"),
        ("human_enhancers_cohn", "Enhancers against other sequence, human, 500 bp", ["negative", "positive"], "human"),
        ("human_enhancers_ensembl", "Enhancers against other sequence, human, 2 to 573 bp", ["negative", "positive"], "human"),
        ("human_ensembl_regulatory", "Enhancer, open chromatin or promoter, human, 71 to 802 bp", ["enhancer", "ocr", "promoter"], "human"),
        ("human_nontata_promoters", "Promoters without a TATA box against other sequence, human, 251 bp", ["negative", "positive"], "human"),
        ("human_ocr_ensembl", "Open chromatin against other sequence, human, 71 to 593 bp", ["negative", "positive"], "human"),
    ]

    def genome_of(which):
        address = GENOMES[which]
        return f"{{ path = {quoted('genomes/' + address.rsplit('/', 1)[1])}, url = {quoted(f'{ENSEMBL}/{address}')} }}"

    for name, about, classes, genome in sets:
        if len(classes) == 2:
            kind = ['task = "binary"', f"positive = {quoted(classes[1])}"]
        else:
            kind = ['task = "multiclass"', f"classes = [{', '.join(map(quoted, classes))}]"]
        keys = [f"title = {quoted(about)}", *kind]
        if isinstance(genome, str):
            keys.append(f"genome = {genome_of(genome)}")
        keys += [
            'chromosome = "region"', 'start = "start"', 'end = "end"', 'strand = "strand"', 'metric = "accuracy"',
            'licence = "Apache-2.0"', f"citation = {quoted(GB_CITATION)}",
            'source = "https://github.com/ML-Bioinfo-CEITEC/genomic_benchmarks"',
            'note = "the dataset has no validation rows: a tenth of train is drawn, by class"',
        ]
        files = {}
        for split in ("train", "test"):
            files[split] = []
            for one in classes:
                file = f"{name}/{split}/{one}.csv.gz"
                own = genome_of(genome[one]) if isinstance(genome, dict) else None
                files[split].append((f"genomic-benchmarks/{file}", f"{GB}/{file}", one, own))
        cards.write(f"genomic-benchmarks-{name.replace('_', '-')}", keys, files, random_valid())


def bend(cards):
    grch38 = "GRCh38.primary_assembly.genome.fa"
    sets = [
        ("chromatin_accessibility", "Open chromatin in 125 cell types, human, 512 bp", 125, "GRCh37.no-chr.fa"),
        ("histone_modification", "Histone marks, 18 tracks of K562, human, 512 bp", 18, grch38),
        ("cpg_methylation", "CpG methylation in 7 cell types, human, 512 bp", 7, grch38),
    ]
    for name, about, n_labels, genome in sets:
        keys = [
            f"title = {quoted(about)}", 'task = "multilabel"', 'target = "label"', f"labels = {n_labels}",
            f"genome = {{ path = {quoted('bend/genomes/' + genome)} }}",
            'chromosome = "chromosome"', 'start = "start"', 'end = "end"', 'strand = "strand"', 'metric = "auroc"',
            'licence = "BSD-3-Clause"', f"citation = {quoted(BEND_CITATION)}",
            'source = "https://github.com/frederikkemarin/BEND"',
            'note = "BEND gives no digests and its files are on a share: put bed file and genome where the paths say, and `seqprobe data fetch` writes their digests"',
        ]
        split = '[[split]]\nof = "all"\nmethod = "column"\ncolumn = "split"\n'
        cards.write(f"bend-{name.replace('_', '-')}", keys, {"all": [(f"bend/{name}/{name}.bed",)]}, split)


def dart_eval(cards):
    keys = [
        'title = "Cell-type-specific open chromatin, five cell types, human, 500 bp (DART-Eval, task 3)"',
        'task = "multiclass"', 'target = "label"',
        'genome = { path = "dart-eval/refs/GRCh38_no_alt_analysis_set_GCA_000001405.15.fasta" }',
        'chromosome = "chr"', 'start = "start"', 'end = "end"', 'metric = "accuracy"',
        'licence = "as stated by the source"', f"citation = {quoted(DART_CITATION)}",
        'source = "https://github.com/kundajelab/DART-Eval"',
        'note = "an example of the layout: a tab-separated table of intervals and labels from Synapse; adapt the names of its columns. The split by chromosome is that of DART-Eval"',
    ]
    split = (
        '[[split]]\nof = "all"\nmethod = "chromosome"\nvalid = ["chr6", "chr21"]\n'
        'test = ["chr5", "chr10", "chr14", "chr18", "chr20", "chr22"]\n'
    )
    cards.write("dart-eval-cell-types", keys, {"all": [("dart-eval/task_3_peak_classification/peaks_by_cell_label_unique_dataloader_format.tsv",)]}, split)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--digests", type=pathlib.Path)
    cards = Cards(parser.parse_args().digests)
    for family in (gue, nucleotide_transformer, genomic_benchmarks, bend, dart_eval):
        family(cards)


if __name__ == "__main__":
    main()
