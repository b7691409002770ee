//! Tells cargo that the embedded migrations and dialogs are part of the source.

fn main() {
    for path in ["migrations", "dialogs", "deploy/demo"] {
        println!("cargo:rerun-if-changed={path}");
    }
}
