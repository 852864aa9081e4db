//! Which cards there are.

use crate::exit::Failure;
use seqprobe_data::bundled_cards;

/// Ids of the cards in the folder `datasets`, or else of the cards that the program has.
pub(crate) fn cards_here() -> Result<Vec<String>, Failure> {
    let mut ids: Vec<String> = match std::fs::read_dir("datasets") {
        Ok(entries) => entries
            .filter_map(Result::ok)
            .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".toml").map(str::to_owned))
            .collect(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            bundled_cards().iter().map(|card| card.id.to_owned()).collect()
        }
        Err(error) => return Err(Failure::usage(format!("datasets: {error}\n  hint: name a card"))),
    };
    ids.sort();
    Ok(ids)
}

/// Ids of all cards: of the folder `datasets`, and of those that the program has.
pub(crate) fn all_cards() -> Result<Vec<String>, Failure> {
    let mut ids = cards_here()?;
    ids.extend(bundled_cards().iter().map(|card| card.id.to_owned()));
    ids.sort();
    ids.dedup();
    Ok(ids)
}
