//! Representations that are files of ready embeddings: their suite keys, read once, joined to each dataset.

use crate::exit::{ExitCode, Failure, OrExit};
use crate::suite::{Representation, RepresentationEntry, Suite};
use seqprobe_core::{Dataset, Split};
use seqprobe_embed::{EmbedError, IdsFrom, ImportRequest, ImportedEmbeddings, ImportedFeatures};
use std::path::Path;

/// A file of embeddings in a suite.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ImportedRepresentation {
    /// Name in results: the key `name`, or the file's name without its ending.
    pub(crate) name: String,
    pub(crate) request: ImportRequest,
    /// How the embeddings were made, in the user's words.
    pub(crate) source: Option<String>,
}

/// Checks the keys of an entry with `embeddings`; paths start from the suite's folder.
pub(crate) fn check_import(
    entry: &RepresentationEntry,
    path: &str,
    folder: &Path,
) -> Result<ImportedRepresentation, String> {
    let foreign = [
        ("layers", entry.layers.is_some()),
        ("pooling", entry.pooling.is_some()),
        ("truncate", entry.truncate.is_some()),
        ("window", entry.window.is_some()),
        ("rc", entry.rc.is_some()),
        ("precision", entry.precision.is_some()),
    ];
    if let Some((key, _)) = foreign.iter().find(|(_, given)| *given) {
        return Err(format!(
            "{key} does not belong to imported embeddings, which are one ready vector per example\n  hint: say how they were made with the key source"
        ));
    }
    let stem = || Path::new(path).file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = entry.name.clone().or_else(stem).unwrap_or_default();
    if name.is_empty() || name.starts_with("random:") || name.chars().any(char::is_control) {
        return Err(format!("name {name:?} must be a text of its own, without random: before it"));
    }
    let ids = match &entry.ids {
        None => IdsFrom::Default,
        Some(file) if file.ends_with(".txt") => IdsFrom::File(folder.join(file)),
        Some(name) => IdsFrom::Name(name.clone()),
    };
    let request = ImportRequest { path: folder.join(path), values: entry.values.clone(), ids };
    Ok(ImportedRepresentation { name, request, source: entry.source.clone() })
}

/// Reads the files of embeddings a suite names and checks that each has a vector for every example; `None`
/// where a representation is no file.
pub(crate) fn load_imports(
    suite: &Suite,
    datasets: &[Dataset],
) -> Result<Vec<Option<ImportedEmbeddings>>, Failure> {
    let mut imports = Vec::new();
    for representation in &suite.representations {
        let Representation::Imported(imported) = representation else {
            imports.push(None);
            continue;
        };
        let embeddings = ImportedEmbeddings::read(&imported.request).map_err(|error| {
            Failure::new(ExitCode::Data, format!("embeddings {:?}: {error}", imported.name))
        })?;
        for dataset in datasets {
            join(&embeddings, dataset).or_exit(ExitCode::Data).map_err(|failure| {
                let message =
                    format!("dataset {:?}, embeddings {:?}: {}", dataset.id, imported.name, failure.error);
                Failure::new(failure.code, message)
            })?;
        }
        imports.push(Some(embeddings));
    }
    Ok(imports)
}

/// The vectors of a dataset's examples; every example of a split has one.
pub(crate) fn join(
    embeddings: &ImportedEmbeddings,
    dataset: &Dataset,
) -> Result<ImportedFeatures, EmbedError> {
    let needed: Vec<usize> =
        Split::ALL.into_iter().flat_map(|split| dataset.splits.rows(split).iter().copied()).collect();
    embeddings.join(&dataset.example_ids, &needed)
}
