//! Builds anew when a folder that is packed into the binary changes; the compiler alone does not notice new files.

fn main() {
    for folder in ["standards", "mappings"] {
        println!("cargo::rerun-if-changed={folder}");
    }
}
