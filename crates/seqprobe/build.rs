//! Gives the program the path of libtorch and the commit it was built from.

use std::process::Command;

fn main() {
    let libtorch = std::env::var("DEP_TCH_LIBTORCH_LIB").unwrap_or_default();
    if !libtorch.is_empty() {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{libtorch}");
    }
    println!("cargo::rustc-link-arg=-Wl,--no-as-needed");
    println!("cargo::rustc-link-arg=-ltorch");

    println!("cargo::rerun-if-changed=build.rs");
    let git = |arguments: &[&str]| {
        let output =
            Command::new("git").args(arguments).output().ok().filter(|output| output.status.success())?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let commit = git(&["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(|| "unknown".to_owned());
    let dirty =
        git(&["status", "--porcelain", "--untracked-files=no"]).is_some_and(|changes| !changes.is_empty());
    let commit = if dirty { format!("{commit}-dirty") } else { commit };
    if let Some(head) = git(&["rev-parse", "--git-path", "HEAD"]) {
        println!("cargo::rerun-if-changed={head}");
    }
    if let Some(branch) =
        git(&["symbolic-ref", "HEAD"]).and_then(|branch| git(&["rev-parse", "--git-path", &branch]))
    {
        println!("cargo::rerun-if-changed={branch}");
    }
    println!("cargo::rustc-env=SEQPROBE_COMMIT={commit}");
}
