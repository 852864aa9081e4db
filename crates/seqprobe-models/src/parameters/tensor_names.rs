//! The names that the tensors of a family have in its checkpoints.

/// The names of a family's tensors.
#[derive(Clone, Copy, Debug)]
pub struct TensorNames {
    /// Prefixes that the outer class may add to every name, the usual one first.
    pub prefixes: &'static [&'static str],
    /// The name, or the start of a name, that every checkpoint of the family contains, without prefix.
    pub probe: &'static str,
    /// Tensors that the encoder does not use: heads and constants. `*` at the end or at the beginning matches any text.
    pub ignored: &'static [&'static str],
}

impl TensorNames {
    /// Returns the first prefix under which the probe tensor is one of `names`, else the usual prefix.
    pub(crate) fn prefix_in(&self, names: &[String]) -> &'static str {
        let has_probe = |prefix: &&'static str| {
            let start = format!("{prefix}{}", self.probe);
            names.iter().any(|name| name.starts_with(&start))
        };
        let found = self.prefixes.iter().copied().find(has_probe);
        found.unwrap_or_else(|| self.usual_prefix())
    }

    /// Returns the prefix of the names in new checkpoints.
    pub(crate) fn usual_prefix(&self) -> &'static str {
        self.prefixes.first().copied().unwrap_or_default()
    }

    /// Whether the encoder ignores a tensor, by its name with or without the prefix.
    pub(crate) fn ignores(&self, name: &str, prefix: &str) -> bool {
        let bare = name.strip_prefix(prefix).unwrap_or(name);
        self.ignored.iter().any(|pattern| match (pattern.strip_suffix('*'), pattern.strip_prefix('*')) {
            (Some(start), _) => name.starts_with(start) || bare.starts_with(start),
            (None, Some(end)) => name.ends_with(end),
            (None, None) => name == *pattern || bare == *pattern,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: TensorNames =
        TensorNames { prefixes: &["bert.", ""], probe: "words", ignored: &["cls.*", "*.count", "pooler"] };

    #[test]
    fn the_prefix_is_the_one_under_which_the_probe_tensor_is() {
        let prefix = |names: &[&str]| {
            NAMES.prefix_in(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(prefix(&["bert.words.weight"]), "bert.");
        assert_eq!(prefix(&["other", "words.weight"]), "");
        assert_eq!(prefix(&["other"]), "bert.");
    }

    #[test]
    fn patterns_match_with_and_without_the_prefix() {
        for name in ["cls.bias", "bert.cls.bias", "a.count", "bert.a.count", "pooler", "bert.pooler"] {
            assert!(NAMES.ignores(name, "bert."), "{name}");
        }
        for name in ["words", "a.cls.bias", "count", "pooler.bias"] {
            assert!(!NAMES.ignores(name, "bert."), "{name}");
        }
    }
}
