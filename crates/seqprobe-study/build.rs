//! Gives this package's test and bench binaries the path of libtorch.
fn main() {
    let libtorch = std::env::var("DEP_TCH_LIBTORCH_LIB").unwrap_or_default();
    if !libtorch.is_empty() {
        println!("cargo::rustc-link-arg=-Wl,-rpath,{libtorch}");
    }
    println!("cargo::rustc-link-arg=-Wl,--no-as-needed");
    println!("cargo::rustc-link-arg=-ltorch");
}
