//! Ids of many rows in one text: a million ids need little more memory than their characters.

/// One id per row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowIds {
    text: String,
    /// Where each id ends in the text.
    ends: Vec<usize>,
}

impl RowIds {
    /// Appends the id of the next row.
    pub fn push(&mut self, id: &str) {
        self.text.push_str(id);
        self.ends.push(self.text.len());
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// True when there is no row.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// The id of a row, 0-based; `None` after the last.
    pub fn get(&self, row: usize) -> Option<&str> {
        let end = *self.ends.get(row)?;
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.text.get(start..end)
    }

    /// All ids in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).filter_map(|row| self.get(row))
    }
}

impl<T: AsRef<str>> FromIterator<T> for RowIds {
    fn from_iter<I: IntoIterator<Item = T>>(ids: I) -> Self {
        let mut all = Self::default();
        ids.into_iter().for_each(|id| all.push(id.as_ref()));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_returned_as_given() {
        let given = ["", "é", "two words", "", "x"];
        let ids: RowIds = given.iter().collect();
        assert_eq!(ids.iter().collect::<Vec<_>>(), given);
        assert_eq!((ids.len(), ids.is_empty(), ids.get(1), ids.get(5)), (5, false, Some("é"), None));
        assert!(RowIds::default().is_empty());
    }
}
