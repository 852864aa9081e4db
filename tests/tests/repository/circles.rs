//! Modules of a crate do not import each other in circles. A parent and its own submodules may: a registry names its
//! entries, and they use its types.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use crate::files::texts;

/// A module as its path from the root of the crate: empty for the root itself.
type Module = Vec<String>;
/// Module → the modules whose items it names.
type Graph = BTreeMap<Module, BTreeSet<Module>>;

/// The module that a source file of a crate is, from its path below `src`; `None` for files of tests.
fn module_of(file: &Path) -> Option<Module> {
    let mut module: Module =
        file.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if module.last().is_some_and(|name| ["lib", "main", "mod"].contains(&name.as_str())) {
        module.pop();
    }
    Some(module)
}

/// The program code of a file: no comments, and nothing from the first `#[cfg(test)]` on.
fn code(text: &str) -> String {
    let lines = text.lines().take_while(|line| !line.trim_start().starts_with("#[cfg(test)]"));
    lines.filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Every path that begins with `start` in the code, with the braces of `use` written out.
fn paths(code: &str, start: &str) -> Vec<Module> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices(start) {
        if !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_' || before == ':') {
            expand(&code[at + start.len()..], &mut Vec::new(), &mut found);
        }
    }
    found
}

/// Reads `a::b` or `a::{b, c::d}` from the beginning of `text`; returns how far it read.
fn expand(text: &str, before: &mut Module, found: &mut Vec<Module>) -> usize {
    let depth = before.len();
    let mut at = 0;
    loop {
        let rest = &text[at..];
        let blank = rest.len() - rest.trim_start().len();
        let rest = &rest[blank..];
        if rest.starts_with('{') {
            at += blank + 1;
            loop {
                at += expand(&text[at..], before, found);
                let skipped = text[at..].find([',', '}']).unwrap_or(0);
                let is_end = text[at + skipped..].starts_with('}') || text[at + skipped..].is_empty();
                at += (skipped + 1).min(text.len() - at);
                if is_end || text[at..].is_empty() {
                    break;
                }
            }
            break;
        }
        let length =
            rest.find(|letter: char| !letter.is_alphanumeric() && letter != '_').unwrap_or(rest.len());
        if length == 0 {
            break;
        }
        before.push(rest[..length].to_owned());
        at += blank + length;
        if !text[at..].starts_with("::") {
            found.push(before.clone());
            break;
        }
        at += 2;
    }
    before.truncate(depth);
    at
}

/// The imports between the modules of one crate, without those between a module and its own submodules.
fn graph(sources: &BTreeMap<Module, String>) -> Graph {
    let known = |path: &[String]| {
        (0..=path.len()).rev().map(|length| path[..length].to_vec()).find(|path| sources.contains_key(path))
    };
    let related = |one: &Module, other: &Module| one.starts_with(other) || other.starts_with(one);
    let edges = |(module, text): (&Module, &String)| {
        let code = code(text);
        let mut named: Vec<Module> = paths(&code, "crate::");
        let parent = &module[..module.len().saturating_sub(1)];
        named.extend(paths(&code, "super::").into_iter().map(|path| [parent, &path].concat()));
        let targets = named.iter().filter_map(|path| known(path)).filter(|target| !related(module, target));
        (module.clone(), targets.collect())
    };
    sources.iter().map(edges).collect()
}

/// All modules that can be reached from one over imports.
fn reachable(graph: &Graph, from: &Module) -> BTreeSet<Module> {
    let (mut seen, mut open) = (BTreeSet::new(), vec![from.clone()]);
    while let Some(module) = open.pop() {
        for next in graph.get(&module).into_iter().flatten() {
            if seen.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    seen
}

/// The circles of a graph: sets of modules that can each be reached from each other.
fn circles(graph: &Graph) -> Vec<BTreeSet<Module>> {
    let reach: BTreeMap<&Module, BTreeSet<Module>> =
        graph.keys().map(|module| (module, reachable(graph, module))).collect();
    let of = |module: &Module| -> BTreeSet<Module> {
        let back = |other: &&Module| reach.get(other).is_some_and(|reached| reached.contains(module));
        reach[module].iter().filter(back).cloned().collect()
    };
    let mut found: Vec<BTreeSet<Module>> = Vec::new();
    for module in graph.keys() {
        let circle = of(module);
        if circle.len() > 1 && !found.contains(&circle) {
            found.push(circle);
        }
    }
    found
}

#[test]
fn modules_do_not_import_each_other_in_circles() {
    let mut crates: BTreeMap<PathBuf, BTreeMap<Module, String>> = BTreeMap::new();
    for (path, text) in texts(&[".rs"]).into_iter().filter(|(path, _)| path.starts_with("crates")) {
        let root: PathBuf = path.iter().take(2).collect();
        let Ok(below) = path.strip_prefix(root.join("src")) else { continue };
        if let Some(module) = module_of(below) {
            crates.entry(root).or_default().insert(module, text);
        }
    }
    let mut found = Vec::new();
    for (root, sources) in &crates {
        for circle in circles(&graph(sources)) {
            let names: Vec<String> = circle.iter().map(|module| module.join("::")).collect();
            found.push(format!("{}: {}", root.display(), names.join(" ↔ ")));
        }
    }
    assert!(found.is_empty(), "{} circles: {found:#?}", found.len());
}

#[test]
fn circles_are_found() {
    let sources = |texts: &[(&str, &str)]| -> BTreeMap<Module, String> {
        let module =
            |name: &str| name.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
        texts.iter().map(|(name, text)| (module(name), (*text).to_owned())).collect()
    };
    let names = |texts: &[(&str, &str)]| circles(&graph(&sources(texts))).len();
    assert_eq!(
        names(&[
            ("", ""),
            ("a", "use crate::b::{self, X};"),
            ("b", "use crate::{c::Y, d};"),
            ("c", ""),
            ("d", "")
        ]),
        0
    );
    assert_eq!(
        names(&[
            ("a", "use crate::{\n    c::Z,\n    b::X,\n};"),
            ("b", "fn f() { crate::a::g() }"),
            ("c", "")
        ]),
        1
    );
    assert_eq!(
        names(&[
            ("p", "use p::a;"),
            ("p::a", "use super::T; use super::b::U;"),
            ("p::b", "use crate::p::a::V;")
        ]),
        1
    );
    assert_eq!(names(&[("p", "mod a; use crate::p::a::X;"), ("p::a", "use crate::p::T;")]), 0);
    assert_eq!(
        names(&[("a", "use crate::b::X;"), ("b", "// use crate::a::Y;\n#[cfg(test)]\nuse crate::a::Y;")]),
        0
    );
}
