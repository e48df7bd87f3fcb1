//! Commits: writes that join several aggregates, one transaction each. The name of a commit is the name of its fail
//! points, `<name>.before_commit` and `<name>.after_commit`.

pub mod bulk; // many at once, slice by slice
pub mod deliver; // a delivery's way: sending, and what came of it
pub mod gather; // documents that waited leave together
pub mod pickup; // a file was taken from a folder
pub mod receive; // a transmission came in
pub mod release; // what was held goes on, what failed goes again
pub mod submit; // what is sent as it was given
pub mod translate; // documents, what was made of them, and what answers them
