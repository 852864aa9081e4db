//! Clusters of examples that are not independent: genes, or neighbouring loci of a chromosome.

/// The cluster of each example, numbered 0… without gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Clusters {
    ids: Vec<u32>,
    n_clusters: usize,
    kind: String,
    chromosomes: Option<Vec<u32>>,
}

impl Clusters {
    /// Numbers clusters by first appearance of their name. `kind`: what a cluster is ("gene", "1 Mb block").
    pub fn from_names<S: AsRef<str>>(names: &[S], kind: &str) -> Self {
        let (ids, n_clusters) = numbered(names);
        Self { ids, n_clusters, kind: kind.to_owned(), chromosomes: None }
    }

    /// Adds the chromosome of each example.
    #[must_use]
    pub fn with_chromosomes<S: AsRef<str>>(self, names: &[S]) -> Self {
        Self { chromosomes: Some(numbered(names).0), ..self }
    }

    /// The chromosome of each example, numbered by first appearance, if chromosomes are known.
    pub fn chromosomes(&self) -> Option<&[u32]> {
        self.chromosomes.as_deref()
    }

    /// The cluster number of each example.
    pub fn ids(&self) -> &[u32] {
        &self.ids
    }

    /// Number of clusters.
    pub fn n_clusters(&self) -> usize {
        self.n_clusters
    }

    /// What a cluster is.
    pub fn kind(&self) -> &str {
        &self.kind
    }
}

fn numbered<S: AsRef<str>>(names: &[S]) -> (Vec<u32>, usize) {
    let mut numbers = std::collections::HashMap::new();
    let ids = names
        .iter()
        .map(|name| {
            let next = numbers.len() as u32;
            *numbers.entry(name.as_ref()).or_insert(next)
        })
        .collect();
    (ids, numbers.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_numbered_by_first_appearance() {
        let clusters = Clusters::from_names(&["b", "a", "b", "c"], "gene");
        assert_eq!(clusters.ids(), [0, 1, 0, 2]);
        assert_eq!((clusters.n_clusters(), clusters.kind()), (3, "gene"));
        assert_eq!(clusters.chromosomes(), None);
        let clusters = clusters.with_chromosomes(&["chr2", "chr1", "chr2", "chr2"]);
        assert_eq!(clusters.chromosomes(), Some(&[0, 1, 0, 0][..]));
        assert_eq!(clusters.ids(), [0, 1, 0, 2]);
    }
}
